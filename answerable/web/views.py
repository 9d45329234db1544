"""Home pages, the record, and finding things by reference."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.i18n import set_language as django_set_language

from answerable.alliance import witnesses as roster
from answerable.alliance.days import day_words
from answerable.alliance.sentences import said
from answerable.authority import engine
from answerable.authority.pages import Request, Uncounted, done, form_page, needs, public_page
from answerable.authority.principals import Place
from answerable.common.hooks import question
from answerable.common.references import normalise
from answerable.record import shown, witnesses
from answerable.record.models import Checkpoint, Entry, Witness
from answerable.record.pages import describe

set_language = public_page(require_POST(django_set_language))


@public_page
def alive(request: Request) -> HttpResponse:
    """Whether this process answers. Says nothing else."""
    return HttpResponse("alive\n", content_type="text/plain")


def not_checked(request: HttpRequest, reason: str = "") -> HttpResponse:
    """In place of what a form was to do, where its token is not there: the file before it did not come to its end (408), or the
    page was open too long or came from elsewhere (403). Nothing was read of it, and nothing changed.
    """
    cut = request.META.get("answerable.cut", False)
    return render(request, "cut.html" if cut else "403.html", status=408 if cut else 403)


@public_page
def start(request: Request) -> HttpResponse:
    """To one's own day, or to the sign-in page."""
    return redirect("today" if request.user.is_authenticated else "sign-in")


@needs("see_today")
def today(request: Request) -> HttpResponse:
    """What waits for me, by when; each app answers for its own."""
    by: Any = request.user
    waiting = [item for answer in question("waits_for").ask(by) for item in answer]
    # What cannot wait first, then by its clock.
    waiting.sort(key=lambda w: (w.get("urgency", 3) > 0, w["due"] is None, w["due"] or 0, w["title"]))
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


KINDS = {Witness.MEMBER: gettext_lazy("a member's"), Witness.CIVIL_SOCIETY: gettext_lazy("civil society's")}


class CosignatureForm(forms.Form):
    """What a witness's program wrote, as a file or as text."""

    file = forms.FileField(label=gettext_lazy("The file the witness wrote"), required=False)
    text = forms.CharField(
        label=gettext_lazy("Or its text"), max_length=100_000, required=False, widget=forms.Textarea(attrs={"rows": 8})
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if (file := data.get("file")) and file.size <= 100_000:
            try:
                data["text"] = file.read().decode()
            except UnicodeDecodeError:
                raise forms.ValidationError(_("This file is not text. Bring the one the witness wrote.")) from None
        if not data.get("text"):
            raise forms.ValidationError(_("Choose the file the witness wrote, or paste its text."))
        return data


class WitnessForm(forms.Form):
    """A witness for the roster."""

    vkey = forms.CharField(label=gettext_lazy("The line the witness's program printed"), max_length=400)
    kind = forms.ChoiceField(label=gettext_lazy("Whose witness it is"), choices=list(KINDS.items()))


@needs("see_record")
def record(request: Request) -> HttpResponse:
    """The list of acts under the last checkpoint: kind and day. No actor, no subject, and nothing as it happens.

    Whoever inspects sees every act with its number and leaf; everyone else the alliance's own work (record/shown.py).
    Above it the witnesses: who cosigned what last, and whether that is enough.
    """
    signed = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    acts = Entry.objects.exclude(action="").filter(index__lt=signed)
    all_of_it = shown.inspects(request.user.roles)
    if not all_of_it:
        acts = acts.filter(action__in=shown.OWN_WORK)
    page = Uncounted(acts.order_by("-index"), 50).page_of(request.GET.get("page"))
    rows = [[day_words(e.at), said(e.action)] for e in page["rows"]]
    head = [_("Day"), _("Act")]
    if all_of_it:
        rows = [[e.index, *row, bytes(e.leaf).hex()[:16] + "…"] for e, row in zip(page["rows"], rows, strict=True)]
        head = [_("Entry"), *head, _("Leaf")]
    standing = witnesses.standing()
    last = standing.last
    lead = (
        _(
            "Last checkpoint: %(n)d entries, signed on %(day)s. Export it and check it offline: answerable record export, answerable verify."
        )
        % {"n": last.size, "day": day_words(last.made_at)}
        if last
        else _("No checkpoint has been signed yet; one is made every six hours.")
    )
    seen = [
        [
            r.name,
            KINDS[r.kind],
            r.last_size if r.last_size is not None else _("nothing yet"),
            f"{day_words(r.last_at)}, {r.last_at:%H:%M} UTC" if r.last_at else "",
            _("yes") if r.cosigned_last else _("no"),
        ]
        for r in standing.rows
    ]
    links = []
    if last:
        links.append({"url": reverse("record-checkpoint", args=[last.size]), "words": _("Last checkpoint")})
    if standing.enough and standing.enough != last:
        url = reverse("record-checkpoint", args=[standing.enough.size])
        links.append({"url": url, "words": _("Last with enough witnesses")})
    for name, words in (
        ("accept_cosignature", _("Bring in a cosignature")), ("enter_witness", _("Enter a witness")),
    ):  # fmt: skip
        if engine.allows(request.user, name, Place("record")):
            links.append({"url": reverse(name.replace("_", "-")), "words": words})
    if engine.allows(request.user, "see_withdrawals", Place("withdrawals")):
        links.append({"url": reverse("withdrawals"), "words": _("Withdrawals and recalls")})
    context = {
        "heading": _("Record"), "lead": lead, "page": page, "standing": standing, "links": links,
        "tables": [
            {"title": _("Witnesses"), "rows": seen,
             "head": [_("Witness"), _("Whose"), _("Entries last cosigned"), _("When (UTC)"),
                      _("Cosigned the last checkpoint")]},
            {"title": _("Acts"), "head": head, "rows": rows},
        ],
    }  # fmt: skip
    return render(request, "web/record.html", context)


@needs("see_record")
def record_checkpoint(request: Request, size: int) -> HttpResponse:
    """A signed checkpoint with all cosignatures kept for it, as text to hand on or to verify."""
    found = Checkpoint.objects.filter(size=size).first()
    if found is None:
        raise Http404
    return HttpResponse(witnesses.checkpoint_text(found), content_type="text/plain; charset=utf-8")


@needs("accept_cosignature")
def accept_cosignature(request: Request) -> HttpResponse:
    """Bring in what a witness cosigned."""

    def act(data: dict[str, Any]) -> HttpResponse:
        checkpoint, kept = roster.accept_cosignature(data["text"], by=request.user)
        names = ", ".join(c.witness.name for c in kept)
        return done(
            request, _("Kept: %(who)s cosigned %(n)d entries.") % {"who": names, "n": checkpoint.size}, "record"
        )

    return form_page(
        request, CosignatureForm(request.POST or None, request.FILES or None), heading=_("Bring in a cosignature"),
        lead=_("It is checked against the roster and the checkpoints this record signed."), button=_("Check and keep"),
        act=act, cancel=reverse("record"),
    )  # fmt: skip


@needs("enter_witness")
def enter_witness(request: Request) -> HttpResponse:
    """Put a witness on the roster."""

    def act(data: dict[str, Any]) -> HttpResponse:
        witness = roster.enter_witness(data["vkey"], data["kind"], by=request.user)
        return done(request, _("%(name)s is on the roster.") % {"name": witness.name}, "record")

    return form_page(
        request, WitnessForm(request.POST or None), heading=_("Enter a witness"), button=_("Enter"), act=act,
        lead=_("Compare the key with the witness by another way first. A name once entered stays."),
        cancel=reverse("record"),
    )  # fmt: skip
