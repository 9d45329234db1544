"""The same table over HTTP: every address × a person of every role, in the demonstration.

What the table does not let a person see is 404, whatever they send. What it does not let them do is refused in a sentence
(409) or stops at the form (422), and leaves the record as long as it was. Nothing anyone sends makes a fault (5xx).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from security.matrix import happenings, routes
from tests_support import see_all

from answerable.accountability.models import Finding
from answerable.alliance import actions as alliance
from answerable.alliance.models import Body, Person
from answerable.channel.models import Message
from answerable.common.errors import Refused
from answerable.common.references import new_ref
from answerable.monitoring.models import Incident
from answerable.reparations.models import Claim
from answerable.vault import actions as vault
from answerable.vault.client import ask

pytestmark = pytest.mark.django_db
# One person for each role the demonstration fills, and a second delegate: of the state that proposed.
PEOPLE = ("sami", "vera", "lena", "leo", "safa", "dana", "expert1", "inga", "adva", "anna", "paulo", "bo", "fina",
          "abel", "tove", "odile", "chair", "delegate.avn", "delegate.cdy", "ines", "arno", "cora", "sol", "dario", "petra",
          "omar")  # fmt: skip


def _walk(resolver: Any, prefix: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for p in resolver.url_patterns:
        path = prefix + str(p.pattern)
        found += _walk(p, path) if isinstance(p, URLResolver) else [(path, p)]
    return found


ADDRESSES = _walk(get_resolver("answerable.config.urls_office"))


def objects(route: routes.Route) -> list[Any]:
    """Objects of the demonstration that an address can show, in as many different states as the route asks for."""
    see_all()
    if route.shows is None:
        return [None]
    every = list(route.shows._default_manager.order_by("-pk"))
    if route.shows is Incident:  # one that a partner gave and one that the secretariat filed itself
        every = [*every[:1], *sorted(every[1:], key=lambda i: "/" in i.compartment)]
    if route.shows is Finding:
        every = every[::-1]
    return every[: route.limit] or [None]


def head() -> int:
    """How many entries the record has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT size FROM record_head")
        return cursor.fetchone()[0]


def rows() -> dict[str, int]:
    """Row counts of every table but sessions."""
    see_all()
    names = [t for t in connection.introspection.table_names() if t != "django_session"]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{t}', count(*) FROM \"{t}\"" for t in names))
        return dict(cursor.fetchall())


def address(name: str, route: routes.Route, obj: Any) -> str:
    if route.shows is None:
        return reverse(name)
    return reverse(name, args=[obj.ref if obj is not None else new_ref("XXX"), *route.more])


def sent(data: dict[str, str]) -> dict[str, Any]:
    """What a form sends, with "$handle" put as a person's reference, "$pk:handle" and "$court" as what a choice sends."""

    def put(value: str) -> Any:
        if value == "$court":
            return Body.objects.filter(kind=Body.ORGAN).first().pk
        if value == "$open":  # the correction that waits (happenings.py)
            return Message.objects.filter(kind="correction").latest("id").ref
        if value.startswith("$pk:"):
            return Person.objects.get(handle=value[4:]).pk
        return Person.objects.get(handle=value[1:]).ref if value.startswith("$") else value

    return {k: put(v) for k, v in data.items()}


@pytest.fixture
def busy(played, saved) -> None:
    happenings.add(saved)


def test_every_address_is_in_the_list_and_every_line_an_address():
    named = {p.name for path, p in ADDRESSES if not path.startswith("api/")}
    assert named == set(routes.ROUTES) | set(routes.PUBLIC) | {routes.BY_REF, routes.BY_NUMBER}


def test_every_page_asks_authority_what_the_list_says():
    for path, p in ADDRESSES:
        if p.name in routes.ROUTES and not path.startswith("api/"):
            assert p.callback.authority_action == routes.ROUTES[p.name].page, path


def test_the_cast_has_every_role_that_works_in_the_office(played):
    held = {r for h in PEOPLE for r in Person.objects.get(handle=h).roles}
    everyone = {r for p in Person.objects.all() for r in p.roles}
    assert held == everyone and len(held) >= 19


@pytest.mark.parametrize("handle", PEOPLE)
def test_pages_show_what_the_table_says_and_change_nothing(office, busy, handle):
    client = office(handle)
    who = replace(Person.objects.get(handle=handle).principal(), fresh=True)
    before, wrong, asked, looked = (head(), rows()), [], 0, set()
    for name, route in routes.ROUTES.items():
        for obj in objects(route):
            seen = route.shows_to(who, obj)
            expected = 405 if not route.gets else 200 if seen else 404
            if expected == 200 and route.asks and not routes.may(who, route.asks, obj):
                expected = 409
            status = client.get(address(name, route, obj)).status_code
            asked += 1
            if status != expected:
                wrong.append(f"GET {name} {obj}: {status}, the table says {expected}")
            if obj is not None and obj.ref not in looked:
                looked.add(obj.ref)
                found = client.get(reverse(routes.BY_REF, args=[obj.ref])).status_code
                leads = routes.SHOWN[route.shows](who, obj) and route.shows not in routes.NOT_BY_REF
                if found != (302 if leads else 404):
                    wrong.append(f"by-ref {type(obj).__name__}: {found}")
    for name, status in routes.PUBLIC.items():
        if name != "sign-in" and client.get(reverse(name)).status_code != status:
            wrong.append(name)
    assert asked >= len(routes.ROUTES)
    assert not wrong, "\n".join(wrong)
    assert (head(), rows()) == before


@pytest.mark.parametrize("handle", PEOPLE)
def test_what_the_table_does_not_allow_is_refused_and_leaves_nothing(office, busy, handle):
    client = office(handle)
    who = replace(Person.objects.get(handle=handle).principal(), fresh=True)
    cookies, wrong, asked = client.cookies.copy(), [], 0
    for name, route in routes.ROUTES.items():
        for obj in objects(route):
            seen = route.shows_to(who, obj)
            posts = route.posts or (routes.Post(""),)
            for post in posts if seen else posts[:1]:  # what is not shown is 404 whatever is sent
                see_all()
                allowed = (
                    bool(post.action)
                    and seen
                    and routes.may(who, post.action, None if post.at_place else post.of(obj), post.purpose)
                )
                expected = (
                    {404}
                    if not seen or route.absent
                    else {200, 303, 409, 422}
                    if allowed or not post.action
                    else {409, 422}
                )
                if not post.action and not route.gets:
                    raise AssertionError(f"{name} takes only POST, so its line says what for")
                mark = transaction.savepoint()
                size = head()
                status = client.post(address(name, route, obj), sent(post.data)).status_code
                left = head() - size
                transaction.savepoint_rollback(mark)
                client.cookies = cookies.copy()
                asked += 1
                if status not in expected:
                    wrong.append(f"POST {name} {post.data} on {obj}: {status}, the table says {sorted(expected)}")
                if left and not allowed:
                    wrong.append(f"POST {name} {post.data} on {obj}: {left} record entries, the table allows none")
                if left > post.entries or (left and status >= 400):
                    wrong.append(f"POST {name}: {left} entries with {status}")
    assert asked > len(routes.ROUTES)
    assert not wrong, "\n".join(wrong)


def test_the_acts_that_the_table_allows_do_happen(office, saved):
    """So that the refusals above are not merely forms that nobody could pass."""
    done = {
        "sami": ("move-incident", saved("$fresh"), {"move": "triage"}),
        "delegate.avn": ("cast-ballot", saved("$again"), {"choice": "against"}),
        "inga": ("move-claim", Claim.objects.order_by("-pk").first(), {"move": "screen"}),
        "leo": ("add-paper", saved("$again"), {"kind": "legal_opinion", "on": "2025-01-02"}),
    }
    for handle, (name, obj, data) in done.items():
        client, size = office(handle), head()
        assert client.post(reverse(name, args=[obj.ref]), data).status_code == 303, name
        assert head() == size + 1, name


@pytest.mark.parametrize(
    "handle,role", [("dana", "legal_adviser"), ("dana", "verifier"), ("sami", "council_delegate"), ("sami", "chair"),
                    ("delegate.avn", "registrar"), ("sami", "claimant")],
)  # fmt: skip
def test_a_role_is_given_only_in_a_body_that_holds_such_offices(played, handle, role):
    ines, person, size = Person.objects.get(handle="ines"), Person.objects.get(handle=handle), head()
    with pytest.raises(Refused, match="SOD-03"):
        alliance.ask_grant(person, role, by=ines)
    assert head() == size


@pytest.mark.parametrize("handle,room,reader", [("dana", "monitoring", "vera"), ("inga", "monitoring", "vera"),
                                                ("safa", "claims", "inga"), ("omar", "claims", "inga")])  # fmt: skip
def test_nobody_takes_a_reader_out_of_a_room_that_is_not_theirs(played, handle, room, reader):
    taken, by = Person.objects.get(handle=reader), happenings.person(handle)
    size = head()
    with pytest.raises(Refused, match="compartment|office"):
        vault.remove_reader(room, taken, by=by)
    assert head() == size
    assert any(r["name"] == room and taken.ref in r["readers"] for r in ask("rooms"))


def test_whoever_did_not_sign_in_reaches_nothing(client, played):
    for name, route in routes.ROUTES.items():
        for obj in objects(route)[:1]:
            url = address(name, route, obj)
            for reply in (client.get(url), client.post(url)):
                assert reply.status_code == 302 and reply["Location"].startswith("/sign-in/"), name


def api_paths() -> set[tuple[str, str]]:
    from answerable.config.api import api

    found = set()
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                found |= {(m, f"{prefix}{path}".strip("/").replace("{ref}", "<ref>")) for m in operation.methods}
    return found


def test_every_operation_of_the_api_is_in_the_list():
    assert api_paths() == set(routes.API)


def test_the_api_answers_nobody_without_a_token(client, played):
    for method, path in routes.API:
        reply = client.generic(method, f"/api/{path.replace('<ref>', new_ref('XXX'))}", "{}", "application/json")
        assert reply.status_code == 401, path
        forged = client.generic(method, f"/api/{path.replace('<ref>', new_ref('XXX'))}", "{}", "application/json",
                                headers={"Authorization": "Bearer ans_made_up"})  # fmt: skip
        assert forged.status_code == 401, path


@pytest.mark.parametrize("handle", PEOPLE)
def test_a_token_reaches_no_further_than_the_table(client, played, handle):
    see_all()
    person = Person.objects.select_related("body__state").get(handle=handle)
    tokens = {p: alliance.make_token(person, p, days=5, by=person)[1] for p in ("monitoring", "council", "reparations")}
    person.via = "api"
    who, wrong = person.principal(), []
    from answerable.config.api import PURPOSES

    for (method, path), (action, kind, body) in routes.API.items():
        for obj in objects(routes.Route("", kind, limit=2)):
            see_all()
            if kind is None:
                seen = allowed = routes.sees(who, action) if method == "GET" else True
            else:
                seen = routes.SHOWN[kind](who, obj)
                allowed = seen and (method == "GET" or routes.may(who, action, obj))
            url = f"/api/{path.replace('<ref>', obj.ref if obj is not None else '')}"
            if "choice" in body:
                url += "?choice=for"
            mark, size = transaction.savepoint(), head()
            reply = client.generic(method, url, json.dumps(body), "application/json",
                                   headers={"Authorization": f"Bearer {tokens[PURPOSES[path.split('/')[0]]]}"})  # fmt: skip
            left = head() - size
            transaction.savepoint_rollback(mark)
            expected = {404} if not seen else {200, 409, 422} if allowed else {409}
            if reply.status_code not in expected or (left and (method == "GET" or not allowed)):
                wrong.append(f"{method} {path}: {reply.status_code}, {left} entries, the table says {sorted(expected)}")
            if method == "GET" and kind is None and reply.status_code == 200:
                told = reply.content.decode()
                for hidden, shown in ((Incident, routes.SHOWN[Incident]), (Claim, routes.SHOWN[Claim])):
                    see_all()
                    wrong += [
                        f"{path} shows {o.ref}" for o in hidden.objects.all() if o.ref in told and not shown(who, o)
                    ]
    assert not wrong, "\n".join(wrong)
