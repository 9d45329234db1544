"""What each database role may do, table by table, and row-level security. Applied after every migration; idempotent.

Reviewed as one page: the database keeps these promises even when a view forgets them.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections

DOORS = ("answerable_portal", "answerable_channel", "answerable_office", "answerable_vault")
# No UPDATE, DELETE or TRUNCATE for anyone, the owner included (a trigger refuses what a privilege cannot).
APPEND_ONLY = (
    "record_entry",
    "record_checkpoint",
    "record_witness",
    "record_cosignature",
    "fund_entry",
    "fund_leg",
    "publication_release",
    "vault_consent",
    "monitoring_releasedtable",
    "monitoring_custodyline",
    "monitoring_periodcount",
)
# Where the office may delete: sessions end, salts and keys are shredded, an import's rows are undone, tallies are folded.
OFFICE_DELETES = (
    "monitoring_conflictyear",
    "monitoring_reading",
    "monitoring_party",
    "monitoring_situation",
    "monitoring_sourceitem_parents",
    "monitoring_furtheractor",
    "monitoring_actor",
    "monitoring_actorname",
    "monitoring_actorkey",
    "monitoring_tally",
    "monitoring_visit",
    "monitoring_savedview",
    "monitoring_answered",
    "django_session",
)
# What the vault process writes among the working facts: its entries in the record, and what doors without a database
# hand in through it. It reads what policies and rules need.
VAULT_WRITES = (
    "record_entry",
    "record_head",
    "vault_consent",
    "vault_withdrawal",
    "vault_transfer",
    "vault_identityrequest",
    "vault_alert",
    "vault_notice",
    "vault_roomrestore",
    "safeguarding_referral",
    "safeguarding_grievance",
    "safeguarding_safetyincident",
    "safeguarding_safecontactplan",
    "safeguarding_careoffer",
    "channel_thread",
    "channel_message",
    "channel_attachment",
    "channel_kitenvelope",
    "reparations_claim",
    "monitoring_incident",
    "monitoring_furtheractor",
    "monitoring_draft",
    # A withdrawal at the door takes an account out of what is counted; a file that another report has is one source with it.
    "monitoring_contribution",
    "monitoring_patternassessment",
    "record_reliance",
    "monitoring_patternstate",
    "monitoring_statechange",
    "monitoring_restatement",
    "monitoring_retest",
    "monitoring_indicator",
    # What is compared of a report that a documenter sends at the door, and the pairs that are found then.
    "monitoring_linkcard",
    "monitoring_linkpair",
    "monitoring_tally",
    "monitoring_evidencefile",
    "monitoring_proof",
    "monitoring_evidencecheck",
    "monitoring_redaction",
    "monitoring_custodyline",
    "monitoring_periodcount",
)
# Rows seen by more than their own compartment: requests to open an identity by those who approve, answer and inspect them;
# the book of consents by the data protection officer.
ALSO_SEEN_BY = {
    "vault_identityrequest": "custody",
    "vault_consent": "consents",
    "vault_withdrawal": "consents",
    "vault_transfer": "consents",
    # A further interview waits for safeguarding, whoever asked for it.
    "monitoring_interview": "interviews",
}
# The public face reads released rows only.
PORTAL_READS = ("publication_release",)

APPEND_ONLY_FUNCTION = """
CREATE OR REPLACE FUNCTION answerable_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'this table is append-only'; END $$
"""

# An entry continues the record without a gap and is not earlier than the one before it, whoever writes it: what waits
# for days counts them in the record. Its time is that of the database's own clock, within AHEAD and BEHIND.
IN_TIME_FUNCTION = """
CREATE OR REPLACE FUNCTION answerable_entry_in_time() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE last bigint; before timestamptz;
BEGIN
  SELECT max(index) INTO last FROM record_entry;
  IF NEW.index <> coalesce(last + 1, 0) THEN
    RAISE EXCEPTION 'an entry continues the record without a gap' USING ERRCODE = 'AE001';
  END IF;
  SELECT at INTO before FROM record_entry WHERE index < NEW.index AND at IS NOT NULL ORDER BY index DESC LIMIT 1;
  IF NEW.at < before THEN
    RAISE EXCEPTION 'an entry is not earlier than the one before it' USING ERRCODE = 'AE002';
  END IF;
  IF NEW.at > clock_timestamp() + interval '{ahead}' THEN
    RAISE EXCEPTION 'an entry does not lie ahead of the database''s clock' USING ERRCODE = 'AE002';
  END IF;
  IF NEW.at < clock_timestamp() - interval '{behind}' THEN
    RAISE EXCEPTION 'an entry does not lie behind the database''s clock' USING ERRCODE = 'AE002';
  END IF;
  RETURN NEW;
END $$
"""
AHEAD, BEHIND = "1 minute", "10 minutes"


BALANCED_FUNCTION = """
CREATE OR REPLACE FUNCTION answerable_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM fund_leg WHERE entry_id = NEW.entry_id GROUP BY currency HAVING sum(minor) <> 0) THEN
    RAISE EXCEPTION 'the legs of an entry sum to zero';
  END IF;
  RETURN NULL;
END $$
"""


def existing_tables(cursor: Any) -> set[str]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row[0] for row in cursor.fetchall()}


def compartment_tables() -> dict[str, str]:
    """Table → column, for every model that belongs to a compartment."""
    return {
        m._meta.db_table: "compartment"
        for m in apps.get_models()
        if m._meta.managed
        and any(f.name == "compartment" for f in m._meta.concrete_fields)
        and not m._meta.get_field("compartment").is_relation
    }


def keep_time(cursor: Any, *, rehearsal: bool) -> None:
    """Bind the times of entries to the database's own clock; in a `rehearsal` the clock is set, and any time will do.

    Only the owner of the schema can say which: no setting of a session and no row of the office's changes it.
    """
    ahead, behind = ("1000 years", "1000 years") if rehearsal else (AHEAD, BEHIND)
    cursor.execute(IN_TIME_FUNCTION.format(ahead=ahead, behind=behind))


def apply_keys(using: str = "keys", **_: Any) -> None:
    """The keys database is the vault's alone; nobody else may even connect (config/postgres.py)."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'answerable_vault'")
        if not cursor.fetchone():
            return
        cursor.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC")
        cursor.execute("GRANT USAGE ON SCHEMA public TO answerable_vault")
        cursor.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO answerable_vault")
        cursor.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO answerable_vault")


def apply(using: str = "default", **_: Any) -> None:
    """Grant, revoke and switch on row-level security for every table that exists."""
    if using == "keys":
        return apply_keys(using)
    connection = connections[using]
    q = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles")
        roles = {row[0] for row in cursor.fetchall()}
        tables = existing_tables(cursor)
        doors = [d for d in DOORS if d in roles]
        cursor.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC")
        for door in doors:
            cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {q(door)}")
            cursor.execute(f"GRANT USAGE ON SCHEMA public TO {q(door)}")
            cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {q(door)}")
        office = q("answerable_office")
        if "answerable_office" in roles:
            cursor.execute(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {office}")
            cursor.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {office}")
            for table in sorted(tables & set(OFFICE_DELETES)):
                cursor.execute(f"GRANT DELETE ON {q(table)} TO {office}")
            for table in sorted(tables & set(APPEND_ONLY)):
                cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {q(table)} FROM {office}")
        if "answerable_vault" in roles:
            vault = q("answerable_vault")
            cursor.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {vault}")
            cursor.execute(f"REVOKE ALL ON django_session FROM {vault}")
            for table in sorted(tables & set(VAULT_WRITES)):
                may = "INSERT" if table in APPEND_ONLY else "INSERT, UPDATE"
                cursor.execute(f"GRANT {may} ON {q(table)} TO {vault}")
        if "answerable_portal" in roles:
            for table in sorted(tables & set(PORTAL_READS)):
                cursor.execute(f"GRANT SELECT ON {q(table)} TO {q('answerable_portal')}")
        cursor.execute(APPEND_ONLY_FUNCTION)
        for table in sorted(tables & set(APPEND_ONLY)):
            trigger = q(f"{table}_append_only")
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger} ON {q(table)}")
            cursor.execute(
                f"CREATE TRIGGER {trigger} BEFORE UPDATE OR DELETE OR TRUNCATE ON {q(table)}"
                " FOR EACH STATEMENT EXECUTE FUNCTION answerable_append_only()"
            )
        if "record_entry" in tables:
            keep_time(cursor, rehearsal=settings.REHEARSAL)
            cursor.execute("DROP TRIGGER IF EXISTS entry_in_time ON record_entry")
            cursor.execute(
                "CREATE TRIGGER entry_in_time BEFORE INSERT ON record_entry"
                " FOR EACH ROW EXECUTE FUNCTION answerable_entry_in_time()"
            )
        if "fund_leg" in tables:
            # Checked once, when the transaction commits, because legs are written one after another.
            cursor.execute(BALANCED_FUNCTION)
            cursor.execute("DROP TRIGGER IF EXISTS entry_balances ON fund_leg")
            cursor.execute(
                "CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON fund_leg DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION answerable_entry_balances()"
            )
        for table, column in compartment_tables().items():
            if table not in tables:
                continue
            scope = "string_to_array(current_setting('app.compartments', true), ',')"
            # A reader of "monitoring" also reads "monitoring/<partner>"; "*" is the clock's.
            seen = (
                f"{q(column)} = ANY ({scope}) OR split_part({q(column)}, '/', 1) = ANY ({scope}) OR '*' = ANY ({scope})"
            )
            if also := ALSO_SEEN_BY.get(table):
                seen += f" OR '{also}' = ANY ({scope})"
            cursor.execute(f"ALTER TABLE {q(table)} ENABLE ROW LEVEL SECURITY")
            cursor.execute(f"ALTER TABLE {q(table)} FORCE ROW LEVEL SECURITY")
            cursor.execute(f"DROP POLICY IF EXISTS own_compartments ON {q(table)}")
            cursor.execute(f"CREATE POLICY own_compartments ON {q(table)} FOR ALL USING ({seen}) WITH CHECK (true)")
        cursor.execute("INSERT INTO record_head (id, size, last_event_leaf) VALUES (1, 0, '') ON CONFLICT DO NOTHING")
