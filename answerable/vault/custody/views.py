"""Requests to open an identity, the three seats, and keys that come back from escrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from answerable.alliance.models import Body, Person
from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, moves, needs
from answerable.authority.principals import Place
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record.pages import chain
from answerable.vault import actions as vault
from answerable.vault import client, escrow
from answerable.vault.bundles import reading, seating
from answerable.vault.custody import access, actions, lifecycle, rules, words
from answerable.vault.keyroom import seatkeys
from answerable.vault.models import IdentityRequest, RoomRestore


class OneFile(forms.Form):
    """A file that was brought by hand."""

    file = forms.FileField(label=gettext_lazy("File"), max_length=120)


class SeatForm(OneFile):
    body = forms.ModelChoiceField(
        label=gettext_lazy("Body that holds the seat"), queryset=Body.objects.filter(kind=Body.ORGAN)
    )


class AskForm(forms.Form):
    """Only fields, purpose and reason, all from tables: no sentence about her is written here."""

    purpose = forms.ChoiceField(label=gettext_lazy("What for"), choices=lambda: list(words.purposes().items()))
    fields_ = forms.MultipleChoiceField(
        label=gettext_lazy("Fields that are needed, and no more"), widget=forms.CheckboxSelectMultiple,
        choices=lambda: list(words.fields().items()),
    )  # fmt: skip
    reason = forms.ChoiceField(
        label=gettext_lazy("Why now"), choices=lambda: list(words.reasons().items()),
        help_text=gettext_lazy("In imminent danger there is no waiting time. All inspectors are told before, and it is reviewed."),
    )  # fmt: skip

    def __init__(self, *args: Any, by: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        office = Person.objects.filter(body=by.body, is_active=True).order_by("name")
        people = [p for p in office if p.roles & access.ASKERS]
        self.fields["recipient"] = forms.ModelChoiceField(
            label=_("The one who will read the answer"), queryset=Person.objects.filter(pk__in=[p.pk for p in people]),
            initial=by.pk,
        )  # fmt: skip


def _brought(upload: UploadedFile[Any], limit: int) -> bytes:
    if (upload.size or 0) > limit:
        raise Refused(_("The file is larger than such a file can be."), reason="size")
    return upload.read()


def _file(data: Any, name: str) -> HttpResponse:
    return HttpResponse(
        data, content_type="application/octet-stream", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _day(instant: Any) -> str:
    return date_format(instant, "j N Y H:i") + " UTC" if instant else "–"


# --- requests -----------------------------------------------------------------------------------------------------


@needs("see_identity_requests", "identity_requests")
def requests(request: Request) -> HttpResponse:
    """Requests that concern this person."""
    rows = [
        [{"url": reverse("identity-request", args=[r.ref]), "text": r.ref}, {"status": r.status}, r.asked_body.name,
         words.purposes().get(r.purpose, r.purpose), _("imminent danger") if r.break_glass else "",
         r.asked_at.date().isoformat()]
        for r in access.requests(request.user)[:200]
    ]  # fmt: skip
    links = []
    if authority.allows(request.user, "see_seats", Place("seats")):
        links.append({"url": reverse("identity-seats"), "words": _("Identity seats")})
    if authority.allows(request.user, "escrow_room", Place("compartments")):
        links.append({"url": reverse("escrow-room"), "words": _("Put a compartment in escrow")})
    return render(
        request, "list.html",
        {"heading": _("Identity requests"), "links": links,
         "lead": _("Asked by one body, approved by another, answered by two custodians on machines of their own. She is told."),
         "tables": [{"title": "", "rows": rows,
                     "head": [_("Request"), _("State"), _("Asked by"), _("What for"), "", _("Asked")]}]},
    )  # fmt: skip


@needs("see_identity_requests", "identity_requests")
def ask(request: Request, ref: str) -> HttpResponse:
    """Ask for fields of the identity behind a claim."""
    found = [o for o in question("sealed_object").ask(ref) if o is not None]
    if not found or not request.user.roles & access.ASKERS:
        raise Http404
    obj = found[0]

    def act(data: dict[str, Any]) -> HttpResponse:
        made = actions.ask_identity(
            obj, fields=data["fields_"], purpose=data["purpose"], reason=data["reason"], recipient=data["recipient"],
            break_glass=data["reason"] in rules.DANGERS, by=request.user,
        )  # fmt: skip
        return done(request, _("Asked. An officer of another body decides."), "identity-request", made.ref)

    return form_page(request, AskForm(request.POST or None, by=request.user), heading=_("Ask for details of her identity"),
                     button=_("Ask"), act=act, cancel=reverse("by-ref", args=[ref]),
                     lead=_("Ask whether a message through her own door would do. She is told who asked, on which day, and what for."))  # fmt: skip


def _get(request: Request, ref: str) -> IdentityRequest:
    return get_object_or_404(access.requests(request.user), ref=ref)


@needs("see_identity_requests", "identity_requests")
def request(request: Request, ref: str) -> HttpResponse:
    """One request: its clock, who did what by office, and the steps that are open."""
    this = _get(request, ref)
    by = request.user
    facts = [
        (_("Claim"), this.subject), (_("Fields"), words.listed(this.fields)),
        (_("What for"), words.purposes().get(this.purpose, this.purpose)),
        (_("Why now"), words.reasons().get(this.reason, this.reason)),
        (_("Asked by"), f"{this.asked_body.name}, {_day(this.asked_at)}"),
        (_("Approved by"), f"{this.approved_body.name}, {_day(this.approved_at)}" if this.approved_body else "–"),
        (_("Waiting time ends"), _("none: imminent danger") if this.break_glass else _day(this.cool_until)),
        (_("Valid until"), _day(this.valid_until)), (_("Let go to the caseworker"), _day(this.released_at)),
        (_("Taken by"), ", ".join(this.taken.order_by("place").values_list("seat", flat=True)) or "–"),
        (_("Answer opened"), _day(this.answered_at)),
    ]  # fmt: skip
    if this.break_glass:
        facts.append((_("Review"), words.reviews().get(this.review) or _("not yet")))
    if this.released_at:
        facts.append((_("The vault's verifier key"), client.ask("signing_key")))
    names = {"approve_identity": _("Approve"), "refuse_identity": _("Refuse"), "cancel_identity": _("Take back"),
             "release_identity": _("Release"), "close_identity": _("Close")}  # fmt: skip
    shown = moves(by, this, names, lifecycle.REQUEST_MOVES, reverse("move-identity-request", args=[ref]))
    released = this.status in {lifecycle.RELEASED, lifecycle.ANSWERED}
    return render(
        request, "vault/custody/request.html",
        {"heading": _("Request to open an identity"), "object": this, "facts": facts,
         "due": {lifecycle.COOLING: this.cool_until, lifecycle.RELEASED: this.valid_until}.get(this.status),
         "may_take": released and authority.allows(by, "take_request", this) and this.taken.count() < 2
         and not this.taken.filter(person=by).exists(),
         "may_bring": this.status == lifecycle.RELEASED and authority.allows(by, "bring_answer", this), "locked": by.vault_session is None,
         "reviews": words.reviews() if this.released_at and not this.reviewed_at
         and authority.allows(by, "review_break_glass", this) else {},
         **shown, **chain(by, this.ref)},
    )  # fmt: skip


@require_POST
@needs("see_identity_requests", "identity_requests")
def move(request: Request, ref: str) -> HttpResponse:
    """Approve, refuse, take back, release, close."""
    this, name = _get(request, ref), request.POST.get("move", "")
    if name == "approve_identity":
        actions.approve_identity(this, by=request.user)
    elif name == "release_identity":
        actions.release(this, by=request.user)
    elif name in {"refuse_identity", "cancel_identity", "close_identity"}:
        actions.move_request(this, name, by=request.user)
    else:
        raise Http404
    return done(request, _("Done."), "identity-request", ref)


@require_POST
@needs("see_identity_requests", "identity_requests")
def take(request: Request, ref: str) -> HttpResponse:
    """The signed request, once, for a custodian's own machine."""
    return _file(actions.take_request(_get(request, ref), by=request.user), f"{ref}.request.json")


@require_POST
@needs("see_identity_requests", "identity_requests")
def review(request: Request, ref: str) -> HttpResponse:
    """What somebody who took no part finds."""
    actions.review_break_glass(_get(request, ref), request.POST.get("finding", ""), by=request.user)
    return done(request, _("The review is recorded."), "identity-request", ref)


@sensitive_variables("opened", "shown")
@needs("see_identity_requests", "identity_requests")
def answer(request: Request, ref: str) -> HttpResponse:
    """The one reader brings the custodians' answer; the fields are shown once and kept nowhere."""
    this = _get(request, ref)
    if not authority.allows(request.user, "bring_answer", this):
        raise Http404

    def act(data: dict[str, Any]) -> HttpResponse:
        if not request.user.vault_session:
            raise Refused(_("Your key is locked. Unlock it to read what is sealed."), reason="locked")
        brought = _brought(data["file"], reading.LARGEST)
        opened = client.ask("open_answer", token=request.user.vault_session, request=ref, answer=brought)
        shown = [(words.fields().get(name, name), text) for name, text in opened.items()]
        return render(request, "vault/custody/answer.html",
                      {"heading": _("The custodians' answer"), "shown": shown, "ref": ref})  # fmt: skip

    return form_page(request, OneFile(request.POST or None, request.FILES or None), heading=_("Bring the custodians' answer"),
                     button=_("Open it"), act=act, cancel=reverse("identity-request", args=[ref]),
                     lead=_("Take it from the custodians' own hands. Opening it leaves an entry in the record."))  # fmt: skip


# --- seats --------------------------------------------------------------------------------------------------------


@needs("see_seats")
def seats(request: Request) -> HttpResponse:
    """The three seats and what is in escrow."""
    by = request.user
    bodies = dict(Body.objects.values_list("ref", "name"))
    rows = [
        [
            s["name"],
            bodies.get(s["body"], "–"),
            reading.spelled(s["public_key_sha256"]),
            _("yes") if s["escrowed"] else _("not yet"),
        ]
        for s in client.ask("seats")
    ]
    tables = [{"title": _("Seats"), "head": [_("Seat"), _("Body"), _("Fingerprint"), _("In escrow")], "rows": rows}]
    kept = [
        [{"url": f"{reverse('escrow-file')}?secret={e['secret']}", "text": e["secret"]}, e["made_at"][:10],
         _("yes") if e["present"] else _("no: it has a new key since")]
        for e in client.ask("escrows")
    ]  # fmt: skip
    tables.append({"title": _("In escrow"), "head": [_("Key"), _("Since"), _("Still the present key")], "rows": kept})
    found = [
        [{"url": reverse("restore", args=[r.ref]), "text": r.ref}, r.room, {"status": r.status}]
        for r in access.restores(by)[:50]
    ]
    tables.append({"title": _("Ceremonies"), "head": [_("Ceremony"), _("Compartment"), _("State")], "rows": found})
    links, own = [], access.seat_of(by)
    if len(rows) < 3 and authority.allows(by, "fill_seat", Place("seats")):
        links.append({"url": reverse("fill-seat"), "words": _("Fill a seat")})
    if own:
        links += [{"url": reverse("seat-handover"), "words": _("Hand over your seat")},
                  {"url": reverse("seat-escrow"), "words": _("Keep your seat's escrow record")}]  # fmt: skip
    links.append({"url": reverse("escrow-key"), "words": _("Your key for holding pieces")})
    if authority.allows(by, "ask_restore", Place("compartments")):
        links.append({"url": reverse("ask-restore"), "words": _("Ask for a compartment's key to come back")})
    lead = _(
        "Three seats in three bodies; any two open an identity, none alone, and no server. The vault's verifier key: %(key)s"
    )
    return render(request, "list.html", {"heading": _("Identity seats"), "tables": tables, "links": links,
                                         "lead": lead % {"key": client.ask("signing_key")}})  # fmt: skip


@needs("fill_seat", "seats")
def fill(request: Request) -> HttpResponse:
    """Fill a seat with the public key that its holder made."""

    def act(data: dict[str, Any]) -> HttpResponse:
        name, public = seating.open_seat_public(_brought(data["file"], 16 * 1024))
        fingerprint = vault.fill_seat(name, data["body"].ref, public, by=request.user)
        said = _("The seat is filled. Compare the fingerprint with its holder by voice: %(fingerprint)s")
        return done(request, said % {"fingerprint": reading.spelled(fingerprint)}, "identity-seats")

    return form_page(request, SeatForm(request.POST or None, request.FILES or None), heading=_("Fill a seat"), button=_("Fill"),
                     act=act, cancel=reverse("identity-seats"),
                     lead=_("Give the file seat.pub that its holder made with: answerable custodian new-seat"))  # fmt: skip


def _own_seat(request: Request) -> str:
    seat = access.seat_of(request.user)
    if not seat:
        raise Http404
    if not request.user.vault_session:
        raise Refused(_("Your key is locked. Unlock it to read what is sealed."), reason="locked")
    return seat


@require_POST
@needs("hand_seat_over", "seats")
def blocks(request: Request) -> HttpResponse:
    """This seat's blocks as the file that the custodian program hands over. Ciphertext only."""
    seat, token = _own_seat(request), request.user.vault_session

    def lines() -> Iterator[bytes]:
        after = ""
        while True:
            some = client.ask("seat_blocks", token=token, seat=seat, after=after)
            yield some["lines"]
            after = some["next"]
            if not after:
                return

    return _file(b"".join(lines()), "blocks.jsonl")


@needs("hand_seat_over", "seats")
def handover(request: Request) -> HttpResponse:
    """Take the blocks away, and bring them back sealed to the next key."""
    seat = _own_seat(request)

    def act(data: dict[str, Any]) -> HttpResponse:
        for number, part in enumerate(data["file"].chunks(seatkeys.PART_SIZE)):
            client.ask("handover_part", token=request.user.vault_session, seat=seat, number=number, data=part)
        made = actions.take_in_handover(seat, by=request.user)
        said = _("The seat has its new key, %(fingerprint)s. Destroy the old one now.")
        return done(request, said % {"fingerprint": reading.spelled(made["new_sha256"])}, "identity-seats")

    form = OneFile(request.POST or None, request.FILES or None)
    if request.method == "POST":
        return form_page(request, form, heading=_("Hand over your seat"), button=_("Take in"), act=act,
                         cancel=reverse("identity-seats"))  # fmt: skip
    return render(
        request, "vault/custody/handover.html", {"heading": _("Hand over your seat"), "seat": seat, "form": form}
    )


@needs("record_escrow", "seats")
def seat_escrow(request: Request) -> HttpResponse:
    """Keep the escrow record of one's own seat."""
    seat = _own_seat(request)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.record_escrow(seat, _brought(data["file"], escrow.LARGEST), by=request.user)
        return done(request, _("The escrow record is kept."), "identity-seats")

    return form_page(request, OneFile(request.POST or None, request.FILES or None), heading=_("Keep your seat's escrow record"),
                     button=_("Keep"), act=act, cancel=reverse("identity-seats"),
                     lead=_("Made on your own machine with: answerable custodian escrow-split"))  # fmt: skip


# --- escrow of compartments ---------------------------------------------------------------------------------------


@needs("enter_escrow_key", "seats")
def escrow_key(request: Request) -> HttpResponse:
    """Enter the public key under which one will hold pieces."""

    def act(data: dict[str, Any]) -> HttpResponse:
        if not request.user.vault_session:
            raise Refused(_("Your key is locked. Unlock it to read what is sealed."), reason="locked")
        fingerprint = actions.enter_escrow_key(_brought(data["file"], 16 * 1024), by=request.user)
        said = _("Your key is entered. Compare its fingerprint: %(fingerprint)s")
        return done(request, said % {"fingerprint": reading.spelled(fingerprint)}, "today")

    lead = _("Make it on a machine of your own with: answerable custodian new-seat; bring its seat.pub.")
    for held in client.ask("escrow_officers"):
        if held["person"] == request.user.ref:
            lead = _(
                "The key entered in your name is “%(name)s”, %(fingerprint)s. Compare it with your own seat.pub; if it is "
                "another, enter yours here and tell the inspectors."
            ) % {"name": held["name"], "fingerprint": reading.spelled(held["public_key_sha256"])}
    return form_page(request, OneFile(request.POST or None, request.FILES or None), heading=_("Your key for holding pieces"),
                     button=_("Enter"), act=act, cancel=reverse("today"), lead=lead)  # fmt: skip


@needs("enter_escrow_key", "seats")
def escrow_file(request: Request) -> HttpResponse:
    """An escrow record, for an officer to open their own piece with; without a name, which there are."""
    secret = request.GET.get("secret", "")[:100]
    if not secret:
        rows = [
            [{"url": f"?secret={e['secret']}", "text": e["secret"]}, e["made_at"][:10]] for e in client.ask("escrows")
        ]
        table = {"title": "", "head": [_("Key"), _("Since")], "rows": rows}
        return render(request, "list.html", {"heading": _("In escrow"), "tables": [table]})
    return _file(client.ask("escrow_record", token=vault.token_of(request.user), secret=secret), "key.escrow")


class RoomForm(forms.Form):
    needed = forms.IntegerField(
        label=gettext_lazy("How many of them bring it back"), min_value=2, max_value=5, initial=3
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["room"] = forms.ChoiceField(
            label=_("Compartment"), choices=[(r["name"], r["name"]) for r in client.ask("rooms")]
        )
        held = [o["person"] for o in client.ask("escrow_officers")]
        self.fields["officers"] = forms.ModelMultipleChoiceField(
            label=_("Officers, of at least three bodies"), widget=forms.CheckboxSelectMultiple,
            queryset=Person.objects.filter(ref__in=held, is_active=True).order_by("name"),
        )  # fmt: skip


@needs("escrow_room", "compartments")
def escrow_room(request: Request) -> HttpResponse:
    """Split the key of a compartment one reads over officers."""

    def act(data: dict[str, Any]) -> HttpResponse:
        if not request.user.vault_session:
            raise Refused(_("Your key is locked. Unlock it to read what is sealed."), reason="locked")
        actions.escrow_room(data["room"], list(data["officers"]), data["needed"], by=request.user)
        return done(request, _("The compartment's key is in escrow."), "today")

    return form_page(request, RoomForm(request.POST or None), heading=_("Put a compartment in escrow"), button=_("Split"),
                     act=act, cancel=reverse("today"))  # fmt: skip


class RestoreForm(forms.Form):
    leader = forms.ModelChoiceField(
        label=gettext_lazy("Who leads it and will read the compartment"),
        queryset=Person.objects.filter(is_active=True).exclude(body__kind=Body.DELEGATION).order_by("name"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rooms = [e["secret"].removeprefix("room: ") for e in client.ask("escrows") if e["secret"].startswith("room: ")]
        self.fields["room"] = forms.ChoiceField(label=_("Compartment"), choices=[(r, r) for r in rooms])


@needs("ask_restore", "compartments")
def ask_restore(request: Request) -> HttpResponse:
    """Ask for a ceremony."""

    def act(data: dict[str, Any]) -> HttpResponse:
        made = actions.ask_restore(data["room"], data["leader"], by=request.user)
        return done(request, _("Asked. An officer of another body confirms; then 48 hours pass."), "restore", made.ref)

    return form_page(request, RestoreForm(request.POST or None), heading=_("Ask for a compartment's key to come back"),
                     button=_("Ask"), act=act, cancel=reverse("identity-seats"))  # fmt: skip


class Several(forms.ClearableFileInput):
    allow_multiple_selected = True


class Pieces(forms.Form):
    pieces = forms.FileField(label=gettext_lazy("The officers' sealed pieces"), widget=Several(), required=False)


@needs("see_today")
def restore(request: Request, ref: str) -> HttpResponse:
    """One ceremony: confirm, stop, or bring the pieces together."""
    this: RoomRestore = get_object_or_404(access.restores(request.user), ref=ref)
    by, name = request.user, request.POST.get("move", "")
    if request.method == "POST":
        if name == "confirm_restore":
            actions.confirm_restore(this, by=by)
        elif name == "cancel_restore":
            actions.cancel_restore(this, by=by)
        else:
            pieces = [_brought(f, reading.LARGEST) for f in request.FILES.getlist("pieces")[:9]]
            actions.bring_pieces(this, pieces, by=by)
        return done(request, _("Done."), "restore", ref)
    facts = [(_("Compartment"), this.room), (_("Leads"), this.leader.name), (_("Asked by"), this.asked_body.name),
             (_("Confirmed by"), this.confirmed_body.name if this.confirmed_body else "–"),
             (_("Not before"), _day(this.ready_at)), (_("Done"), _day(this.done_at))]  # fmt: skip
    names = {"confirm_restore": _("Confirm"), "cancel_restore": _("Stop")}
    shown = moves(by, this, names, lifecycle.RESTORE_MOVES, reverse("restore", args=[ref]), refusable=False)
    return render(
        request, "vault/custody/restore.html",
        {"heading": _("A compartment's key comes back"), "object": this, "facts": facts, "form": Pieces(),
         "leads": this.leader_id == by.pk and this.status == lifecycle.CONFIRMED, "locked": by.vault_session is None, **shown,
         **chain(by, this.ref)},
    )  # fmt: skip


@needs("see_today")
def leader_key(request: Request, ref: str) -> HttpResponse:
    """The leader's public key, which officers seal their pieces to."""
    this = get_object_or_404(access.restores(request.user), ref=ref)
    return _file(client.ask("person_public", person=this.leader.ref), "leader.pub")
