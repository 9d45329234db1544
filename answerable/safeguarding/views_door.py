"""Pages of the neutral host: where help is, and a way to complain. No database here, no code needed, no script.

What she looks for travels in a form, never in an address; looking leaves nothing behind, here or with us.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.safeguarding import forms, phrases, rules
from answerable.vault.client import ask

LONGEST = 20_000
# A page stays under 30 KB, for a bad line and an old telephone: so much of it is the list, so much the places.
PROVIDER_BYTES, PLACE_BYTES = 11_000, 3_000


def _size(provider: dict[str, Any]) -> int:
    """About how many bytes an entry takes on the page, its labels included."""
    texts = [str(v) for k, v in provider.items() if k not in {"needs", "ref"}]
    return sum(len(t.encode()) for t in texts) + 700


def _still_in_time() -> list[dict[str, str]]:
    """Each answer she may choose with what still works, all on the page at once: choosing asks nobody anything."""
    when = {
        "today": _("Today"), "yesterday": _("Yesterday"), "two_days": _("Two days ago"),
        "three_to_five": _("Three to five days ago"), "longer": _("Longer ago"), "not_said": _("I prefer not to say"),
    }  # fmt: skip
    pep = {
        rules.YES: _(
            "Medicine against HIV still works: it must begin within 72 hours. The sooner the better: go today."
        ),
        rules.PERHAPS: _("Medicine against HIV works only within 72 hours. If that may not be over yet, go now."),
        rules.NO: _(
            "The 72 hours for medicine against HIV are over. A clinic can still test, treat and watch over you."
        ),
    }
    contraception = {
        rules.YES: _("Emergency contraception still works: within 120 hours. The sooner the better: go today."),
        rules.PERHAPS: _("Emergency contraception works only within 120 hours. If that may not be over yet, go now."),
        rules.NO: _("The 120 hours for emergency contraception are over. A clinic can still help with a pregnancy, as you decide."),
    }  # fmt: skip
    found = []
    for answer, words in when.items():
        works = rules.still_works(answer)
        found.append({"words": words, "pep": pep[works.pep], "contraception": contraception[works.contraception]})
    return found


def care(request: HttpRequest, *, back: str) -> HttpResponse:
    """Where help is, for anyone. Everything is listed until she chooses, and she need not choose. `back` names the page
    she came from.
    """
    need, place = request.POST.get("need", "")[:24], request.POST.get("place", "")[:120]
    words = forms.need_words()
    away = ""
    found: dict[str, Any] = {"providers": [], "places": []}
    try:
        found = ask("care_directory", need=need if need in words else "", place=place)
    except Refused as no:
        away = str(no)
    providers, more = [], False
    room = PROVIDER_BYTES
    for p in found["providers"]:
        shown = {
            **p,
            "helps_with": [words[n] for n in p["needs"] if n in words],
            "where": ", ".join(w for w in (p["country"], p["area1"]) if w),
            "hours": phrases.hours(p["hours"]),
            "who_for": phrases.who_for(p["who_for"]),
            "languages": phrases.languages(p["languages"]),
        }
        room -= _size(shown)
        if room < 0:
            more = True
            break
        providers.append(shown)
    places = [(p, p.replace("|", ", ").strip(", ")) for p in found["places"]]
    if sum(len(p.encode()) * 2 + 40 for p, _words in places) > PLACE_BYTES:
        places = [(p, text) for p, text in places if p.endswith("|")]
    return render(request, "safeguarding/door_care.html", {
        "when": _still_in_time(), "needs": words.items(), "need": need, "places": places, "place": place,
        "providers": providers, "more": more, "away": away, "back": back,
        "back_to_write": "begin" if back == "information" else back})  # fmt: skip


def take_complaint(request: HttpRequest, send: Callable[..., HttpResponse], *, back: str) -> HttpResponse:
    """The form and what was written in it; `send` takes it and says where to go. `back` names the page she came from."""
    # One number for each page shown: the same form sent twice is one complaint.
    page = {"about": forms.about_words().items(), "back": back, "once": secrets.token_urlsafe(16)}
    if request.method != "POST":
        return render(request, "safeguarding/door_complaint.html", page)
    text = {name: request.POST.get(name, "")[:LONGEST] for name in ("happened", "remedy", "may_be_told")}
    chosen = [a for a in request.POST.getlist("about") if a in rules.ABOUT]
    risk, shared = request.POST.get("immediate_risk") == "on", request.POST.get("safeguarding_may_know") == "on"
    answer = request.POST.get("answer", "")
    try:
        if answer not in ("yes", "no"):
            raise Refused(_("Choose whether you want an answer. Nothing was sent yet; what you wrote is still here."))
        return send(about=chosen, immediate_risk=risk, safeguarding_may_know=shared, **text)
    except Refused as no:
        typed = {"refused": str(no), "text": text, "chosen": chosen, "risk": risk, "shared": shared, "answer": answer}
        return render(request, "safeguarding/door_complaint.html", page | typed, status=422)


def received(request: HttpRequest, *, number: str, back: str) -> HttpResponse:
    """It was received. The number is shown to whoever just sent it, and to nobody who comes by the address."""
    return render(request, "safeguarding/door_received.html", {"number": number, "back": back})
