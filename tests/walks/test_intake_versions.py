"""Versions of one submission: one report whatever comes twice, none lost, and none left whole when she withdraws."""

from __future__ import annotations

import pytest
from tests_support import see_all
from walks.test_intake import ITEM, bring, row, staged_from, table
from walks.test_intake_whole import TOLD

from answerable.alliance.models import Person
from answerable.authority.acting import scope_of
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.monitoring.intake import actions, staging
from answerable.monitoring.intake import models as m
from answerable.monitoring.models import Incident
from answerable.vault.client import ask
from answerable.vault.consent import actions as consent
from answerable.vault.consent.models import Withdrawal
from conftest import PASSPHRASE


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    settings.INTAKE, settings.QUARANTINE = tmp_path / "intake", tmp_path / "quarantine"


@pytest.fixture
def dana(played, db):
    found = person("dana")
    found.fresh, found.vault_session = True, ask("sign_in", handle="dana", passphrase=PASSPHRASE)["token"]
    see_all()
    return found


def person(handle):
    see_all()
    return Person.objects.select_related("body__state").get(handle=handle)


def deliver(saved, route="api", by="dana", **more):
    made = actions.deliver_report(row(saved, **more), route=route, by=person(by))
    see_all()
    return made


def stands(identity):
    return [(d.version, d.status) for d in m.Draft.objects.filter(identity=identity).order_by("version", "pk")]


def versions(saved, by, *counts, number="V"):
    """The same submission in as many deliveries."""
    made = []
    for count in counts:
        made.append(bring(table(row(saved, submission_id=number, victims=count, narrative=f"v{count}")), by))
        see_all()
    return made


# --- nothing is left when she withdraws ---------------------------------------------------------------------------


def withdrawn(report, later, days=31):
    made = consent.withdraw_everything(Incident.objects.get(pk=report.pk), heard_through="office", by=person("sami"))
    see_all()
    if days:
        later(days=days)
        with scope_of(CLOCK):
            consent.owed()
        see_all()
        assert Withdrawal.objects.get(pk=made.pk).status == "SHREDDED"
    return made


def test_an_earlier_version_is_shredded_with_the_report(saved, dana, later, office):
    from answerable.vault.models import DataKey

    told = {k.removeprefix("consent-"): v for k, v in ITEM.items()}
    first = bring(table(row(saved, submission_id="E", when="2026-01-12", area1="Canary", **told)), dana)
    see_all()
    second = bring(table(row(saved, submission_id="E", when="2026-01-12", victims="4", **told)), dana)
    see_all()
    old = first.drafts.get()
    assert old.status == m.REPLACED
    report = actions.file_draft(second.drafts.get(), by=dana)
    see_all()
    refs = [old.ref, old.items.get().ref]
    assert DataKey.objects.filter(subject__in=refs).count() == 2
    made = withdrawn(report, later)
    assert set(refs) <= set(made.parts)
    assert not DataKey.objects.filter(subject__in=refs).exists()
    for draft in (m.Draft.objects.get(ref=old.ref), m.Draft.objects.get(ref=report.ref)):
        assert (draft.when, draft.earliest.year, draft.latest.year, draft.precision) == ("", 1, 1, "")
        assert (draft.area1, draft.coded, bytes(draft.narrative), bytes(draft.place)) == ("", {}, b"", b"")
        assert (draft.items.get().coded, bytes(draft.items.get().says)) == ({}, b"")
        page = office("dana").get(f"/watch/intake/drafts/{draft.ref}/").content.decode()
        assert "2026-01-12" not in page and "0001" not in page and "Canary" not in page
        see_all()


def test_her_account_in_an_earlier_version_goes_with_the_item(saved, dana, later):
    from answerable.vault.models import DataKey

    two = [dict(TOLD), {**TOLD, "says": "another's"}]
    deliver(saved, submission_id="I", items=two, party="")
    old = m.Draft.objects.get()
    new, _none = deliver(saved, submission_id="I", items=two, victims="5", party="")
    report = actions.file_draft(new, party=saved("$brigade"), by=person("dana"))
    see_all()
    hers, others = old.items.order_by("number")
    made = consent.withdraw_everything(report.items.order_by("pk").first(), heard_through="office", by=person("sami"))
    see_all()
    assert hers.ref in made.parts and others.ref not in made.parts and old.ref not in made.parts
    later(days=31)
    with scope_of(CLOCK):
        consent.owed()
    see_all()
    assert not DataKey.objects.filter(subject=hers.ref).exists() and DataKey.objects.filter(subject=others.ref).exists()
    hers.refresh_from_db()
    others.refresh_from_db()
    assert hers.coded == {} and bytes(hers.says) == b"" and others.coded and bytes(others.says)


@pytest.mark.parametrize("days", [0, 31])
def test_no_later_story_is_kept_of_a_person_who_withdrew(saved, dana, later, days):
    _draft, report = deliver(saved, submission_id="W")
    withdrawn(report, later, days)
    before = m.Draft.objects.count()
    with pytest.raises(Refused, match="no later version of it is kept"):
        deliver(saved, submission_id="W", victims="9", narrative="her story again")
    see_all()
    batch = bring(table(row(saved, submission_id="W", victims="8"), row(saved, submission_id="X", victims="2")), dana)
    see_all()
    assert (batch.kept, batch.bad) == (1, 1) and [p[1] for p in batch.problems] == ["submission_id"]
    assert m.Draft.objects.count() == before + 1


def test_a_file_checked_before_she_withdrew_is_checked_again(saved, dana, later):
    _draft, report = deliver(saved, submission_id="W")
    staged = staged_from(table(row(saved, submission_id="W", victims="9")), dana)
    assert staging.advance(staged, by=dana).kept == 1
    withdrawn(report, later, 0)
    with pytest.raises(Refused, match="withdrawn meanwhile"):
        actions.bring_in_reports(staged, by=dana)
