"""Alliance: members, people, grants, tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from answerable.alliance import actions, lifecycle, queries
from answerable.alliance.models import Body, Grant, Person, State, Token
from answerable.alliance.sentences import said
from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, moves, needs
from answerable.authority.principals import ROLES, Place
from answerable.common.references import normalise
from answerable.record.pages import chain


class StateForm(forms.Form):
    """A state."""

    code = forms.RegexField(r"^[A-Z]{3}$", label=gettext_lazy("Three letters"), max_length=3)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)


class BodyForm(forms.Form):
    """An organ, a partner or a delegation."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=160)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=[
            ("delegation", gettext_lazy("delegation of a state")),
            ("partner", gettext_lazy("partner organisation")),
            ("organ", gettext_lazy("organ of the alliance")),
        ],
    )
    state = forms.ModelChoiceField(
        label=gettext_lazy("State, for a delegation"), queryset=State.objects.all(), required=False
    )


class PopulationForm(forms.Form):
    """A frozen population table, one line a state."""

    version = forms.SlugField(label=gettext_lazy("Name of the table"), max_length=20)
    table = forms.CharField(
        label=gettext_lazy("One line a state: code, persons"), widget=forms.Textarea(attrs={"rows": 10})
    )

    def clean_table(self) -> dict[str, int]:
        rows: dict[str, int] = {}
        for n, line in enumerate(self.cleaned_data["table"].splitlines(), 1):
            if not line.strip():
                continue
            code, _sep, persons = line.replace(";", ",").partition(",")
            persons = persons.strip().replace(" ", "")
            if not persons.isdigit() or int(persons) == 0:
                raise forms.ValidationError(_("Line %(n)d should read like AVN, 60000000.") % {"n": n})
            if code.strip().upper() in rows:
                raise forms.ValidationError(_("Line %(n)d repeats %(code)s.") % {"n": n, "code": code.strip()})
            rows[code.strip().upper()] = int(persons)
        return rows


class PersonForm(forms.Form):
    """Someone who will sign in."""

    handle = forms.SlugField(label=gettext_lazy("Name to sign in with"), max_length=60)
    name = forms.CharField(label=gettext_lazy("Full name"), max_length=120)
    body = forms.ModelChoiceField(label=gettext_lazy("Works for"), queryset=Body.objects.order_by("name"))
    nationality = forms.RegexField(r"^[A-Z]{3}$", label=gettext_lazy("Nationality, three letters"), required=False)


class GrantForm(forms.Form):
    """A role for a person."""

    person = forms.ModelChoiceField(
        label=gettext_lazy("Person"), queryset=Person.objects.filter(is_active=True).order_by("name")
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=lambda: [(r, f"{code} {said(r.replace('_', ' '))}") for r, code in ROLES.items()],
    )


class TokenForm(forms.Form):
    """A token for oneself."""

    purpose = forms.ChoiceField(label=gettext_lazy("Purpose"), choices=lambda: [(p, said(p)) for p in Token.PURPOSES])
    days = forms.IntegerField(label=gettext_lazy("Days"), min_value=1, max_value=365, initial=90)


def _words() -> dict[str, str]:
    return {
        "invite": _("Invite"), "note_interest": _("Note interest"), "sign_charter": _("Charter signed"),
        "admit_member": _("Admit as a member"), "note_arrears": _("Note arrears"), "clear_arrears": _("Arrears cleared"),
        "suspend": _("Suspend"), "readmit": _("Readmit"), "withdraw": _("Withdraw"),
    }  # fmt: skip


@needs("see_alliance", "alliance")
def alliance(request: Request) -> HttpResponse:
    """States and their standing."""
    persons = queries.populations(queries.population_version())
    rows = [
        [{"url": reverse("state", args=[s.ref]), "text": s.name}, s.code, {"status": s.status},
         f"{persons[s.code]:,}" if s.code in persons else "–"]
        for s in State.objects.all()
    ]  # fmt: skip
    links = []
    if authority.allows(request.user, "enter_state", Place("states")):
        links += [{"url": reverse("enter-state"), "words": _("Enter a state")}, {"url": reverse("enter-body"), "words": _("Enter a body")},
                  {"url": reverse("enter-population"), "words": _("Freeze a population table")}]  # fmt: skip
    if authority.allows(request.user, "see_people", Place("people")):
        links.append({"url": reverse("people"), "words": _("People and roles")})
    links.append({"url": reverse("tokens"), "words": _("API tokens")})
    # Complaints have a route of their own, next to what everyone sees (SC-13).
    if authority.allows(request.user, "see_grievances", Place("complaints")):
        links.append({"url": reverse("complaints"), "words": _("Complaints")})
    links.append({"url": reverse("complain"), "words": _("Make a complaint")})
    head = [_("Member or other state"), _("Code"), _("Standing"), _("Population")]
    return render(
        request, "list.html", {"heading": _("Alliance"), "tables": [{"head": head, "rows": rows}], "links": links}
    )


@needs("see_alliance", "alliance")
def state(request: Request, ref: str) -> HttpResponse:
    """One state."""
    this = get_object_or_404(State, ref=normalise(ref))
    obstacles = actions.admission_obstacles(this) if this.status == lifecycle.SIGNATORY else []
    delegation = Body.objects.filter(state=this).first()
    facts = [
        (_("Code"), this.code),
        (_("Delegation"), delegation or "–"),
        (_("Member since"), this.member_since or "–"),
    ]
    checks = [{"name": _("Entry criteria"), "status": "NOT_MET", "says": o} for o in obstacles]
    return render(request, "object.html", {"heading": this.name, "object": this, "facts": facts, "checks": checks,
                  **moves(request.user, this, _words(), lifecycle.MEMBERSHIP_MOVES, reverse("move-membership", args=[this.ref]), refusable=False),
                  **chain(request.user, this.ref)})  # fmt: skip


@require_POST
@needs("enter_state", "states")
def move_membership(request: Request, ref: str) -> HttpResponse:
    """One move of membership."""
    this = get_object_or_404(State, ref=normalise(ref))
    name = request.POST.get("move", "")
    actions.move_membership(this, name if name in _words() else "invite", by=request.user)
    return done(request, _("Done."), "state", this.ref)


def _entering(request: Request, form: Any, heading: str, act: Any, to: str = "alliance") -> HttpResponse:
    def run(data: dict[str, Any]) -> HttpResponse:
        act(data)
        return done(request, _("Entered."), to)

    return form_page(request, form, heading=heading, button=_("Enter"), act=run, cancel=reverse(to))


@needs("enter_state", "states")
def enter_state(request: Request) -> HttpResponse:
    """Enter a state."""
    return _entering(request, StateForm(request.POST or None), _("Enter a state"),
                     lambda d: actions.enter_state(**d, by=request.user))  # fmt: skip


@needs("enter_body", "bodies")
def enter_body(request: Request) -> HttpResponse:
    """Enter a body."""
    return _entering(request, BodyForm(request.POST or None), _("Enter a body"),
                     lambda d: actions.enter_body(**d, by=request.user))  # fmt: skip


@needs("enter_population", "populations")
def enter_population(request: Request) -> HttpResponse:
    """Freeze a population table."""
    return _entering(request, PopulationForm(request.POST or None), _("Freeze a population table"),
                     lambda d: actions.enter_population(d["version"], d["table"], by=request.user))  # fmt: skip


@needs("see_people", "people")
def people(request: Request) -> HttpResponse:
    """People, the roles they hold, and roles that wait for a second person."""
    grants = Grant.objects.select_related("person__body", "asked_by", "confirmed_by").order_by("person__name", "role")
    asked = [
        [
            g.person,
            g.role.replace("_", " "),
            g.asked_by,
            {"url": reverse("grant", args=[g.ref]), "text": _("Look at it")},
        ]
        for g in grants.filter(status=lifecycle.ASKED)
    ]
    held = [
        [
            {"url": reverse("grant", args=[g.ref]), "text": g.person.name},
            g.person.body,
            g.role.replace("_", " "),
            g.expires_on,
        ]
        for g in grants.filter(status=lifecycle.HELD)
    ]
    links = []
    if authority.allows(request.user, "ask_grant", Place("grants")):
        links = [
            {"url": reverse("enter-person"), "words": _("Enter a person")},
            {"url": reverse("ask-grant"), "words": _("Ask for a role")},
        ]
    if authority.allows(request.user, "issue_code", Place("door")):
        links.append({"url": reverse("issue-code"), "words": _("A documenter's code")})
    tables = [
        {
            "title": _("Wait for a second person (SOD-13)"),
            "head": [_("Person"), _("Role"), _("Asked by"), ""],
            "rows": asked,
        },
        {"title": _("Roles held"), "head": [_("Person"), _("Works for"), _("Role"), _("Until")], "rows": held},
    ]
    return render(request, "list.html", {"heading": _("People and roles"), "tables": tables, "links": links})


@needs("enter_person", "people")
def enter_person(request: Request) -> HttpResponse:
    """Enter a person and make their key; the passphrase is shown once."""
    form = PersonForm(request.POST or None)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.enter_person(**data, by=request.user)
        return done(request, _("Entered. Next: their key, then a role."), "people")

    return form_page(request, form, heading=_("Enter a person"), button=_("Enter"), act=act, cancel=reverse("people"))


@needs("ask_grant", "grants")
def ask_grant(request: Request) -> HttpResponse:
    """Ask for a role."""
    return _entering(request, GrantForm(request.POST or None), _("Ask for a role"),
                     lambda d: actions.ask_grant(d["person"], d["role"], by=request.user), "people")  # fmt: skip


@needs("see_people", "people")
def grant(request: Request, ref: str) -> HttpResponse:
    """One grant: confirm, refuse or end it."""
    this = get_object_or_404(Grant.objects.select_related("person", "asked_by", "confirmed_by"), ref=normalise(ref))
    if request.method == "POST":
        name = request.POST.get("move", "")
        actions.decide_grant(this, name if name in lifecycle.GRANT_MOVES else "refuse_grant", by=request.user)
        return done(request, _("Done."), "people")
    words = {"confirm_grant": _("Confirm"), "refuse_grant": _("Refuse"), "end_grant": _("End")}
    facts = [(_("Person"), this.person), (_("Role"), this.role.replace("_", " ")), (_("Asked by"), this.asked_by),
             (_("Confirmed by"), this.confirmed_by or "–"), (_("Until"), this.expires_on)]  # fmt: skip
    return render(request, "object.html", {"heading": _("Role"), "object": this, "facts": facts,
                  **moves(request.user, this, words, lifecycle.GRANT_MOVES, reverse("grant", args=[this.ref])),
                  **chain(request.user, this.ref)})  # fmt: skip


@needs("make_token", "tokens")
def tokens(request: Request) -> HttpResponse:
    """One's own API tokens. The secret is shown once, on the page that makes it."""
    by: Any = request.user
    if request.method == "POST" and (ref := request.POST.get("end")):
        actions.end_token(get_object_or_404(Token, ref=normalise(ref), person=by), by=by)
        return done(request, _("The token is ended."), "tokens")
    form, secret = TokenForm(request.POST or None, initial={"days": 90}), ""
    if request.method == "POST" and form.is_valid():
        _token, secret = actions.make_token(by, form.cleaned_data["purpose"], days=form.cleaned_data["days"], by=by)
    return render(
        request,
        "alliance/tokens.html",
        {"form": form, "secret": secret, "rows": Token.objects.filter(person=by).order_by("-id")},
    )
