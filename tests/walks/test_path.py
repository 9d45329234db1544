"""The path by hand, on the pages of the office: a report to a decision, a claim to a payment."""

from __future__ import annotations

import re

import pytest

from answerable.authority.acting import set_scope
from answerable.council.models import Proposal
from answerable.fund.models import Payment
from answerable.monitoring.intake.models import Interview
from answerable.monitoring.models import Incident
from answerable.publication.models import Release
from answerable.reparations.models import AwardLine, Claim

pytestmark = pytest.mark.django_db


def press(client, url, **fields):
    reply = client.post(url, fields)
    set_scope(["*"])  # so that the test can look at what was stored
    assert reply.status_code == 303, (url, reply.status_code, re.sub(r"<[^>]+>|\s+", " ", reply.content.decode())[:900])
    return reply


def test_a_report_from_filing_to_verified(office, saved):
    situation, party = saved("$zandria"), saved("$brigade")
    dana, sami, vera = office("dana"), office("sami"), office("vera")
    report = f"/watch/intake/report/{situation.ref}/"
    assert b"Care, time and place" in dana.get(report).content
    form = {
        "step": 5, "act": "file", "referral_offered": "on", "searched_first": "on", "party": party.ref, "when": "2026-01-14",
        "area1": "Zandria South", "area2": "Z-07", "victims": 3, "actor_types": ["ACT-STF"], "forms": ["SV-RAPE"], "links": ["LK-PERP"],
        "link_reason": "They wore the unit's badge.", "narrative": "A canary sentence.", "risk": "medium",
    }  # fmt: skip
    press(dana, report, **form)
    incident = Incident.objects.order_by("-id").first()
    url = f"/watch/incidents/{incident.ref}/"
    item = {
        "kind": "testimony", "directness": "primary", "testimony": "T1", "captured_on": "2026-01-20", "says": "x",
        "purposes": ["CP-MONI", "CP-FIND"], "understood": "yes", "withdrawal_told": "yes",
    }  # fmt: skip
    unasked = dana.post(url + "items/", item)
    assert unasked.status_code == 409 and "Before a new account is asked for" in unasked.content.decode()
    press(dana, f"/watch/intake/interviews/ask/{situation.ref}/", told_before="no_code", pseudonym="p-1", purpose="CP-MONI",
          added_value="she saw the commander", why_not_enough="no record names him")  # fmt: skip
    press(dana, url + "items/", **item, interview=Interview.objects.latest("id").ref)
    press(
        dana,
        url + "items/",
        kind="medical",
        directness="primary",
        captured_on="2026-01-20",
        reliability="A",
        credibility=2,
        purposes=["CP-MONI", "CP-FIND"],
        understood="yes",
        withdrawal_told="yes",
    )
    press(sami, url + "move/", move="triage")
    press(vera, url + "move/", move="begin_verification")
    account = incident.items.get(kind="testimony")
    for assessor in (vera, office("lena")):
        press(assessor, f"/watch/items/{account.ref}/assess/", testimony="T1", reasons="It agrees with itself.")
    shown = re.search(r'name="shown" value="([^"]+)"', vera.get(url).content.decode())[1]
    press(vera, url + "verify/", shown=shown)
    incident.refresh_from_db()
    assert (incident.level, incident.status) == ("V3a", "VERIFIED")
    opened = vera.post(url + "read/", {"field": "narrative"})
    assert b"A canary sentence." in opened.content
    assert b"A canary sentence." not in dana.get(url).content


def test_a_vote_from_a_delegates_home_page(office, saved):
    proposal = Proposal.objects.get(ref=saved("$again").ref)
    avn, kst, blm, chair = office("delegate.avn"), office("delegate.kst"), office("delegate.blm"), office("chair")
    url = f"/decide/proposals/{proposal.ref}/"
    assert proposal.title in blm.get("/today/").content.decode()
    press(blm, url + "ballot/", choice="for")
    again = blm.post(url + "ballot/", {"choice": "for"})
    assert again.status_code == 409 and "already voted" in again.content.decode()
    for code in ("fdm", "grn", "hlv", "ilm"):
        press(office(f"delegate.{code}"), url + "ballot/", choice="for")
    page = avn.get(url).content.decode()
    assert "More for than against" in page and "Kestria" in page
    assert kst.post(url + "move/", {"move": "declare"}).status_code == 409
    press(chair, url + "move/", move="declare")
    proposal.refresh_from_db()
    assert proposal.status == "ADOPTED"
    assert chair.get(f"/decide/measures/{proposal.adopted_as.ref}/").status_code == 200


def test_a_claim_from_intake_to_payment(office, saved):
    programme = saved("$programme")
    inga, adva, anna, paulo = office("inga"), office("adva"), office("anna"), office("paulo")
    fina, abel, beth, tove = office("fina"), office("abel"), office("beth"), office("tove")
    form = {
        "claim_type": "CL-DIR", "alias": "N.", "age_band": "25-34", "country": "Pelland", "language": "ar",
        "safe_contact": "Do not contact.", "events_from": saved("$I5").on.isoformat(), "area1": "Zandria South",
        "area2": "Z-09", "purposes": ["CP-CLAI", "CP-CONT"], "declared_true": "on", "referral_offered": "on", "plan_ways": ["phone"],
        "plan_windows": "TUE 10:00-12:00", "plan_time_zone": "Europe/Vienna",
    }  # fmt: skip
    press(inga, f"/repair/programmes/{programme.ref}/lodge/", **form)
    claim = Claim.objects.order_by("-id").first()
    url = f"/repair/claims/{claim.ref}/"
    # No sender but a call, and that in her hours only.
    assert inga.post(f"/repair/contact/{claim.ref}/reach/", {"sender": "letter"}).status_code == 409
    assert inga.post(f"/repair/contact/{claim.ref}/reach/", {"sender": "automatic SMS"}).status_code == 409
    press(inga, f"/repair/contact/{claim.ref}/enquiry/", via="phone")
    for who, move in (
        (inga, "screen"),
        (adva, "register_claim"),
        (adva, "check_completeness"),
        (adva, "begin_assessment"),
    ):
        press(who, url + "move/", move=move)
    assert inga.post(url + "assess/", {"coherent": "yes"}).status_code == 409
    press(anna, url + "assess/", coherent="yes")
    press(paulo, url + "award/", instalments=2, children=0)
    press(adva, url + "move/", move="accept_award")
    claim.refresh_from_db()
    line = AwardLine.objects.get(award_key=claim.award.ref)
    assert [sum(line.instalments), len(line.instalments)] == [630000, 2]
    assert line.ref in fina.get("/fund/").content.decode()
    press(fina, "/fund/payments/plan/", line=line.ref, instalment=1)
    assert fina.post("/fund/payments/plan/", {"line": line.ref, "instalment": 1}).status_code == 409
    payment = Payment.objects.get(line=line.ref)
    url = f"/fund/payments/{payment.ref}/move/"
    assert fina.post(url, {"move": "approve_first"}).status_code == 409
    press(abel, url, move="approve_first")
    assert abel.post(url, {"move": "approve_second"}).status_code == 409
    press(beth, url, move="approve_second")
    press(tove, url, move="release")
    statements = Release.objects.filter(subject="FUND").count()
    before = _balances(tove), _balances(office("delegate.blm"))
    assert before[0] and before[1] and before[0] != before[1]
    press(tove, url, move="settle", bank_reference="BNK-1")
    payment.refresh_from_db()
    assert payment.status == "SETTLED"
    # The difference of two public statements would be what she was paid: none is made until ten payments lie between.
    assert Release.objects.filter(subject="FUND").count() == statements
    assert claim.ref not in tove.get("/fund/").content.decode()
    # Nor would two looks at the fund's page, for whoever sees no payments.
    assert _balances(tove) != before[0] and _balances(office("delegate.blm")) == before[1] == _balances(office("dana"))


def _balances(client):
    page = client.get("/fund/").content.decode()
    return re.findall(r"[A-Z]{3} [\d,]+\.\d\d", page.split("</table>")[0])


@pytest.mark.parametrize(("payments", "shown"), [(0, True), (1, False), (9, False), (10, True), (25, True)])
def test_between_two_public_statements_of_the_fund_lie_no_payments_or_ten(payments, shown, saved, monkeypatch):
    from answerable.fund import queries as fund
    from answerable.publication import releasing

    set_scope(["*"])
    last = Release.objects.filter(subject="FUND").order_by("version").last()
    monkeypatch.setattr(fund, "paid_so_far", lambda: last.body["payments"] + payments)
    assert releasing._statement_shows_nobody() is shown


def test_a_registrar_admits_a_member(office):
    ines, arno = office("ines"), office("arno")
    press(ines, "/alliance/states/enter/", code="TST", name="Testania")
    from answerable.alliance.models import Grant, Person, State

    state = State.objects.get(code="TST")
    move = f"/alliance/states/{state.ref}/move/"
    for name in ("invite", "sign_charter"):
        press(ines, move, move=name)
    assert ines.post(move, {"move": "admit_member"}).status_code == 409
    press(ines, "/alliance/bodies/enter/", name="Delegation of Testania", kind="delegation", state=state.pk)
    press(ines, "/alliance/populations/enter/", version="next", table="TST, 5000000\nAVN, 60000000")
    press(ines, move, move="admit_member")
    press(ines, "/alliance/people/enter/", handle="tess", name="Tess", body=state.delegations.get().pk)
    press(ines, "/alliance/grants/ask/", person=Person.objects.get(handle="tess").pk, role="council_delegate")
    grant = Grant.objects.get(person__handle="tess")
    assert ines.post(f"/alliance/grants/{grant.ref}/", {"move": "confirm_grant"}).status_code == 409
    press(arno, f"/alliance/grants/{grant.ref}/", move="confirm_grant")
    state.refresh_from_db()
    assert state.status == "MEMBER"


def test_every_home_page_lists_what_waits(office):
    for who, words in {"sami": "to triage", "delegate.blm": "ballot", "inga": "to screen", "abel": "first approval",
                       "chair": "to declare", "delegate.cdy": "act"}.items():  # fmt: skip
        assert words in office(who).get("/today/").content.decode(), who


@pytest.mark.slow
def test_every_page_a_person_can_reach_answers(office):
    for who in ("sami", "dana", "leo", "chair", "delegate.avn", "anna", "fina", "tove", "ines", "odile"):
        client, seen, queue = office(who), set(), ["/today/"]
        while queue and len(seen) < 60:
            url = queue.pop(0)
            if url in seen:
                continue
            seen.add(url)
            reply = client.get(url)
            assert reply.status_code in (200, 302), (who, url, reply.status_code)
            if reply.status_code == 200:
                queue += [u.replace("&amp;", "&") for u in re.findall(r'href="(/[^"#]*)"', reply.content.decode())
                          if not u.startswith(("/static", "/api"))]  # fmt: skip


def test_the_api_works_and_never_votes(office, saved):
    sami = office("sami")
    page = sami.post("/alliance/tokens/", {"purpose": "monitoring", "days": 30}).content.decode()
    secret = re.search(r"ans_[\w-]+", page)[0]
    from django.test import Client

    def call(method, path, token=secret, **kwargs):
        return getattr(Client(), method)(
            path, headers={"authorization": f"Bearer {token}"}, content_type="application/json", **kwargs
        )

    assert call("get", "/api/situations").status_code == 200
    assert call("get", "/api/situations", token="ans_wrong").status_code == 401
    assert call("get", "/api/proposals").status_code == 401  # another purpose
    report = {"situation": saved("$zandria").ref, "party": saved("$brigade").ref, "on": "2026-02-01", "area1": "S", "precision": "week",
              "victims": 1, "forms": ["SV-RAPE"], "links": ["LK-PERP"], "link_reason": "x", "referral_offered": True,
              "searched_first": True}  # fmt: skip
    assert call("post", "/api/incidents", data=report).status_code == 201
    refused = call("post", "/api/incidents", data={**report, "forms": ["SV-NONE"]})
    assert refused.status_code == 422 and "The nearest are" in refused.json()["problems"]["forms"]
    # What the short form does not ask is not left out in silence.
    assert call("post", "/api/incidents", data={**report, "area1": "T", "attachment": "photo.png"}).status_code == 422
    ahead = call("post", "/api/incidents", data={**report, "on": "2999-01-01"})
    assert ahead.status_code == 422 and "lies in the future" in ahead.json()["problems"]["when"]
    assert call("post", "/api/incidents", data={**report, "referral_offered": False}).status_code == 422
    again = call("post", "/api/incidents", data=report)
    assert again.status_code == 409 and again.json()["reason"] == "duplicate"
    avn = office("delegate.blm")
    token = re.search(r"ans_[\w-]+", avn.post("/alliance/tokens/", {"purpose": "council", "days": 3}).content.decode())[
        0
    ]
    reply = call("post", f"/api/proposals/{saved('$again').ref}/ballot?choice=for", token=token)
    assert reply.status_code == 409 and "cannot vote" in reply.json()["refused"]
