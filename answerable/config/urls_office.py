"""The office's addresses: the chain, not the modules."""

from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path

from answerable.config.api import api
from answerable.vault import views as vault
from answerable.web import views as web

# The API authenticates by token, not by session; authority decides each act as everywhere else.
_api = api.urls  # made anew each time it is asked for
for _pattern in _api[0]:
    _view: Any = login_not_required(cast(Any, _pattern.callback))
    _view.authority_action = "api"
    _pattern.callback = _view

urlpatterns = [
    path("", web.start, name="start"),
    path("alive/", web.alive, name="alive"),
    path("language/", web.set_language, name="set-language"),
    path("sign-in/", vault.sign_in, name="sign-in"),
    path("sign-out/", vault.sign_out, name="sign-out"),
    path("sign-in/passkey/", vault.sign_in_passkey, name="sign-in-passkey"),
    path("begin-again/", vault.begin_again, name="begin-again"),
    path("unlock/", vault.confirm, name="unlock"),
    path("confirm/", vault.confirm, name="confirm"),
    path("", include("answerable.vault.urls")),
    path("today/", web.today, name="today"),
    path("r/<str:ref>/", web.by_ref, name="by-ref"),
    path("watch/", include("answerable.monitoring.urls")),
    path("answer/", include("answerable.accountability.urls")),
    path("decide/", include("answerable.council.urls")),
    path("decide/measures/", include("answerable.measures.urls")),
    path("repair/messages/", include("answerable.channel.urls_office")),
    path("repair/", include("answerable.safeguarding.urls")),
    path("repair/", include("answerable.reparations.urls")),
    path("repair/identity/", include("answerable.vault.custody.urls")),
    path("fund/", include("answerable.fund.urls")),
    path("alliance/complaints/", include("answerable.safeguarding.urls_complaints")),
    path("alliance/", include("answerable.alliance.urls")),
    path("record/", web.record, name="record"),
    path("record/checkpoint/<int:size>/", web.record_checkpoint, name="record-checkpoint"),
    path("record/cosignature/", web.accept_cosignature, name="accept-cosignature"),
    path("record/witness/", web.enter_witness, name="enter-witness"),
    path("record/", include("answerable.vault.consent.urls")),
    path("api/", _api),
]
