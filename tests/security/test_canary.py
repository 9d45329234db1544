"""The canary sweep: a distinct string in every sealed field, then a search of every sink (security.md §4.6)."""

from __future__ import annotations

import logging
import re
import secrets

import pytest
from tests_support import rows_holding, see_all

from answerable.monitoring.models import Incident
from answerable.reparations.models import Claim

pytestmark = pytest.mark.django_db


@pytest.fixture
def planted(office, saved):
    names = ("narrative", "place", "link_reason", "says", "account", "alias", "safe_contact", "area2", "preferences")
    words = {n: f"canary{n.replace('_', '')}{secrets.token_hex(6)}" for n in names}
    situation, party, programme = saved("$zandria"), saved("$brigade"), saved("$programme")
    dana, inga = office("dana"), office("inga")
    report = {
        "referral_offered": "on", "searched_first": "on", "party": party.pk, "on": "2026-01-14", "precision": "day", "area1": "S",
        "victims": 3, "forms_": ["SV-RAPE"], "links": ["LK-PERP"], "risk": "medium",
        **{n: words[n] for n in ("narrative", "place", "link_reason")},
    }  # fmt: skip
    assert dana.post(f"/watch/{situation.ref}/report/", report).status_code == 303
    see_all()
    incident = Incident.objects.order_by("-id").first()
    item = {"kind": "testimony", "testimony": "T1", "assessors": 1, "purposes": ["CP-MONI"], "says": words["says"]}
    assert dana.post(f"/watch/incidents/{incident.ref}/items/", item).status_code == 303
    claim = {
        "claim_type": "CL-DIR", "age_band": "25-34", "country": "Pelland", "language": "ar", "events_from": "2026-01-02", "area1": "S",
        "purposes": ["CP-CLAI", "CP-CONT"], "declared_true": "on",
        **{n: words[n] for n in ("account", "alias", "safe_contact", "area2", "preferences")},
    }  # fmt: skip
    assert inga.post(f"/repair/programmes/{programme.ref}/lodge/", claim).status_code == 303
    # The same words in requests that fail, so that errors are swept as well.
    assert (
        inga.post(f"/repair/programmes/{programme.ref}/lodge/", {**claim, "events_from": "2999-01-01"}).status_code
        == 409
    )
    assert dana.post(f"/watch/{situation.ref}/report/", {**report, "victims": "many"}).status_code == 422
    see_all()
    return words, incident, Claim.objects.order_by("-id").first()


def test_no_table_holds_a_planted_word(planted):
    words, _incident, _claim = planted
    assert {name: rows_holding(word) for name, word in words.items()} == {name: [] for name in words}


def test_the_sweep_sees_a_leak(planted):
    """The sweep's own test: a word known to be stored in the open is found."""
    assert "monitoring_situation" in rows_holding("Zandria")
    assert rows_holding("Arvenia")


def test_no_page_record_export_or_log_shows_a_planted_word(planted, office, caplog):
    from answerable.record import log

    words, incident, claim = planted
    caplog.set_level(logging.DEBUG)
    for who in ("sami", "dana", "vera", "inga", "anna", "delegate.avn", "chair", "fina", "odile"):
        client, seen, queue = (
            office(who),
            set(),
            ["/today/", f"/watch/incidents/{incident.ref}/", f"/repair/claims/{claim.ref}/"],
        )
        while queue and len(seen) < 40:
            url = queue.pop(0)
            if url in seen:
                continue
            seen.add(url)
            text = client.get(url).content.decode()
            assert not [n for n, w in words.items() if w in text], (who, url)
            queue += [u for u in re.findall(r'href="(/[^"#]*)"', text) if not u.startswith(("/static", "/api"))]
    see_all()
    events = b"".join(event for _i, _s, event in log.opened_events()).decode()
    assert not [n for n, w in words.items() if w in events or w in caplog.text]


def test_who_may_opens_it_and_leaves_an_entry(planted, office):
    from answerable.record import log

    words, incident, claim = planted
    vera = office("vera")
    assert (
        words["narrative"]
        in vera.post(f"/watch/incidents/{incident.ref}/read/", {"field": "narrative"}).content.decode()
    )
    assert (
        words["safe_contact"]
        in office("inga").post(f"/repair/claims/{claim.ref}/read/", {"field": "safe_contact"}).content.decode()
    )
    assert [e.action for e in log.history(incident.ref)][-1] == "sealed field read"
    refused = office("inga").post(f"/repair/claims/{claim.ref}/read/", {"field": "account"})
    assert refused.status_code == 409 and words["account"] not in refused.content.decode()


def test_a_locked_key_opens_nothing(planted, office, settings):
    words, incident, _claim = planted
    vera = office("vera")
    del vera.cookies[settings.UNLOCK_COOKIE]
    reply = vera.post(f"/watch/incidents/{incident.ref}/read/", {"field": "narrative"})
    assert (
        reply.status_code == 409
        and "locked" in reply.content.decode()
        and words["narrative"] not in reply.content.decode()
    )


def test_without_her_consent_to_contact_her_contact_stays_sealed(office, saved):
    from answerable.authority.acting import action
    from answerable.record import log

    claim = saved("$claim")

    @action("test withdraws a consent")
    def withdraw(*, by):
        claim.purposes = ["CP-CLAI"]
        claim.save(update_fields=["purposes"])
        log.append("x", claim, by=by)

    from answerable.authority.principals import CLOCK

    withdraw(by=CLOCK)
    reply = office("inga").post(f"/repair/claims/{claim.ref}/read/", {"field": "safe_contact"})
    assert reply.status_code == 409 and "SC-4" in reply.content.decode()
