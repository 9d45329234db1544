"""The staff's side of the door: threads by two words, each message opened under one's own key with an entry in the record."""

from __future__ import annotations

import base64
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from answerable.alliance.days import day_words
from answerable.alliance.models import Body, Person
from answerable.authority import engine as authority
from answerable.authority.pages import Request, Uncounted, done, form_page, move_of, moves, needs
from answerable.authority.principals import Place
from answerable.channel import access, actions, lifecycle
from answerable.channel.models import Thread
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record.pages import chain, describe
from answerable.vault import keeping
from answerable.vault.client import ask
from answerable.vault.consent import survivor


def _kind_words() -> dict[str, str]:
    return {
        "tell": _("tells something"), "ask": _("asks"), "help": _("asks for help"),
        "claim": _("asks for reparation"), "report": _("files reports"),
        "unmatched": _("behind a code that opened nothing"),
    }  # fmt: skip


def _sealed_words(sealed_by: str) -> str:
    return _("sealed in her browser") if sealed_by == lifecycle.BROWSER else _("sealed on arrival")


def _urgent(refs: list[str]) -> dict[str, str]:
    """What cannot wait, in words, by what a thread is about."""
    return {ref: u["words"] for answer in question("urgent_now").ask(refs) for ref, u in answer.items()}


@needs("see_threads", "threads")
def threads(request: Request) -> HttpResponse:
    """Threads of one's compartments: those that wait first."""
    found = access.threads(request.user)
    if request.GET.get("closed") != "yes":
        found = found.exclude(status=lifecycle.CLOSED)
    found = access.urgent_first(found)
    page = Uncounted(found, 50).page_of(request.GET.get("page"))
    words = _kind_words()
    urgent = _urgent([t.about_ref for t in page["rows"]])
    rows = [
        [{"url": reverse("thread", args=[t.ref]), "text": t.designation},
         f"{urgent[t.about_ref]} · {words[t.kind]}" if t.about_ref in urgent else words[t.kind],
         dict(settings.LANGUAGES).get(t.language, t.language), day_words(t.opened_on),
         day_words(t.waiting_since), {"status": t.status}] for t in page["rows"]
    ]  # fmt: skip
    links = []
    if authority.allows(request.user, "confirm_receipt", Place("receipts")):
        links.append({"url": reverse("receipt"), "words": _("Confirm that something was received")})
    if authority.allows(request.user, "open_door", Place("door")):
        links.append({"url": reverse("open-door"), "words": _("Open a door with her")})
    head = [_("Called"), _("Comes to"), _("Language"), _("Since"), _("Waits since"), _("State")]
    return render(request, "list.html", {
        "heading": _("Messages"), "links": links, "tables": [{"title": "", "head": head, "rows": rows}],
        "lead": _("People at the door are called by two words. Nothing here says who they are, and nothing is sent to anyone: "
                  "answers wait at the door, from 6, 12 and 18 hours (UTC) on."),
    })  # fmt: skip


def _get(request: Request, ref: str) -> Thread:
    return get_object_or_404(access.threads(request.user), ref=ref)


class ReplyForm(forms.Form):
    """An answer, or a note among ourselves."""

    text = forms.CharField(label=gettext_lazy("Write"), max_length=18_000, widget=forms.Textarea(attrs={"rows": 5}))


def _shown(
    request: Request, this: Thread, opened: dict[str, str], status: int = 200, refused: str = ""
) -> HttpResponse:
    # What is hers alone is not shown either: that there is an answer to a complaint would tell that she complained.
    stored = list(this.messages.exclude(kind__in=lifecycle.HERS_ALONE).select_related("written_by"))
    standing = {
        k: s for answer in question("corrections_at_door").ask(request.user, this.about_ref) for k, s in answer.items()
    }
    messages = [
        {
            "message": m,
            "correction": standing.get(m.ref),
            "text": opened.get(m.ref),
            "author": m.written_by,
            "sealed": _sealed_words(m.sealed_by),
        }
        for m in stored
    ]
    about = describe(request.user, this.about_ref) if this.about_ref else None
    facts = [
        (_("Comes to"), _kind_words()[this.kind]), (_("Language"), dict(settings.LANGUAGES).get(this.language, this.language)),
        (_("Since"), day_words(this.opened_on)), (_("Care was offered first"), _("yes") if this.care_offered else _("no")),
    ]  # fmt: skip
    if urgent := _urgent([this.about_ref]).get(this.about_ref):
        facts.insert(0, (_("Urgent"), urgent))
    if this.about_ref and this.about_sealed_by:
        facts.append((_("What it is about"), _sealed_words(this.about_sealed_by)))
    names = {"close_thread": _("Close"), "reopen_thread": _("Open again")}
    may = {a: authority.allows(request.user, a, this) for a in ("reply_to_thread", "note_on_thread", "replace_code")}
    return render(request, "channel/office_thread.html", {
        "heading": this.designation, "object": this, "facts": facts,
        "thread_messages": messages, "files": this.attachments.all(), "may": may,
        "about": about, "closing": survivor.closing_words(this.about_ref or this.ref), "locked": request.user.vault_session is None,
        "sealed": [m.ref for m in stored if m.ref not in opened],
        **moves(request.user, this, names, lifecycle.THREAD_MOVES, reverse("move-thread", args=[this.ref])),
        **chain(request.user, this.ref),
    })  # fmt: skip


@needs("see_threads", "threads")
def thread(request: Request, ref: str) -> HttpResponse:
    """One thread; its messages are sealed until they are opened."""
    return _shown(request, _get(request, ref), {})


@require_POST
@needs("see_threads", "threads")
def read(request: Request, ref: str) -> HttpResponse:
    """Open messages of a thread, to answer: each leaves an entry she can see."""
    this = _get(request, ref)
    wanted = set(request.POST.getlist("message"))
    opened = {
        m.ref: keeping.open_fields(m.ref, ["text"], purpose="contact", token=request.user.vault_session)["text"].rstrip()
        for m in this.messages.exclude(kind__in=lifecycle.HERS_ALONE) if m.ref in wanted
    }  # fmt: skip
    return _shown(request, this, opened)


@sensitive_post_parameters("text")
@require_POST
@needs("see_threads", "threads")
def reply(request: Request, ref: str) -> HttpResponse:
    """Answer at the door, or keep a note."""
    this, text = _get(request, ref), request.POST.get("text", "")
    if request.POST.get("as") == "note":
        actions.note_on_thread(this, text, by=request.user)
        return done(request, _("The note is kept; she never sees it."), "thread", this.ref)
    made = actions.reply_to_thread(this, text, by=request.user)
    at = made.release_at.strftime("%H:%M") if made.release_at else ""
    return done(request, _("The answer waits at the door from %(at)s UTC on.") % {"at": at}, "thread", this.ref)


@require_POST
@needs("see_threads", "threads")
def move(request: Request, ref: str) -> HttpResponse:
    """Close a thread or open it again."""
    this = _get(request, ref)
    name = request.POST.get("move", "")
    actions.move_thread(this, move_of(name, lifecycle.THREAD_MOVES), by=request.user)
    return done(request, _("Done."), "thread", this.ref)


@require_POST
@needs("see_threads", "threads")
def show_file(request: Request, ref: str) -> HttpResponse:
    """A file she sent, as pictures only; leaves an entry she can see."""
    this = _get(request, ref)
    file = get_object_or_404(this.attachments, ref=request.POST.get("file", ""))
    shown = ask("door_show_file", token=request.user.vault_session or "", ref=file.ref)
    pages = [f"data:{shown['mime']};base64,{base64.b64encode(p).decode()}" for p in shown["pages"]]
    return render(request, "channel/office_file.html", {"heading": _("A file she sent"), "object": this, "pages": pages, **{
        k: shown[k] for k in ("name", "text", "note")}})  # fmt: skip


class PinForm(forms.Form):
    """The PIN she chose, typed by her."""

    pin = forms.CharField(label=gettext_lazy("PIN, typed by her, or empty"), required=False, max_length=20,
                          widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}))  # fmt: skip


def _code_page(request: Request, issued: actions.Issued, back: str = "threads") -> HttpResponse:
    return render(request, "channel/office_code.html", {"heading": _("The code, shown once"), "groups": issued.code.groups, "back": reverse(back),
                                                        "object": issued.thread})  # fmt: skip


@sensitive_post_parameters("pin")
@needs("see_threads", "threads")
def replace_code(request: Request, ref: str) -> HttpResponse:
    """A lost code: the old one ends, a new one is shown once to her on this screen."""
    this = _get(request, ref)
    if not this.answerable:
        raise Refused(
            _("This door was closed for good, so there is no new code for it, from anyone. She can begin again as someone "
              "new."), reason="closed",
        )  # fmt: skip
    return form_page(
        request, PinForm(request.POST or None), heading=_("Replace a lost code"), button=_("End the old code, show a new one"),
        lead=_("Do this with her beside you. The old code opens nothing from now on. Her page says for good that your office did this "
               "today, and those who inspect us see it."), cancel=reverse("thread", args=[ref]),
        act=lambda data: _code_page(request, actions.replace_code(this, **data, by=request.user)),
    )  # fmt: skip


class OpenForm(PinForm):
    """A door opened together with her."""

    kind = forms.ChoiceField(label=gettext_lazy("She comes to"), choices=lambda: [
        (k, w) for k, w in _kind_words().items() if k not in ("report", "unmatched")])  # fmt: skip
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
    about_ref = forms.CharField(
        label=gettext_lazy("Her claim, if there is one (reference)"), required=False, max_length=40
    )


@sensitive_post_parameters("pin")
@needs("open_door", "door")
def open_door(request: Request) -> HttpResponse:
    """Open a door with her, at an assistance office."""

    def act(data: dict[str, Any]) -> HttpResponse:
        about = data.pop("about_ref").strip()
        known = describe(request.user, about) if about else None
        return _code_page(request, actions.open_door(**data, about_ref=about if known else "", by=request.user))

    return form_page(request, OpenForm(request.POST or None), heading=_("Open a door with her"), button=_("Open the door"), act=act,
                     lead=_("Care comes first. She chooses the PIN herself and keeps the code."), cancel=reverse("threads"))  # fmt: skip


class IssueForm(PinForm):
    """A documenter of a partner organisation."""

    person = forms.ModelChoiceField(label=gettext_lazy("Documenter"), queryset=Person.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pin"].label, self.fields["pin"].required = _("PIN, typed by them"), True
        self.fields["person"].queryset = Person.objects.filter(body__kind=Body.PARTNER, is_active=True)  # type: ignore[attr-defined]


@sensitive_post_parameters("pin")
@needs("issue_code", "door")
def issue_code(request: Request) -> HttpResponse:
    """A code for someone who documents for a partner organisation."""
    return form_page(
        request, IssueForm(request.POST or None), heading=_("Issue a documenter's code"), button=_("Issue"),
        cancel=reverse("people"), act=lambda data: _code_page(request, actions.issue_code(**data, by=request.user), "people"),
    )  # fmt: skip


class ReceiptForm(forms.Form):
    """Ten digits."""

    number = forms.CharField(label=gettext_lazy("Number she shows"), max_length=30,
                             widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}))  # fmt: skip


@needs("confirm_receipt", "receipts")
def receipt(request: Request) -> HttpResponse:
    """Whether something was received, on which day, and is in hand; nothing else, to anyone."""
    form, answer = ReceiptForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        answer = ask("door_confirm", token=request.user.vault_session or "", number=form.cleaned_data["number"])
    return render(request, "channel/office_receipt.html", {"heading": _("Confirm that something was received"), "form": form,
                                                           "answer": answer})  # fmt: skip
