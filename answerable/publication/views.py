"""The portal: what was found, decided, in force and paid, and how sure it is. Reads released rows only."""

from __future__ import annotations

from django.db.models import Max
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from answerable.alliance.sentences import said, word
from answerable.authority.pages import Request, public_page
from answerable.common.references import normalise
from answerable.publication.models import Release


def latest(kind: str) -> list[Release]:
    """The newest version of each released thing of a kind."""
    newest = Release.objects.filter(kind=kind).values("subject").annotate(v=Max("id")).values_list("v", flat=True)
    return list(Release.objects.filter(id__in=newest)[:100])


@public_page
def front(request: Request) -> HttpResponse:
    """The public's first page."""
    fund = latest("fund")
    return render(request, "publication/front.html", {"findings": latest("finding"), "decisions": latest("decision"),
                  "measures": latest("measure"), "fund": fund[0] if fund else None})  # fmt: skip


def _title(this: Release) -> str:
    """What was released, by its kind in the reader's language; a title that people wrote stays as it is."""
    if this.kind == "finding":
        return f"{word('finding_type', this.body['kind'])}: {this.body['party']}, {this.body['situation']}"
    return str(said(this.title))


@public_page
def released(request: Request, ref: str) -> HttpResponse:
    """One released thing in every version it had."""
    versions = list(Release.objects.filter(subject=normalise(ref)).order_by("-version"))
    if not versions:
        raise Http404
    this = versions[0]
    wanted = request.GET.get("version", "")
    this = next((v for v in versions if str(v.version) == wanted), this)
    return render(request, "publication/released.html", {"release": this, "versions": versions, "body": this.body,
                  "title": _title(this)})  # fmt: skip


@public_page
def about(request: Request) -> HttpResponse:
    """How sure a figure is, and what the marks mean."""
    return render(request, "publication/about.html", {"title": _("How sure is this?")})
