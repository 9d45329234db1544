"""Home pages, the record, and finding things by reference."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.i18n import set_language as django_set_language

from answerable.authority import engine
from answerable.authority.pages import Request, Uncounted, needs, public_page
from answerable.authority.principals import Place
from answerable.common.hooks import question
from answerable.common.references import normalise
from answerable.record.models import Checkpoint, Entry
from answerable.record.pages import describe

set_language = public_page(require_POST(django_set_language))


@public_page
def alive(request: Request) -> HttpResponse:
    """Whether this process answers. Says nothing else."""
    return HttpResponse("alive\n", content_type="text/plain")


@public_page
def start(request: Request) -> HttpResponse:
    """To one's own day, or to the sign-in page."""
    return redirect("today" if request.user.is_authenticated else "sign-in")


@needs("see_today")
def today(request: Request) -> HttpResponse:
    """What waits for me, by when; each app answers for its own."""
    by: Any = request.user
    waiting = [item for answer in question("waits_for").ask(by) for item in answer]
    waiting.sort(key=lambda w: (w["due"] is None, w["due"] or 0, w["title"]))
    words = request.GET.get("q", "").strip()[:80]
    found: list[Any] = []
    if words:
        if (d := describe(by, normalise(words))) is not None:
            return redirect(d.url)
        found = [f for answer in question("search").ask(by, words) for f in answer][:50]
    return render(
        request, "web/today.html",
        {"waiting": waiting, "words": words, "found": found, "roles": sorted(r.replace("_", " ") for r in by.roles),
         "mine": Entry.objects.filter(actor=by.ref).order_by("-index")[:8]},
    )  # fmt: skip


@needs("see_today", "by-ref")
def by_ref(request: Request, ref: str) -> HttpResponse:
    """Straight to an object by its reference; hidden and absent are the same 404."""
    if (d := describe(request.user, normalise(ref))) is None:
        raise Http404
    return redirect(d.url)


@needs("see_record")
def record(request: Request) -> HttpResponse:
    """The list of acts: what kind, when, how many entries stand under the last checkpoint. No actor, no subject."""
    page = Uncounted(Entry.objects.exclude(action="").order_by("-index"), 50).page_of(request.GET.get("page"))
    rows = [
        [e.index, e.at.date().isoformat() if e.at else "", e.action, bytes(e.leaf).hex()[:16] + "…"]
        for e in page["rows"]
    ]
    last = Checkpoint.objects.order_by("-size").first()
    lead = (
        _(
            "Last checkpoint: %(n)d entries, signed on %(day)s. Export it and check it offline: answerable record export, answerable verify."
        )
        % {"n": last.size, "day": last.made_at.date().isoformat()}
        if last
        else _("No checkpoint has been signed yet; one is made every six hours.")
    )
    tables = [{"title": "", "head": [_("Entry"), _("Day"), _("Act"), _("Leaf")], "rows": rows}]
    return render(request, "web/record.html", {
        "heading": _("Record"), "tables": tables, "lead": lead, "page": page,
        "links": [{"url": reverse("withdrawals"), "words": _("Withdrawals and recalls")}]
        if engine.allows(request.user, "see_withdrawals", Place("withdrawals")) else [],
    })  # fmt: skip
