"""The intake pages: a file from upload to drafts, the form in steps, interviews, counts."""

from __future__ import annotations

import io
import re

import pytest
from tests_support import see_all
from walks.test_intake import GOOD, row, table

from answerable.monitoring.intake import models as m
from answerable.monitoring.models import Incident


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.INTAKE = tmp_path / "intake"


def send(client, raw, name="reports.csv", **more):
    file = io.BytesIO(raw)
    file.name = name
    return client.post("/watch/intake/", {"file": file, **more})


def test_a_file_goes_from_upload_through_mapping_to_drafts_and_back_out(office, saved, settings):
    dana = office("dana")
    rows = [row(saved), row(saved, when="2026-02-30", narrative="=HYPERLINK(1)")]
    renamed = table(*rows).replace(b"narrative", b"Story", 1)
    reply = send(dana, renamed)
    assert reply.status_code == 303
    where = reply.url
    page = dana.get(where).content.decode()
    assert "Story" in page and "what was told" in page  # the preview is for whoever has the key
    column = renamed.split(b"\r\n")[0].decode().split(",").index("Story")
    names = renamed.split(b"\r\n")[0].decode().split(",")
    mapping = {f"c{n}": "narrative" if n == column else name for n, name in enumerate(names)}
    checked = dana.post(where, {"act": "map", **mapping}).content.decode()
    assert "2 of 2 rows: 1 good, 1 with problems" in checked and "There is no day 30" in checked
    listed = dana.get(where + "problems.csv").content.decode()
    assert "There is no day 30" in listed and "HYPERLINK" not in listed
    kept = dana.post(where, {"act": "keep"})
    assert kept.status_code == 303
    see_all()
    batch = m.IntakeBatch.objects.latest("id")
    shown = dana.get(f"/watch/intake/deliveries/{batch.ref}/").content.decode()
    assert "1 kept as drafts" in shown
    assert dana.post(f"/watch/intake/deliveries/{batch.ref}/undo/").status_code == 303
    assert send(dana, renamed).status_code == 303


@pytest.mark.slow
def test_a_column_set_to_nothing_is_named_before_anything_is_kept(office, saved):
    dana, raw = office("dana"), table(row(saved))
    names = raw.split(b"\r\n")[0].decode().split(",")
    where = send(dana, raw).url
    said = dana.post(
        where, {"act": "map", **{f"c{n}": "" if name == "narrative" else name for n, name in enumerate(names)}}
    )
    told = said.content.decode()
    assert "One column was set to nothing and is left out:" in told and "<bdi>narrative</bdi>." in told
    assert "send it again and say what they hold" in told
    dana.post(where, {"act": "drop"})
    where = send(dana, raw).url
    told = dana.post(where, {"act": "map", **{f"c{n}": name for n, name in enumerate(names)}}).content.decode()
    assert "left out:" not in told


def test_a_run_is_nobody_elses_and_nothing_without_its_key(office, saved):
    dana, sami = office("dana"), office("sami")
    where = send(dana, table(row(saved))).url
    assert sami.get(where).status_code == 404
    sami.cookies["intake-" + where.split("/")[-2]] = dana.cookies["intake-" + where.split("/")[-2]].value
    assert sami.get(where).status_code == 404
    del dana.cookies["intake-" + where.split("/")[-2]]
    assert dana.get(where).status_code == 404


def test_a_file_that_is_not_finished_is_listed_for_whoever_holds_its_key(office, saved):
    dana, sami = office("dana"), office("sami")
    where = send(dana, table(row(saved), row(saved))).url
    assert (
        where in dana.get("/watch/intake/").content.decode()
        and "0 of 2 rows checked" in dana.get("/watch/intake/").content.decode()
    )
    name = "intake-" + where.split("/")[-2]
    sami.cookies[name] = dana.cookies[name].value
    assert where not in sami.get("/watch/intake/").content.decode()
    dana.post(where, {"act": "drop"})
    assert "Files not finished" not in dana.get("/watch/intake/").content.decode()


def test_a_refused_file_is_said_and_leaves_nothing(office, settings):
    reply = send(office("dana"), b"%PDF-1.7", "reports.csv")
    assert reply.status_code == 409 and "not what its name says" in reply.content.decode()
    assert list(settings.INTAKE.iterdir()) == []


def test_whoever_has_no_part_in_intake_finds_no_page(office, saved):
    for who in ("delegate.avn", "petra", "inga"):
        client = office(who)
        for url in ("/watch/intake/", "/watch/intake/form.xlsx", f"/watch/intake/report/{saved('$zandria').ref}/"):
            assert client.get(url).status_code == 404, (who, url)


def test_the_published_form_is_downloaded(office):
    reply = office("dana").get("/watch/intake/form.xlsx")
    assert reply.status_code == 200 and reply.content[:2] == b"PK"


# --- the form in steps --------------------------------------------------------------------------------------------


def hidden(page):
    found = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page):
        found.setdefault(name, []).append(value)
    found.pop("csrfmiddlewaretoken", None)
    return found


def test_the_form_in_steps_searches_first_skips_what_does_not_apply_and_files(office, saved):
    dana, situation = office("dana"), saved("$zandria")
    see_all()
    near = Incident.objects.filter(
        situation=situation, organisation__ref=m.Person.objects.get(handle="dana").body.ref
    ).first()
    url = f"/watch/intake/report/{situation.ref}/"
    assert dana.get(url).status_code == 200
    wrong = dana.post(url, {"step": 0, "act": "next", "when": "2026-02-30", "area1": "S"})
    assert (
        wrong.status_code == 422
        and "There is no day 30" in wrong.content.decode()
        and "Care comes before questions" not in wrong.content.decode()
    )
    when = near.on.isoformat() if near else "2026-01"
    page = dana.post(
        url, {"step": 0, "act": "next", "referral_offered": "on", "when": when, "area1": near.area1 if near else "S"}
    ).content.decode()
    assert "Is it here already?" in page and (near is None or near.ref in page)
    page = dana.post(url, {**hidden(page), "act": "next", "searched_first": "on"}).content.decode()
    assert "What happened" in page and "Prefer not to say" in page
    what = {
        k: GOOD[k].split() if k == "forms" else GOOD[k] for k in ("actor_types", "forms", "links", "victims", "risk")
    }
    page = dana.post(
        url, {**hidden(page), "act": "next", **what, "party": saved("$brigade").ref, "settings": "PNS"}
    ).content.decode()
    assert "The source" in page
    source = {"kind": "document", "directness": "secondary", "captured_on": "2026-02-01"}
    page = dana.post(url, {**hidden(page), "act": "next", **source}).content.decode()
    assert "In words" in page and "Purposes consented" not in page  # a paper asks nobody for consent
    see_all()
    before = Incident.objects.count()
    reply = dana.post(
        url,
        {
            **hidden(page),
            "act": "file",
            "link_reason": "they wore badges",
            "narrative": "her account",
            "says": "a paper",
        },
    )
    see_all()
    assert reply.status_code == 303, reply.content.decode()[-1500:]
    made = Incident.objects.latest("id")
    assert Incident.objects.count() == before + 1 and made.items.count() == 1
    assert m.Draft.objects.get(ref=made.ref).coded["declined"] == ["settings"]


def test_save_and_stop_keeps_codes_and_no_text(office, saved):
    dana, situation = office("dana"), saved("$zandria")
    url = f"/watch/intake/report/{situation.ref}/"
    assert (
        dana.post(
            url, {"step": 2, "act": "save", "when": "2026-01", "area1": "South", "narrative": "not yet", "victims": "3"}
        ).status_code
        == 303
    )
    see_all()
    begun = m.BegunReport.objects.get()
    assert begun.answers == {"when": "2026-01", "victims": "3"} and begun.step == 2
    assert 'value="2026-01"' in dana.get(f"{url}?begun={begun.ref}").content.decode()
    assert 'value="2026-01"' not in office("sami").get(f"{url}?begun={begun.ref}").content.decode()


# --- interviews ---------------------------------------------------------------------------------------------------

WHY = {"told_before": "no_code", "pseudonym": "p-17", "purpose": "CP-MONI", "added_value": "she saw the commander herself",
       "why_not_enough": "no record names the unit"}  # fmt: skip


def test_an_account_needs_an_interview_that_says_why_and_a_second_one_safeguarding(office, saved):
    dana, situation = office("dana"), saved("$zandria")
    ask = f"/watch/intake/interviews/ask/{situation.ref}/"
    assert dana.post(ask, {**WHY, "added_value": "more"}).status_code == 409
    assert dana.post(ask, WHY).status_code == 303
    see_all()
    first = m.Interview.objects.latest("id")
    assert (first.status, first.number, first.basis) == ("ALLOWED", 1, "first")
    assert "p-17" not in str(list(m.Interview.objects.values()))
    page = dana.get(f"/watch/intake/interviews/{first.ref}/").content.decode()
    assert f'href="/watch/intake/report/{situation.ref}/"' in page and 'href="/watch/intake/interviews/"' in page
    assert dana.post(ask, WHY).status_code == 303
    see_all()
    second = m.Interview.objects.latest("id")
    assert (second.status, second.number) == ("ASKED", 2)
    assert dana.post(f"/watch/intake/interviews/{second.ref}/", {"reason": "allow safety"}).status_code == 409
    safa = office("safa")
    today = safa.get("/today/").content.decode()
    assert second.ref in today and "a further interview: allow it or refuse it" in today
    assert first.ref not in today and second.ref not in office("cora").get("/today/").content.decode()
    page = safa.get(f"/watch/intake/interviews/{second.ref}/").content.decode()
    assert (
        "The alliance has allowed 1 interview of her" in page
        and "This is a further one" in page
        and "/watch/intake/report/" not in page
    )
    assert '<option value="" selected>' in page  # no decision is chosen beforehand
    assert safa.post(f"/watch/intake/interviews/{second.ref}/", {"reason": ""}).status_code == 422
    assert safa.post(f"/watch/intake/interviews/{second.ref}/", {"reason": "refuse share_instead"}).status_code == 303
    second.refresh_from_db()
    assert second.status == "REFUSED" and second.decided_by.handle == "safa"
    assert dana.post(ask, {**WHY, "her_request": "on"}).status_code == 303
    see_all()
    assert m.Interview.objects.latest("id").basis == "her_request"


def test_a_testimony_is_filed_with_an_allowed_interview_and_only_once(office, saved):
    from answerable.alliance.models import Person
    from answerable.common.errors import Refused
    from answerable.monitoring.intake.actions import reporting

    dana = office("dana")
    dana.post(f"/watch/intake/interviews/ask/{saved('$zandria').ref}/", WHY)
    see_all()
    person, allowed = Person.objects.get(handle="dana"), m.Interview.objects.latest("id")
    item = {"kind": "testimony", "directness": "primary", "captured_on": "2026-02-01", "testimony": "T1", "says": "x",
            "purposes": "CP-MONI", "understood": "yes", "withdrawal_told": "yes"}  # fmt: skip
    with pytest.raises(Refused, match="say why it is needed"):
        reporting.deliver_report(row(saved, items=[item]), route="web", by=person)
    item["interview"] = allowed.ref
    _draft, incident = reporting.deliver_report(row(saved, items=[item]), route="web", by=person)
    allowed.refresh_from_db()
    assert allowed.report == incident
    for page in (f"/watch/intake/interviews/{allowed.ref}/", "/watch/intake/interviews/"):
        assert '<span class="status">Used</span>' in dana.get(page).content.decode(), page
    see_all()
    with pytest.raises(Refused, match="used for a report already"):
        reporting.deliver_report(row(saved, victims="9", items=[item]), route="web", by=person)


def test_an_account_is_of_the_person_whose_interview_it_names(office, saved):
    """One person is one witness, whatever pseudonym is typed beside her second account (R-VER-1, SC-2)."""
    from answerable.alliance.models import Person
    from answerable.monitoring.intake.actions import reporting
    from answerable.monitoring.intake.problems import Problems
    from answerable.monitoring.models import Incident, SourceItem

    sami, situation, incident = office("sami"), saved("$zandria"), saved("$I3")
    for more in ({}, {"her_request": "on"}):
        asked = {**WHY, "pseudonym": "W-17", **more}
        assert sami.post(f"/watch/intake/interviews/ask/{situation.ref}/", asked).status_code == 303
    see_all()
    first, second = m.Interview.objects.order_by("id")
    assert first.person == second.person
    url = f"/watch/incidents/{incident.ref}/items/"
    form = sami.get(url).content.decode()
    assert f"of person {first.person[:6]}" in form and "interview number 2" in form and "W-17" not in form
    item = {"kind": "testimony", "directness": "primary", "captured_on": "2026-01-20", "says": "x", "purposes": ["CP-MONI", "CP-FIND"],
            "understood": "yes", "withdrawal_told": "yes"}  # fmt: skip
    wrong = sami.post(url, {**item, "interview": first.ref, "person_key": "W-18"})
    assert wrong.status_code in (409, 422) and "not the pseudonym under which the interview" in wrong.content.decode()
    see_all()
    assert not SourceItem.objects.filter(incident=incident, kind="testimony").exists()
    assert sami.post(url, {**item, "interview": first.ref}).status_code == 303
    assert sami.post(url, {**item, "interview": second.ref, "person_key": "w-17", "says": "y"}).status_code == 303
    see_all()
    told = SourceItem.objects.filter(incident=incident, kind="testimony")
    assert list(told.values_list("person_key", flat=True)) == [first.person[:40]] * 2
    # The same by a report that is delivered whole.
    assert office("dana").post(f"/watch/intake/interviews/ask/{situation.ref}/", WHY).status_code == 303
    see_all()
    hers, dana = m.Interview.objects.latest("id"), Person.objects.get(handle="dana")
    with pytest.raises(Problems) as no:
        reporting.deliver_report(
            row(saved, items=[{**item, "interview": hers.ref, "person_key": "p-18"}]), route="web", by=dana
        )
    assert set(no.value.problems) == {"items.1.person_key"}
    see_all()
    _draft, made = reporting.deliver_report(row(saved, items=[{**item, "interview": hers.ref}]), route="web", by=dana)
    see_all()
    assert Incident.objects.get(pk=made.pk).items.get().person_key == hers.person[:40]


def test_her_code_says_yes_or_no_and_nothing_else(office, saved, door):
    from door_support import began

    code = began(door(), pin="734911", text="what I told")
    dana = office("dana")
    ask = f"/watch/intake/interviews/ask/{saved('$zandria').ref}/"
    assert dana.post(ask, {**WHY, "code": code, "pseudonym": ""}).status_code == 303
    see_all()
    told = m.Interview.objects.latest("id")
    assert (told.told_before, told.number, told.status) == ("told", 2, "ASKED") and code not in told.person
    mistyped = dana.post(ask, {**WHY, "code": code[:-1] + ("0" if code[-1] != "0" else "1")})
    assert mistyped.status_code == 409 and "Look again, slowly" in mistyped.content.decode()
    from answerable.channel import codes

    assert dana.post(ask, {**WHY, "code": codes.new().digits}).status_code == 303
    see_all()
    assert m.Interview.objects.latest("id").told_before == "not_told"


# --- counts -------------------------------------------------------------------------------------------------------


def upload(client, url, text):
    file = io.BytesIO(text.encode())
    file.name = "counts.csv"
    return client.post(url, {"file": file})


def test_counts_are_taken_as_sums_and_lists_of_cases_are_not(office, saved):
    dana = office("dana")
    url = f"/watch/intake/counts/{saved('$zandria').ref}/"
    good = "type,month,area,count\nGBV-1,2026-01,North,12\n2,2026-01,North,3\nGBV-3,2026-01,North,0\n"
    assert upload(dana, url, good).status_code == 303
    see_all()
    assert m.ServiceCounts.objects.get().cells == [["GBV-1", "2026-01", "North", 12], ["GBV-2", "2026-01", "North", None],
                                                   ["GBV-3", "2026-01", "North", 0]]  # fmt: skip
    assert upload(dana, url, good).status_code == 409
    for cases in (
        "case_id,type,month,area,count\n1,1,2026-01,N,1\n",
        "type,month,area,count\n1,2026-01,N,1\n1,2026-01,N,1\n",
    ):
        reply = upload(dana, url, cases)
        assert reply.status_code == 409 and "cases" in reply.content.decode()


# --- labels tell the truth ------------------------------------------------------------------------------------------


def words_beside(page, name):
    """What stands in the label of a question."""
    found = re.search(rf'<label for="id_{name}">(.*?)</label>', page, re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[1])).strip()


def test_no_label_calls_optional_what_an_empty_answer_is_refused_for(office, saved):
    """Each page is sent empty; whatever it then asks for was never labelled optional before."""
    dana, url = office("dana"), f"/watch/intake/report/{saved('$zandria').ref}/"
    asked_for = set()
    for step in (0, 2):
        empty = dana.post(url, {"step": step, "act": "next"})
        assert empty.status_code == 422
        for name, errors in empty.context["form"].errors.items():
            field = empty.context["form"].fields[name]
            if "This is missing and needed." in errors:
                asked_for.add(name)
                assert getattr(field, "asked", "") == "", name
                if f'<label for="id_{name}">' in empty.content.decode():
                    assert "optional" not in words_beside(empty.content.decode(), name), name
    assert {"when", "area1", "victims", "forms", "links", "actor_types", "risk"} <= asked_for
    reply = dana.post(url, {"step": 1, "act": "next", "searched_first": "on"})
    page, actors = reply.content.decode(), reply.context["form"].fields["party"]
    assert (actors.label, actors.asked) == ("Armed actors", "needed before it is filed")
    assert re.search(r"<legend>Armed actors\W.{0,80}needed before it is filed", page, re.S)
    assert words_beside(page, "victims_min").endswith("(optional)")
    last = dana.post(url, {"step": 3, "act": "next"}).content.decode()
    assert words_beside(last, "link_reason").endswith("(needed before it is filed)")
    assert words_beside(last, "narrative").endswith("(optional)")


def test_the_source_page_says_what_each_kind_is_asked_and_that_a_testimony_needs_an_interview(office, saved):
    dana, url = office("dana"), f"/watch/intake/report/{saved('$zandria').ref}/"
    page = dana.post(url, {"step": 4, "act": "back", "kind": "testimony"}).content.decode()
    assert "testimony can be attached, an interview is needed" in page
    assert words_beside(page, "interview").endswith("(needed for a testimony)")
    parts = dict(re.findall(r'data-when="kind" data-is="([^"]+)"><legend class="soft">([^<]+)</legend>', page))
    assert "Only if “Kind of source” is: testimony" in parts.values()
    only = {
        name: re.findall(r'data-is="([^"]+)"', page[: page.index(f'id="id_{name}"')])[-1]
        for name in ("interview", "testimony", "reliability", "credibility")
    }
    assert only["interview"] == only["testimony"] == "testimony"
    assert "medical" in only["reliability"].split() and "testimony" not in only["credibility"].split()
    dana.post(f"/watch/intake/interviews/ask/{saved('$zandria').ref}/", {
        "told_before": "no_code", "pseudonym": "p-1", "purpose": "CP-MONI", "added_value": "she saw the commander",
        "why_not_enough": "no record names him"})  # fmt: skip
    see_all()
    consent = dana.post(url, {"step": 3, "interview": m.Interview.objects.latest("id").ref, "act": "next", "kind": "testimony", "directness": "primary",
                              "captured_on": "2026-02-01"}).content.decode()  # fmt: skip
    before, only_guardian = consent.split('data-when="giver" data-is="guardian"', 1)
    assert 'name="assent"' in only_guardian and 'name="assent"' not in before and 'name="consent_method"' in consent
    assert words_beside(consent, "understood").endswith("(needed for any consent)")
    assert words_beside(consent, "assent").endswith("(needed for a guardian&#x27;s consent)")


def test_a_delivery_whose_reports_are_filed_offers_neither_undoing_nor_filing_and_leads_to_its_reports(office, saved):
    from walks.test_intake import bring

    from answerable.alliance.models import Person
    from answerable.monitoring.intake.actions import filing

    dana = Person.objects.select_related("body__state").get(handle="dana")
    batch = bring(table(row(saved, narrative="one"), row(saved, narrative="two", victims="5")), dana)
    client = office("dana")
    page = client.get(f"/watch/intake/deliveries/{batch.ref}/").content.decode()
    assert "Take the delivery out again" in page and "File the drafts that lack nothing" in page
    see_all()
    first, second = batch.drafts.order_by("row")
    filing.file_draft(first, by=dana)
    page = client.get(f"/watch/intake/deliveries/{batch.ref}/").content.decode()
    assert "Take the delivery out again" not in page and "1 report of this delivery is filed" in page
    assert "File the drafts that lack nothing" in page and f'href="/watch/incidents/{first.ref}/"' in page
    see_all()
    filing.file_draft(second, by=dana)
    assert (
        "File the drafts that lack nothing" not in client.get(f"/watch/intake/deliveries/{batch.ref}/").content.decode()
    )
    page = client.get(f"/watch/intake/drafts/{first.ref}/").content.decode()
    assert "This draft is filed as a report" in page and f'href="/watch/incidents/{first.ref}/"' in page
