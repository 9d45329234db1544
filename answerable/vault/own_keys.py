"""Your keys: what opens one's own key, and the officers' side of a new one for someone who lost theirs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, moves, needs
from answerable.authority.principals import Place
from answerable.common.errors import Refused
from answerable.common.references import normalise
from answerable.record.pages import chain
from answerable.vault import actions, lifecycle, notices, signin
from answerable.vault.bundles import reading
from answerable.vault.client import ask
from answerable.vault.models import Recovery


class ChangePassphrase(forms.Form):
    """The old passphrase and a new one."""

    old = forms.CharField(
        label=gettext_lazy("Passphrase now"),
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(label=gettext_lazy("New passphrase, 15 characters or more; six words do well"), min_length=15,
                          max_length=128, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))  # fmt: skip
    again = forms.CharField(label=gettext_lazy("The same again"), max_length=128,
                            widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("new") and data.get("again") and data["new"] != data["again"]:
            self.add_error("again", _("The two are not the same."))
        return data


class AskRecovery(forms.Form):
    """Someone who lost everything that opens their key."""

    person = forms.ModelChoiceField(
        label=gettext_lazy("Person"), queryset=Person.objects.filter(is_active=True).order_by("name")
    )


@needs("see_keys", "keys")
def keys(request: Request) -> HttpResponse:
    """What opens my key: passkeys, the passphrase, and how many sessions there are."""
    by: Any = request.user
    mine = None
    if by.session_token:
        try:
            mine = ask("own_keys", token=by.session_token)
        except Refused:
            mine = None
    return render(
        request, "vault/keys.html",
        {"mine": mine, "fingerprint": reading.spelled(mine["fingerprint"]) if mine else "", "locked": mine is None, "asked": settings.TWO_AUTHENTICATORS,
         "may_end": mine and (not settings.TWO_AUTHENTICATORS or len(mine["passkeys"]) > 1),
         "recoveries": authority.allows(by, "see_recoveries", Place("recoveries")),
            "house": authority.allows(by, "see_compartments", Place("compartments"))},
    )  # fmt: skip


@sensitive_post_parameters("credential", "prf")
@require_POST
@needs("keep_keys", "keys")
def add_passkey(request: Request) -> HttpResponse:
    """Register a passkey: first what the browser is asked to make, then what it made."""
    by: Any = request.user
    if not by.session_token:
        raise Refused(_("Your key is locked. Unlock it to read what is sealed."), reason="locked")
    origin = signin.origin(request)
    if not request.POST.get("credential"):
        return JsonResponse(ask("passkey_to_make", token=by.session_token, origin=origin))
    actions.add_passkey(by, origin=origin, credential=request.POST["credential"], secret=signin.secret_of(request),
                        name=request.POST.get("name", ""), by=by)  # fmt: skip
    return done(request, _("The passkey is added. From now on it signs you in and opens your key."), "keys")


def _left(request: Request, sentence: str) -> HttpResponse:
    response = done(request, sentence, "sign-in")
    signin.leave(request, response)
    return response


@require_POST
@needs("keep_keys", "keys")
def end_passkey(request: Request) -> HttpResponse:
    """End a passkey of one's own, once it was asked and meant: a stray click ends nobody's way in."""
    if request.POST.get("sure") != "yes":
        raise Refused(
            _("Open “End it” beside the passkey and read what follows; then end it there."), reason="incomplete"
        )
    number = request.POST.get("number", "")
    if not number.isdigit() or len(number) > 18:
        raise Http404
    actions.end_passkey(request.user, int(number), by=request.user)
    return _left(request, _("That passkey is ended, and every session of yours with it. Sign in again."))


@sensitive_post_parameters("old", "new", "again")
@needs("keep_keys", "keys")
def change_passphrase(request: Request) -> HttpResponse:
    """Another passphrase for the same key."""

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.change_passphrase(request.user, data["old"], data["new"], by=request.user)
        return _left(
            request, _("Your passphrase is changed, and every session of yours ended. Sign in with the new one.")
        )

    return form_page(request, ChangePassphrase(request.POST or None), heading=_("Change your passphrase"), act=act,
                     button=_("Change it"), cancel=reverse("keys"),
                     lead=_("The key stays the same, so everything you may read stays readable."))  # fmt: skip


# --- a new key for someone who lost theirs ------------------------------------------------------------------------


@needs("see_recoveries", "recoveries")
def recoveries(request: Request) -> HttpResponse:
    """New keys that were asked for, open and past."""
    rows = [
        [{"url": reverse("recovery", args=[r.ref]), "text": r.person.name}, {"status": r.status}, r.asked_by,
         r.confirmed_by or "–", r.asked_at.date()]
        for r in Recovery.objects.select_related("person", "asked_by", "confirmed_by").order_by("-pk")[:200]
    ]  # fmt: skip
    links = []
    if authority.allows(request.user, "ask_recovery", Place("recoveries")):
        links = [{"url": reverse("ask-recovery"), "words": _("Ask for a new key for someone")}]
    head = [_("Person"), _("Standing"), _("Asked by"), _("Confirmed by"), _("Asked on")]
    return render(
        request, "list.html",
        {"heading": _("New keys"), "tables": [{"head": head, "rows": rows}], "links": links,
         "lead": _("For someone who lost every passkey and their passphrase. Two persons grant it, anyone who inspects may "
                   "stop it for 48 hours, and a new key opens nothing until others let it read.")},
    )  # fmt: skip


@needs("ask_recovery", "recoveries")
def ask_recovery(request: Request) -> HttpResponse:
    """Ask for a new key for someone."""

    def act(data: dict[str, Any]) -> HttpResponse:
        row = actions.ask_recovery(data["person"], by=request.user)
        return done(
            request, _("Asked. Another person confirms it; everyone who inspects sees it."), "recovery", row.ref
        )

    return form_page(request, AskRecovery(request.POST or None), heading=_("Ask for a new key for someone"), act=act,
                     button=_("Ask"), cancel=reverse("recoveries"),
                     lead=_("Speak with them first, face to face or on a line you both know: whoever holds the code becomes them."))  # fmt: skip


@needs("see_keys", "recoveries")
def recovery(request: Request, ref: str) -> HttpResponse:
    """One new key: confirm it, stop it, or make the code after 48 hours. The person it is for may stop it too."""
    by: Any = request.user
    rows = Recovery.objects.select_related("person", "asked_by", "confirmed_by")
    if not authority.allows(by, "see_recoveries", Place("recoveries")):
        rows = rows.filter(person=by)
    for_whom = notices.told_to_the_vault(by).get(normalise(ref))
    if for_whom and not rows.filter(ref=normalise(ref), person__ref=for_whom, status__in=lifecycle.OPEN).exists():
        return _stop_unlisted(request, normalise(ref), for_whom)
    row, code = get_object_or_404(rows, ref=normalise(ref)), ""
    if request.method == "POST":
        name = request.POST.get("move", "")
        if name != "make_code":
            actions.decide_recovery(row, name, by=by)
            return done(request, _("Done."), "recovery", row.ref)
        row, code = actions.make_code(row, by=by)
    words = {"confirm_recovery": _("Confirm"), "make_code": _("Make the code"), "stop_recovery": _("Stop it")}
    facts = [(_("Person"), row.person), (_("Asked by"), row.asked_by), (_("Confirmed by"), row.confirmed_by or "–"),
             (_("No code before"), row.ready_at or "–"), (_("Code good until"), row.code_until or "–")]  # fmt: skip
    return render(
        request, "vault/recovery.html",
        {"heading": _("New key for %(name)s") % {"name": row.person}, "object": row, "facts": facts,
         "code": "-".join(code[i : i + 5] for i in range(0, len(code), 5)),
         **moves(by, row, words, lifecycle.RECOVERY_MOVES, reverse("recovery", args=[row.ref]), refusable=False),
         **chain(by, row.ref)},
    )  # fmt: skip


def _stop_unlisted(request: Request, ref: str, for_whom: str) -> HttpResponse:
    """A new key that the vault was told of and the office's rows do not show: it can be stopped here all the same."""

    def act(_data: dict[str, Any]) -> HttpResponse:
        ask("stop_recovery", token=actions.token_of(request.user), recovery=ref)
        return done(request, _("Done."), "today")

    name = Person.objects.filter(ref=for_whom).values_list("name", flat=True).first() or for_whom
    return form_page(
        request, forms.Form(request.POST or None), heading=_("New key for %(name)s") % {"name": name}, button=_("Stop it"),
        act=act, cancel=reverse("today"),
        lead=_("A new key was granted in the vault and is on no page here: stop it, and ask who did this."),
    )  # fmt: skip
