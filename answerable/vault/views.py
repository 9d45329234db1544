"""Signing in and out, unlocking one's key, confirming that it is oneself, and beginning again with a code."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from answerable.alliance.models import Person
from answerable.authority.pages import Request, done, needs, public_page
from answerable.common.errors import Refused
from answerable.vault import actions, demonstration, lifecycle, recovery, signin
from answerable.vault.client import ask
from answerable.vault.models import Recovery


class SignIn(forms.Form):
    handle = forms.CharField(label=gettext_lazy("Name"), max_length=60,
                             widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}))  # fmt: skip
    passphrase = forms.CharField(label=gettext_lazy("Passphrase"), max_length=128, strip=True,
                                 widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))  # fmt: skip


class BeginAgain(forms.Form):
    """A code for a new key, and the passphrase that will open it."""

    handle = forms.CharField(
        label=gettext_lazy("Name"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    code = forms.CharField(
        label=gettext_lazy("Code you were handed"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    passphrase = forms.CharField(label=gettext_lazy("New passphrase, 15 characters or more; six words do well"), min_length=15,
                                 max_length=128, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))  # fmt: skip
    again = forms.CharField(label=gettext_lazy("The same again"), max_length=128,
                            widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("passphrase") and data.get("again") and data["passphrase"] != data["again"]:
            self.add_error("again", _("The two are not the same."))
        return data


def safe_next(request: Request, to: str) -> str:
    """`to` when it is a page of ours, else one's home page."""
    same = url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return to if same else "today"


def _entered(request: Request, made: dict[str, Any]) -> HttpResponse:
    response = redirect(safe_next(request, request.GET.get("next", "")))
    response.status_code = 303
    signin.establish(request, response, Person.objects.get(ref=made["person"]), made["token"])
    return response


def _door(request: Request, form: SignIn, refused: str = "") -> HttpResponse:
    doors = demonstration.doors() if demonstration.is_open() else []
    if doors:
        form.fields["handle"].widget.attrs.pop("autofocus", None)  # the page begins with what it has to say
    return render(
        request,
        "vault/sign_in.html",
        {"form": form, "refused": refused, "doors": doors},
        status=409 if refused else 200,
    )


@sensitive_post_parameters("passphrase")
@public_page
def sign_in(request: Request) -> HttpResponse:
    """The door of the office. In the demonstration a button signs in as someone, through the same door."""
    if request.method == "POST" and "as" in request.POST and demonstration.is_open():
        form = SignIn({"handle": request.POST["as"], "passphrase": demonstration.PASSPHRASE})
    else:
        form = SignIn(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return _door(request, form)
    try:
        made = ask("sign_in", handle=form.cleaned_data["handle"], passphrase=form.cleaned_data["passphrase"])
    except Refused as no:
        if "as" in request.POST and no.reason == "sign_in":
            return _clicked_in_vain(request, form.cleaned_data["handle"])
        return _door(request, form, str(no))
    return _entered(request, made)


def _clicked_in_vain(request: Request, handle: str) -> HttpResponse:
    """In the demonstration: this person's passphrase is no longer the one that is printed, so a click opens nothing."""
    name = Person.objects.filter(handle=handle, is_active=True).values_list("name", flat=True).first()
    refused = _(
        "%(name)s changed the passphrase since the demonstration was loaded, so a click no longer signs in. Type the new "
        "one below."
    ) % {"name": name or handle}  # fmt: skip
    return _door(request, SignIn(initial={"handle": handle}), refused)


@sensitive_post_parameters("credential", "prf")
@public_page
@require_POST
def sign_in_passkey(request: Request) -> HttpResponse:
    """The same door with a passkey: first what the browser is asked for, then its answer."""
    if not request.POST.get("credential"):
        return JsonResponse(ask("passkey_to_use", origin=signin.origin(request)))
    try:
        made = ask("sign_in_passkey", origin=signin.origin(request), credential=request.POST["credential"],
                   secret=signin.secret_of(request))  # fmt: skip
    except Refused as no:
        return _door(request, SignIn(), str(no))
    return _entered(request, made)


@require_POST
@needs("sign_out")
def sign_out(request: Request) -> HttpResponse:
    """Leave; the session and its key are gone."""
    response = redirect("sign-in")
    response.status_code = 303
    signin.leave(request, response)
    return response


def _while_locked(request: Request) -> str:
    """What a confirmation is worth while the vault itself is locked; '' when it is open."""
    if not getattr(request, "vault_locked", False):
        return ""
    return _("Confirmed: it is you. The vault is locked all the same, so what is sealed stays sealed until two of its keepers open it.")  # fmt: skip


@sensitive_post_parameters("passphrase", "credential", "prf")
@require_POST
@needs("sign_out", "unlock")
def confirm(request: Request) -> HttpResponse:
    """Confirm that it is oneself, by passphrase or passkey; after ten idle minutes this unlocks one's key again.

    Nothing that was asked before is done by this: the person returns to the page they came from and does it.
    """
    by, origin, credential = request.user, signin.origin(request), request.POST.get("credential", "")
    live = by.session_token
    if "options" in request.POST:
        return JsonResponse(ask("passkey_to_use", origin=origin, token=live or ""))
    to = safe_next(request, request.POST.get("next", ""))
    if live and credential:
        ask("confirm_passkey", token=live, origin=origin, credential=credential)
    elif live:
        ask("confirm", token=live, passphrase=request.POST.get("passphrase", ""))
    else:
        made = (
            ask(
                "sign_in_passkey", origin=origin, credential=credential, secret=signin.secret_of(request), person=by.ref
            )
            if credential
            else ask("unlock", person=by.ref, passphrase=request.POST.get("passphrase", ""))
        )
        response = done(request, _while_locked(request) or _("Your key is unlocked."), to)
        signin.hand_over(response, made["token"])
        return response
    if locked := _while_locked(request):
        return done(request, locked, to)
    return done(request, _("Confirmed. For ten minutes you can vote, pay and open what is sealed."), to)


@sensitive_post_parameters("code", "passphrase", "again")
@public_page
def begin_again(request: Request) -> HttpResponse:
    """For whoever lost everything that opens their key and was handed a code: a new key, and nothing open with it."""
    form, refused = BeginAgain(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        row = (
            Recovery.objects.select_related("person__body__state", "asked_by")
            .filter(person__handle=data["handle"], status=lifecycle.READY)
            .first()
        )
        try:
            recovery.check_code(row, data["code"])
            assert row is not None
            actions.use_recovery(row, data["code"], data["passphrase"], by=row.person)
        except Refused as no:
            refused = str(no)
        else:
            return done(request, _("You have a new key. Sign in with your new passphrase."), "sign-in")
    context = {"form": form, "heading": _("Begin again with a code"), "button": _("Make my new key"), "refused": refused,
               "lead": _("Your old key, your passkeys and your sessions end. Others must let you read each compartment again. "
                         "What you sealed stays sealed and safe."), "cancel": "/sign-in/"}  # fmt: skip
    return render(request, "form.html", context, status=409 if refused else 422 if request.method == "POST" else 200)
