"""Health and rights information on a neutral host. No script, no cookie but the language, nothing kept."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from answerable.authority.pages import Request, public_page


@public_page
def information(request: Request) -> HttpResponse:
    """One calm page: what helps now, what is whose right, and a way out first."""
    return render(request, "channel/information.html")
