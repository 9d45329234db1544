"""Pages at 1 thousand and 100 thousand incidents: p95 of the larger within 1.5 of the smaller, and within 3 of an empty view."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from scratch import alliance, p95, seconds

ROUNDS = 40


def grow(to: int, situation: int, party: int, body: int, person: int) -> None:
    """Fill the incident table by one statement, as rows that a long-lived alliance would hold."""
    from django.db import connection, transaction

    from answerable.authority.acting import set_scope

    with transaction.atomic(), connection.cursor() as c:
        set_scope(["*"])
        c.execute("SELECT count(*) FROM monitoring_incident")
        have = c.fetchone()[0]
        c.execute(
            'INSERT INTO monitoring_incident (ref, compartment, situation_id, party_id, organisation_id, collected_by_id, "on",'
            " precision, area1, area2, victims_min, victims, victims_max, forms, links, settings, consequences, risk,"
            " referral_offered, searched_first, matches_pattern, status, level, because, submitted_at, narrative, place, link_reason)"
            " SELECT 'INC-B-' || g, 'monitoring', %s, %s, %s, %s, current_date - (g %% 3000), 'day', 'A', 'B', 1, 1, 1, '[]', '[]', '[]',"
            " '[]', 'low', true, true, false, 'ALLEGED', 'V1', '[]', now() - g * interval '1 minute', '', '', ''"
            " FROM generate_series(%s::int, %s::int) g",
            [situation, party, body, person, have, to],
        )
    with connection.cursor() as c:
        c.execute("RESET ROLE; ANALYZE monitoring_incident; SET ROLE answerable_office")


with alliance() as world:
    from django.http import HttpRequest, HttpResponse
    from django.shortcuts import render
    from django.test import Client
    from django.urls import path

    import answerable.config.urls_office as urls
    from answerable.authority.acting import reading_as
    from answerable.authority.pages import needs
    from answerable.authority.principals import CLOCK
    from answerable.monitoring import actions

    @needs("see_today")
    def empty(request: HttpRequest) -> HttpResponse:
        return render(request, "list.html", {"heading": "Empty", "tables": []})

    urls.urlpatterns.append(path("bench-empty/", empty))
    run = world["run"]
    with reading_as(CLOCK):
        situation, party = run.fresh("$zandria"), run.fresh("$brigade")
    sami = run.person("sami")
    client = Client()
    assert client.post("/sign-in/", {"handle": "sami", "passphrase": world["passphrase"]}).status_code == 303
    pages = {
        "home": "/today/",
        "situation list": "/watch/",
        "situation": f"/watch/{situation.ref}/",
        "incident list": "/watch/incidents/",
    }
    bare = actions.open_situation(name="An empty situation", by=sami)
    # The same templates with nothing in them.
    empties = {"home": "/bench-empty/", "situation list": "/watch/?q=no-such-name", "situation": f"/watch/{bare.ref}/",
               "incident list": "/watch/incidents/?status=IN_VERIFICATION"}  # fmt: skip
    measured: dict[int, dict[str, float]] = {}
    for size in (1_000, 100_000):
        grow(size, situation.pk, party.pk, sami.body.pk, sami.pk)
        measured[size] = {n: p95(seconds(lambda u=u: client.get(u), ROUNDS)) for n, u in pages.items()}
        measured[size] |= {f"{n} empty": p95(seconds(lambda u=u: client.get(u), ROUNDS)) for n, u in empties.items()}
for name in pages:
    small, large = measured[1_000][name], measured[100_000][name]
    print(f"{name:15} {small * 1000:6.1f} ms → {large * 1000:6.1f} ms, ratio {large / small:.2f} (limit 1.5); "
          f"{large / measured[100_000][f'{name} empty']:.2f} of an empty view (limit 3)")  # fmt: skip
