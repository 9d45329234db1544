"""Forecasts about real actors never leave the analysts' workspace, say what they are, and never open an alert (§2.4)."""

from __future__ import annotations

from itertools import product

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse
from security.matrix import routes
from security.matrix.happenings import person
from tests_support import rows_holding, see_all

from answerable.alliance.models import Person
from answerable.authority import engine
from answerable.authority.acting import set_scope
from answerable.authority.principals import CLOCK, ROLES, Place, Principal
from answerable.monitoring.warning import actions
from answerable.monitoring.warning.models import Alert, Forecast

pytestmark = pytest.mark.django_db
CANARY = "canaryactorq7zk4m"
SURE = [0.0001, 0.0001, 0.0001, 0.9997]


@pytest.fixture
def kept(played, db):
    """A forecast that is as sure as a forecast can be, about an actor whose name is found wherever it goes."""
    interval = {"value": 0.1, "low": 0.05, "high": 0.2}
    scores = dict.fromkeys(("rps", "log", "brier2", "auc2", "onset_ap", "calibration"), interval)
    names = ("mean", "ordinal", "boosted", "persistence", "climatology", "markov")
    sami = person("sami")
    made = actions.keep_forecast(
        actions.ask_forecast(by=sami), year=2019, method={"learned_from": 900, "fighting": True},
        evaluation={"years": [2003, 2018], "forecasts": 12, "draws": 10, "onset_base": 0.03, "skill": dict.fromkeys(names, 0.4),
                    "scores": dict.fromkeys(names, scores), "against": dict.fromkeys(names, scores),
                    "bins": dict.fromkeys(names, [{"said": 0.3, "seen": 0.25, "n": 12}])},
        actors=[{"party": "", "name": CANARY, "conflict": "9", "actor_type": "ACT-STF", "countries": [630], "now": 3,
                 "chances": dict.fromkeys(names, SURE)}], by=sami,
    )  # fmt: skip
    see_all()
    return made


def test_an_analyst_reads_it_marked_as_a_model_beside_every_yardstick(office, kept):
    page = office("sami").get("/watch/forecast/").content.decode(errors="replace")
    assert CANARY in page
    for words in (
        "Model, not fact",
        "absence of reports is not absence",
        "Persistence",
        "Climatology",
        "Markov",
        "They never open an alert",
    ):
        assert words in page, words


def test_nobody_else_reads_it_on_any_page(office, kept):
    analysts = {p.handle for p in Person.objects.filter(is_active=True) if p.has_role("monitoring_analyst")}
    assert analysts == {"sami"}
    for handle in (
        "vera",
        "lena",
        "expert1",
        "leo",
        "safa",
        "dana",
        "chair",
        "delegate.avn",
        "odile",
        "ines",
        "arno",
        "petra",
    ):
        client = office(handle)
        assert client.get("/watch/forecast/").status_code == 404, handle
        assert client.post("/watch/forecast/ask/").status_code == 404, handle
        for name, route in routes.ROUTES.items():
            if route.shows is None and route.gets:
                assert CANARY not in client.get(reverse(name)).content.decode(errors="replace"), (handle, name)
        assert client.get(reverse("by-ref", args=[kept.ref])).status_code == 404, handle
        assert CANARY not in client.get("/today/", {"q": CANARY}).content.decode(errors="replace").replace(
            f'value="{CANARY}"', ""
        )


def test_the_analysts_other_pages_and_every_export_do_not_hold_it(office, kept):
    sami = office("sami")
    for name, route in routes.ROUTES.items():
        if route.shows is None and route.gets and name != "forecast":
            assert CANARY not in sami.get(reverse(name)).content.decode(errors="replace"), name
    assert sami.get(reverse("by-ref", args=[kept.ref])).status_code == 404, "it has no address to pass on"


def test_it_lies_in_its_own_table_and_nowhere_else(kept):
    assert rows_holding(CANARY) == ["monitoring_forecast"]


@pytest.mark.parametrize("scope", ["", "claims", "monitoring/BDY-ANY", "custody"])
def test_the_database_shows_no_forecast_to_another_scope(kept, scope):
    set_scope([scope])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM monitoring_forecast")
        assert cursor.fetchone() == (0,)


@override_settings(ROOT_URLCONF="answerable.config.urls_portal")
def test_the_portal_has_no_address_for_it_and_shows_nothing_of_it(kept):
    client = Client()
    for url in ("/", "/watch/forecast/", "/about/", "/forecast/"):
        assert CANARY not in client.get(url).content.decode(errors="replace")


def test_no_role_outside_the_organs_and_no_token_may_see_or_make_one():
    for role, kind, via in product(ROLES, ("organ", "delegation", "partner"), ("web", "api", "cli")):
        who = Principal("X", frozenset({role}), "B", kind, "AVN" if kind == "delegation" else "", via=via, fresh=True)
        for act in ("see_forecasts", "ask_forecast", "keep_forecast"):
            expected = role == "monitoring_analyst" and kind == "organ" and via != "api"
            assert engine.allows(who, act, Place("forecasts")) is expected, (role, kind, via, act)


def test_the_surest_forecast_opens_no_alert(kept):
    before = Alert.objects.count()
    actions.owed()
    see_all()
    assert Alert.objects.count() == before
    assert not engine.allows(CLOCK, "confirm_alert", Alert.objects.first())


def test_the_record_says_that_one_was_made_and_names_no_actor(kept):
    from answerable.record import log as record

    entries = list(record.history(kept.ref))
    assert [e.action for e in entries] == ["forecast asked for", "forecast made"]
    assert CANARY not in str([e.event for e in entries])


def test_the_api_has_no_address_that_speaks_of_forecasts_or_observations():
    assert not [path for _method, path in routes.API if "forecast" in path or "warning" in path]


def test_it_is_made_by_the_worker_from_what_was_imported_or_says_why_not(played, db):
    from answerable.monitoring.warning import making

    asked = actions.ask_forecast(by=person("sami"))
    assert making.owed() == 1 and making.owed() == 0
    see_all()
    asked = Forecast.objects.get(pk=asked.pk)
    assert asked.status == "FAILED" and "no actor-year" in asked.problem, "the demonstration imports no public data"


def test_the_worker_makes_it_from_the_readings_imported_and_of_nothing_made_up(played, db, office, monkeypatch):
    from functools import partial

    from answerable.monitoring import actions as monitoring
    from answerable.monitoring import svac
    from answerable.monitoring.models import Party
    from answerable.monitoring.warning import making, reckoning

    head = "year,conflictid,actor,actorid,actor_type,location,gwnoloc,state_prev,ai_prev,hrw_prev,child_prev,form"
    rows = [
        f"{year},{n // 3},Actor {n},{n},{1 + 2 * (n % 2)},Land,{600 + n // 3},{(n * 7 + year * 5) % 11 // 4},-99,0,0,-99"
        for year in range(1990, 2010) for n in range(30)
    ]  # fmt: skip
    sami = person("sami")
    monitoring.import_svac(svac.read_bytes("\n".join([head, *rows]).encode(), "made.csv"), "made.csv", by=sami)
    monkeypatch.setattr(reckoning, "make", partial(reckoning.make, draws=10))
    assert office("sami").post("/watch/forecast/ask/").status_code == 303
    assert making.owed() == 1
    see_all()
    made = Forecast.objects.get()
    assert (made.status, made.year, len(made.actors)) == ("MADE", 2010, 30)
    imported = set(Party.objects.exclude(imported=None).values_list("ref", flat=True))
    assert {a["party"] for a in made.actors} == imported
    assert "Actor 7" in office("sami").get("/watch/forecast/?q=actor+7").content.decode(errors="replace")
