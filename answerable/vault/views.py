"""Signing in and out, and unlocking one's key."""

from __future__ import annotations

from django import forms
from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from answerable.alliance.models import Person
from answerable.authority.pages import Request, done, needs, public_page
from answerable.common.errors import Refused
from answerable.vault import signin
from answerable.vault.client import ask


class SignIn(forms.Form):
    handle = forms.CharField(label=gettext_lazy("Name"), max_length=60,
                             widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}))  # fmt: skip
    passphrase = forms.CharField(label=gettext_lazy("Passphrase"), max_length=128, strip=True,
                                 widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))  # fmt: skip


@sensitive_post_parameters("passphrase")
@public_page
def sign_in(request: Request) -> HttpResponse:
    """The door of the office."""
    form, refused = SignIn(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            made = ask("sign_in", handle=form.cleaned_data["handle"], passphrase=form.cleaned_data["passphrase"])
        except Refused as no:
            refused = str(no)
        else:
            to = request.GET.get("next", "")
            if not url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()}):
                to = "today"
            response = redirect(to)
            response.status_code = 303
            signin.establish(request, response, Person.objects.get(ref=made["person"]), made["token"])
            return response
    return render(request, "vault/sign_in.html", {"form": form, "refused": refused}, status=409 if refused else 200)


@require_POST
@needs("sign_out")
def sign_out(request: Request) -> HttpResponse:
    """Leave; the session and its key are gone."""
    response = redirect("sign-in")
    response.status_code = 303
    signin.lock(request, response)
    logout(request)
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@sensitive_post_parameters("passphrase")
@require_POST
@needs("sign_out", "unlock")
def unlock(request: Request) -> HttpResponse:
    """Unlock one's key again after ten idle minutes."""
    made = ask("sign_in", handle=request.user.handle, passphrase=request.POST.get("passphrase", ""))
    to = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()})
    response = done(request, _("Your key is unlocked."), to if safe else "today")
    signin.hand_over(response, made["token"])
    return response
