"""Accounts taken before the book of consents: their purposes become its first rows, in the table's own terms."""

from datetime import UTC, datetime, time

from django.db import migrations


def enter(apps, schema_editor):
    from answerable.vault.consent import rules

    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.compartments', '*', true)")
    Consent = apps.get_model("vault", "Consent")
    for item in apps.get_model("monitoring", "SourceItem").objects.all().iterator(500):
        for purpose in item.purposes:
            terms = rules.default_terms(purpose, on=item.captured_on)
            given = purpose not in item.withdrawn
            Consent.objects.create(
                subject=item.ref, compartment=item.compartment, purpose=purpose, given=given, audience=list(terms.audience),
                identifiability=terms.identifiability, expires_on=terms.expires_on, understanding_checked=True,
                withdrawal_channel_told=True, given_at=datetime.combine(item.captured_on, time.min, tzinfo=UTC),
                recorded_by="CLOCK",
            )


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0001_initial"), ("vault", "0002_consent")]
    operations = [migrations.RunPython(enter, migrations.RunPython.noop)]
