"""Tables of service counts: corrected by a later one, taken out with a reason, all of them listed."""

from __future__ import annotations

import io
import re

import pytest
from tests_support import see_all

from answerable.monitoring.intake import models as m
from answerable.record import log

HEAD = "type,month,area,count\n"


def upload(client, url, text, **more):
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    file.name = "counts.csv"
    return client.post(url, {"file": file, **more})


@pytest.fixture
def url(saved):
    return f"/watch/intake/counts/{saved('$zandria').ref}/"


def words(reply):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.content.decode()))


def hidden(reply):
    """What the page that shows what is replaced sends back."""
    page = reply.content.decode()
    return {
        "table": re.search(r'<textarea name="table" hidden>(.*?)</textarea>', page, re.S)[1],
        "replacing": re.search(r'name="replacing" value="(.*?)"', page)[1],
    }


@pytest.mark.slow
def test_a_later_table_is_shown_what_it_replaces_and_then_replaces_it(office, url):
    dana = office("dana")
    assert upload(dana, url, HEAD + "1,2026-01,Kesh Nord,12\n1,2026-01,South,40\n").status_code == 303
    see_all()
    first = m.ServiceCounts.objects.get()
    # The same table with an empty line, or its area written otherwise, is the very table.
    again = upload(dana, url, HEAD + "1,2026-01,South,40\n\n1,2026-01,Kesh  nord,12\n")
    assert again.status_code == 409 and "This very table" in words(again)
    before = log.Entry.objects.count()
    shown = upload(dana, url, HEAD + "1,2026-01,kesh nord,31\n1,2026-02,South,3\n")
    assert shown.status_code == 200 and "1 of its 2 cells was brought in before" in words(shown)
    assert f"{first.ref} 12 31" in words(shown) and m.ServiceCounts.objects.count() == 1
    assert log.Entry.objects.count() == before
    assert "3\r\n" not in hidden(shown)["table"]  # of a small number no more than that it is one
    assert dana.post(url, hidden(shown)).status_code == 303
    see_all()
    second = m.ServiceCounts.objects.exclude(pk=first.pk).get()
    assert second.cells == [["GBV-1", "2026-01", "kesh nord", 31], ["GBV-1", "2026-02", "South", None]]
    entry = log.Entry.objects.filter(action="service counts brought in").latest("pk")
    assert entry.event["detail"]["replaces"] == [first.ref]
    page = words(dana.get(url))
    assert f"Kesh Nord 12 replaced by {second.ref}" in page and "kesh nord 31 yes" in page and "South 40 yes" in page


def test_what_was_replaced_meanwhile_is_shown_again(office, url):
    dana = office("dana")
    upload(dana, url, HEAD + "1,2026-01,Kesh,12\n")
    shown = hidden(upload(dana, url, HEAD + "1,2026-01,Kesh,31\n"))
    other = hidden(upload(dana, url, HEAD + "1,2026-01,Kesh,50\n"))
    assert dana.post(url, other).status_code == 303
    reply = dana.post(url, shown)
    assert reply.status_code == 200 and "50 31" in words(reply)
    see_all()
    assert m.ServiceCounts.objects.count() == 2


def test_a_table_is_taken_out_with_a_reason_and_what_it_replaced_holds_again(office, url):
    dana = office("dana")
    upload(dana, url, HEAD + "1,2026-01,Kesh,12\n")
    dana.post(url, hidden(upload(dana, url, HEAD + "1,2026-01,Kesh,31\n")))
    see_all()
    second = m.ServiceCounts.objects.latest("pk")
    out = f"/watch/intake/counts/out/{second.ref}/"
    assert dana.post(out, {"why": ""}).status_code == 422
    assert dana.post(out, {"why": "figures"}).status_code == 303
    page = words(dana.get(url))
    assert "Its figures are wrong. None of its cells holds." in page
    assert "Kesh 31 taken out" in page and "Kesh 12 yes" in page
    assert dana.post(out, {"why": "figures"}).status_code == 409
    see_all()
    entry = log.Entry.objects.filter(action="service counts taken out").get()
    assert entry.event["reason"] == "figures" and entry.subject == second.ref
    # The very table may come again, and one that could show someone leaves nothing behind.
    assert dana.post(url, hidden(upload(dana, url, HEAD + "1,2026-01,Kesh,31\n"))).status_code == 303
    see_all()
    third = m.ServiceCounts.objects.latest("pk")
    assert dana.post(f"/watch/intake/counts/out/{third.ref}/", {"why": "shows"}).status_code == 303
    third.refresh_from_db()
    assert third.cells == []


def test_nobody_of_another_organisation_takes_a_table_out(office, url):
    dana, sami = office("dana"), office("sami")
    upload(dana, url, HEAD + "1,2026-01,Kesh,12\n")
    see_all()
    this = m.ServiceCounts.objects.get()
    assert sami.post(f"/watch/intake/counts/out/{this.ref}/", {"why": "figures"}).status_code in (403, 404, 409)
    this.refresh_from_db()
    assert this.taken_out_at is None


@pytest.mark.slow
def test_every_table_is_on_a_page(office, url):
    dana = office("dana")
    for n in range(11):
        assert upload(dana, url, HEAD + f"1,2025-{n + 1:02d},Kesh,12\n").status_code == 303
    one, two = words(dana.get(url)), words(dana.get(url + "?page=2"))
    assert one.count("2025-") == 10 and two.count("2025-") == 1 and "Next" in one and "2025-01" in two


def test_a_table_in_another_encoding_or_with_a_number_cut_in_two_is_refused_in_words(office, url):
    dana = office("dana")
    for raw in ((HEAD + "1,2026-01,Kesh,12\n").encode("utf-16"), b"type,month,area,count\n1,2026-01,Ke\x00sh,12\n"):
        reply = upload(dana, url, raw)
        assert reply.status_code == 409 and "Save it as CSV UTF-8" in words(reply)
    reply = upload(dana, url, HEAD + "1,2026-01,Kesh,1,250\n")
    assert reply.status_code == 409 and "Row 2: it has 5 cells where the header has 4" in words(reply)
    see_all()
    assert not m.ServiceCounts.objects.exists()
