"""The vault's own page in the office: open or locked, who keeps it, which compartments there are and who reads them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from answerable.alliance.models import Body, Person
from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, needs
from answerable.authority.principals import Place
from answerable.common.errors import Refused
from answerable.common.references import normalise
from answerable.vault import actions, signin
from answerable.vault.client import VaultFault, ask


def _why(code: str) -> str:
    return {
        "started": _("It started a while ago, and a vault starts locked."),
        "stopped": _("It was stopped."),
        "no keeper was heard for twelve hours": _("No keeper was heard for twelve hours."),
        "an inspector locked it": _("Someone who inspects or keeps it locked it."),
        "it was locked from its own machine": _("It was locked from its own machine."),
        "the record is not what it was": _("The record is not what it was: entries it knew are gone or changed."),
    }.get(code, code)


def locked_sentence() -> str:
    """That the vault is locked, since when, why, and who opens it; '' when it is open or does not answer."""
    try:
        state = ask("vault_state")
    except (Refused, VaultFault):
        return ""
    if not state["locked"]:
        return ""
    return _(
        "The vault is locked since %(since)s UTC. %(why)s Two of its keepers open it together, each with their own key; "
        "until then nobody can open what is sealed, and nobody's passphrase helps."
    ) % {"since": _since(state["locked_at"]), "why": _why(state["why"])}  # fmt: skip


def _since(locked_at: str) -> str:
    return date_format(datetime.fromisoformat(locked_at), "j N Y, H:i") if locked_at else ""


@needs("see_compartments", "compartments")
def vault_page(request: Request) -> HttpResponse:
    """Whether the vault is open, and why not; keepers and whose half is here; compartments and their readers.

    Whoever only reads sees the compartments they read.
    """
    by: Any = request.user
    state, rooms = ask("vault_state"), ask("rooms")
    if not authority.allows(by, "lock_vault", Place("vault")):
        rooms = [room for room in rooms if by.ref in room["readers"]]
    refs = {k["person"] for k in state["keepers"]} | {r for room in rooms for r in room["readers"]}
    names = dict(Person.objects.filter(ref__in=refs).values_list("ref", "name"))
    bodies = dict(Body.objects.filter(ref__in=[r["name"].partition("/")[2] for r in rooms]).values_list("ref", "name"))
    for keeper in state["keepers"]:
        keeper["name"] = names.get(keeper["person"], keeper["person"])
    for room in rooms:
        room["people"] = sorted(({"ref": r, "name": names.get(r, r)} for r in room["readers"]), key=lambda p: p["name"])
        room["words"] = (
            f"{room['name'].partition('/')[0]}: {bodies[b]}"
            if (b := room["name"].partition("/")[2]) in bodies
            else room["name"]
        )
        room["mine"] = by.ref in room["readers"]
        room["short"] = room["public_key_sha256"][:16]
    may = {name: authority.allows(by, action, Place(place)) for name, action, place in (
        ("lock", "lock_vault", "vault"), ("keep", "keep_vault", "vault"), ("admit", "admit_reader", "compartments"),
        ("rotate", "rotate_compartment", "compartments"), ("remove", "remove_reader", "compartments"))}  # fmt: skip
    return render(
        request, "vault/vault.html",
        {"state": state, "why": _why(state["why"]), "since": _since(state["locked_at"]), "rooms": rooms, "may": may, "signed": bool(by.session_token),
         "registrar": "registrar" in by.roles,
         "is_keeper": by.ref in {k["person"] for k in state["keepers"]},
         "candidates": Person.objects.filter(is_active=True).exclude(body__kind="delegation").order_by("name")
         if may["admit"] else ()},
    )  # fmt: skip


def _token(request: Request) -> str:
    if not (token := request.user.session_token):
        raise Refused(_("Your key is locked. Unlock it, then do this again."), reason="locked")
    return str(token)


@require_POST
@needs("keep_vault", "vault")
def bring_half(request: Request) -> HttpResponse:
    """A keeper brings their half, or says that they are here."""
    made = ask("bring_half", token=_token(request))
    if made["opened"]:
        return done(request, _("With your half the vault is open."), "vault")
    if made["open"]:
        return done(request, _("Heard. The vault stays open for twelve more hours."), "vault")
    return done(request, _("Your half is here for ten minutes. Another keeper's opens the vault."), "vault")


@require_POST
@needs("lock_vault", "vault")
def lock_vault(request: Request) -> HttpResponse:
    """Lock the vault at once: every session ends, and two keepers are needed to open it again."""
    if request.POST.get("sure") != "yes":
        raise Refused(_("Tick the box to say that you mean it; then the vault locks at once."), reason="incomplete")
    ask("lock", token=_token(request))
    response = done(request, _("The vault is locked. Every session with it has ended."), "vault")
    signin.forget(response)
    return response


@require_POST
@needs("admit_reader", "compartments")
def admit_reader(request: Request) -> HttpResponse:
    """Let another person read a compartment that one reads oneself."""
    person = get_object_or_404(Person, ref=normalise(request.POST.get("person", "")), is_active=True)
    actions.admit_reader(request.POST.get("name", ""), person, by=request.user)
    return done(request, _("%(name)s reads this compartment from now on.") % {"name": person.name}, "vault")


@require_POST
@needs("remove_reader", "compartments")
def remove_reader(request: Request) -> HttpResponse:
    """Take a reader's wrap of a compartment away, once it was said what follows and meant."""
    person = get_object_or_404(Person, ref=normalise(request.POST.get("person", "")))
    if request.POST.get("sure") != "yes":
        raise Refused(_("Read what follows and tick the box; then they are taken off at once."), reason="incomplete")
    actions.remove_reader(request.POST.get("name", ""), person, by=request.user)
    return done(request, _("Taken away. Rotate the compartment as well when they left on suspicion."), "vault")


@require_POST
@needs("rotate_compartment", "compartments")
def rotate(request: Request) -> HttpResponse:
    """A new key pair for a compartment."""
    made = actions.rotate_compartment(request.POST.get("name", ""), by=request.user)
    return done(
        request,
        _("The compartment has a new key pair; %(n)d data keys were wrapped again.") % {"n": made["keys"]},
        "vault",
    )
