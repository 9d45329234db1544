"""The fictional alliance ALLIANCE-15 (domain.md §9): fifteen members, five others, and the people who work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from answerable.alliance import actions as alliance
from answerable.alliance.models import Body, Person, State
from answerable.authority.principals import CLOCK
from answerable.vault import actions as vault
from answerable.vault import seal
from answerable.vault.client import ask

# code, name, population in millions
MEMBERS = (
    ("AVN", "Arvenia", 60), ("BLM", "Belmora", 48), ("CDY", "Cordaya", 36), ("DRL", "Drenland", 30),
    ("ESU", "Esturia", 24), ("FDM", "Feldmark", 20), ("GRN", "Grenova", 18), ("HLV", "Halvania", 15),
    ("ILM", "Ilmara", 12), ("JRV", "Jorvia", 10), ("KST", "Kestria", 9), ("LUN", "Lunaria", 7),
    ("MRV", "Merovia", 5), ("NRV", "Norvale", 4), ("OST", "Ostrana", 2),
)  # fmt: skip
OTHERS = (("ZND", "Zandria"), ("VST", "Vostmark"), ("UTH", "Uthara"), ("PEL", "Pelland"), ("WSM", "Wesmere"))
SECRETARIAT, PANEL, CLAIMS, FUND, PARTNER, CUSTODY, COUNCIL, OMBUDS = (
    "Secretariat", "Panel of Experts", "Reparations Office", "Fund Office", "Lantern Documentation Network",
    "Custody Office", "Survivor Council", "Office of the Ombudsperson",
)  # fmt: skip


@dataclass(frozen=True)
class Role:
    """Someone of the fixture: how they sign in, their name, body, role and nationality."""

    handle: str
    name: str
    body: str
    role: str
    nationality: str = ""
    what: str = field(default="")


PEOPLE = (
    Role("sami", "Sami Analyst", SECRETARIAT, "monitoring_analyst", "", "imports data, files and triages, runs patterns"),
    Role("vera", "Vera Verifier", SECRETARIAT, "verifier", "", "verifies what others collected"),
    Role("lena", "Lena Lead", SECRETARIAT, "verification_lead", "", "weighs contrary items, regrades"),
    Role("leo", "Leo Legal", SECRETARIAT, "legal_adviser", "", "checks law, notifies findings"),
    Role("safa", "Safa Safeguarding", SECRETARIAT, "safeguarding_officer", "", "checks safety, approves openings, holds a seat"),
    Role("cora", "Cora Custodian", CUSTODY, "vault_custodian", "", "approves openings of an identity, holds a seat"),
    Role("sol", "Sol Survivors' Council", COUNCIL, "survivor_council_member", "", "holds the survivors' advocate's seat"),
    Role("dario", "Dario Data Protection", SECRETARIAT, "data_protection_officer", "", "inspects, reviews what was opened at once"),
    Role("dana", "Dana Documenter", PARTNER, "intake_officer", "", "files incident reports for a partner"),
    *(Role(f"expert{n}", f"Expert {n}", PANEL, "panel_expert", nat, "sits on the panel")
      for n, nat in enumerate(("AVN", "BLM", "CDY", "DRL", "FDM", "GRN", "ILM"), 1)),
    Role("inga", "Inga Intake", CLAIMS, "intake_officer", "", "takes claims in"),
    Role("adva", "Adva Advocate", CLAIMS, "survivor_advocate", "", "stands by claimants"),
    Role("anna", "Anna Assessor", CLAIMS, "eligibility_assessor", "", "first assessor"),
    Role("axel", "Axel Assessor", CLAIMS, "eligibility_assessor", "", "second assessor"),
    Role("paulo", "Paulo Panel", CLAIMS, "award_panel", "", "awards"),
    Role("bo", "Bo Board", FUND, "fund_board", "", "opens programmes"),
    Role("fina", "Fina Finance", FUND, "finance_initiator", "", "plans payments"),
    Role("abel", "Abel Approver", FUND, "finance_approver", "", "approves payments"),
    Role("beth", "Beth Approver", FUND, "finance_approver", "", "approves payments"),
    Role("tove", "Tove Treasurer", FUND, "treasurer", "", "confirms cash, releases, settles"),
    Role("petra", "Petra Protection", SECRETARIAT, "data_protection_officer", "", "follows consents, withdrawals and recalls"),
    Role("odile", "Odile Auditor", SECRETARIAT, "auditor", "", "reads everything about money"),
    Role("omar", "Omar Ombudsperson", OMBUDS, "ombudsperson", "", "looks after complaints, outside every case team"),
    Role("chair", "Chair of the Council (Ilmara)", "Delegation of Ilmara", "chair", "ILM", "circulates, opens votes, declares"),
    *(Role(f"delegate.{c.lower()}", f"Delegate of {n}", f"Delegation of {n}", "council_delegate", c, "proposes and votes")
      for c, n, _ in MEMBERS),
)  # fmt: skip
FOUNDERS = (("ines", "Ines Registrar"), ("arno", "Arno Administrator"))
# Two of these unlock the vault after a start (a demonstration's opens by itself).
KEEPERS = ("ines", "arno", "safa")
SEATS = (("vault custodian", CUSTODY), ("safeguarding officer", SECRETARIAT), ("survivors' advocate", COUNCIL))


def load(
    *, passphrase: str, keep_seat_key: Callable[[str, bytes], None], progress: Callable[[str], None] = print
) -> None:
    """Build ALLIANCE-15 through the same actions everyone uses: founded, entered, granted by two, keys enrolled.

    Every person signs in with `passphrase`: a demonstration's, printed on the screen, never a real alliance's.
    """
    progress("Founding the alliance …")
    ines, arno = alliance.found_alliance(
        registrar=FOUNDERS[0], administrator=FOUNDERS[1], secretariat=SECRETARIAT, by=CLOCK
    )
    bodies = {SECRETARIAT: ines.body}
    for name in (PANEL, CLAIMS, FUND, CUSTODY, COUNCIL, OMBUDS):
        bodies[name] = alliance.enter_body(name=name, kind=Body.ORGAN, by=ines)
    bodies[PARTNER] = alliance.enter_body(name=PARTNER, kind=Body.PARTNER, by=ines)
    states: dict[str, State] = {}
    for code, name in [*((c, n) for c, n, _ in MEMBERS), *OTHERS]:
        states[code] = alliance.enter_state(code=code, name=name, fictional=True, by=ines)
    for code, name, _ in MEMBERS:
        bodies[f"Delegation of {name}"] = alliance.enter_body(
            name=f"Delegation of {name}", kind=Body.DELEGATION, state=states[code], by=ines
        )
    alliance.enter_population("fixture", {c: m * 1_000_000 for c, _, m in MEMBERS}, by=ines)
    progress("Admitting fifteen members …")
    for code, _, _ in MEMBERS:
        for move in ("invite", "note_interest", "sign_charter", "admit_member"):
            alliance.move_membership(states[code], move, by=ines)
    progress("Entering people; two persons grant each role …")
    people: dict[str, Person] = {"ines": ines, "arno": arno}
    for role in PEOPLE:
        person = alliance.enter_person(
            handle=role.handle, name=role.name, body=bodies[role.body], nationality=role.nationality, by=ines
        )
        people[role.handle] = person
        grant = alliance.ask_grant(person, role.role, by=ines)
        alliance.decide_grant(grant, "confirm_grant", by=arno)
    for person in people.values():
        vault.enrol_key(person, passphrase, by=ines)
    vault.found_vault([people[h] for h in KEEPERS], by=ines)
    # From here on the vault asks for a session in which someone answers for it.
    ines.vault_session = ask("sign_in", handle="ines", passphrase=passphrase)["token"]
    ines.fresh = True
    for name, body in SEATS:
        public, private = seal.new_key_pair()
        keep_seat_key(name, private)
        vault.fill_seat(name, bodies[body].ref, public, by=ines)
    fresh = {h: Person.objects.select_related("body__state").get(pk=p.pk) for h, p in people.items()}
    monitoring = [fresh[h] for h in ("sami", "vera", "lena")]
    vault.open_compartment("monitoring", monitoring, by=ines)
    vault.open_compartment(f"monitoring/{bodies[PARTNER].ref}", [*monitoring, fresh["dana"]], by=ines)
    # Why someone is to be interviewed again is read by whoever decides on it, and by no one who would ask her (SC-2).
    vault.open_compartment("interviews", [fresh["safa"]], by=ines)
    vault.open_compartment("claims", [fresh[h] for h in ("inga", "adva", "anna", "axel", "paulo")], by=ines)
    helpers = [fresh[h] for h in ("inga", "adva", "safa")]
    vault.open_compartment("care", helpers, by=ines)
    vault.open_compartment("contact", helpers, by=ines)
    # Complaints: the ombudsperson reads all, the data protection officer the general ones, a safeguarding officer only
    # what a complainant allowed. Nobody of the case team has a key.
    vault.open_compartment("grievances/general", [fresh["omar"], fresh["petra"]], by=ines)
    vault.open_compartment("grievances/sensitive", [fresh["omar"]], by=ines)
    vault.open_compartment("grievances/shared", [fresh["omar"], fresh["safa"]], by=ines)
