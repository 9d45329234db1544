"""The neutral door: health and rights information, and a two-way conversation for whoever wants one.

The process has no database: each view asks the vault one thing. Every form is answered by 303 and a page of its own at a
constant address; no page works differently without script.
"""

from __future__ import annotations

import base64
import functools
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from answerable.alliance.days import listed
from answerable.authority.pages import public_page
from answerable.channel import codes, guard, languages, page, steps
from answerable.common.errors import Refused
from answerable.safeguarding import views_door
from answerable.vault.client import ask
from answerable.vault.uploads import intake
from answerable.vault.uploads.sentences import UploadRefused

LARGEST_SEALED = 100_000
View = Callable[[HttpRequest], HttpResponse]
# Where something is written, the module that seals may be fetched from here.
writing_page = csp_update({"script-src": ["'self'"]})


def _token(request: HttpRequest) -> str:
    return request.COOKIES.get(guard.cookie_name(), "")[:64]


def _page(request: HttpRequest, name: str, **context: Any) -> HttpResponse:
    return render(request, f"channel/{name}.html", context)


def _go(name: str, token: str | None = None) -> HttpResponse:
    response = HttpResponseRedirect(reverse(name))
    response.status_code = 303
    if token is not None:
        response.set_cookie(guard.cookie_name(), token, httponly=True, secure=settings.SECURE, samesite="Strict")
    return response


def _look(request: HttpRequest) -> dict[str, Any]:
    token = _token(request)
    found: dict[str, Any] = ask("door_look", token=token) if token else {"level": "gone"}
    return found


def lock() -> dict[str, str]:
    """The lock that browsers put on what is written: the vault's own public key, and its fingerprint in groups."""
    found: dict[str, Any] = ask("door_key")
    digits = found["sha256"]
    return {
        "key": base64.b64encode(found["key"]).decode(),
        "print": " ".join(digits[i : i + 8] for i in range(0, len(digits), 8)),
    }


def _sealed(request: HttpRequest) -> bytes:
    """What the browser sealed; empty where it could not, and the words came as they are."""
    try:
        return base64.b64decode(request.POST.get("sealed", "")[:LARGEST_SEALED], validate=True)
    except ValueError:
        return b""


def _told(request: HttpRequest, op: str, **args: Any) -> Any:
    """Ask, and leave a refusal's sentence for the next page. Raises Refused when there is no next page for it."""
    try:
        return ask(op, token=_token(request), **args)
    except Refused as no:
        if no.reason in ("busy", "vault_away", "vault_late", "gone", "door", "full"):
            raise
        ask("door_said", token=_token(request), sentence=str(no))
        return None


def on_the_grid(view: View) -> View:
    """Answer at fixed moments only, so that how long something took cannot be measured from outside."""

    @functools.wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        began, grid = time.monotonic(), settings.CHANNEL_GRID_SECONDS
        try:
            return view(request)
        finally:
            spent = time.monotonic() - began
            time.sleep(max(settings.CHANNEL_FLOOR_SECONDS, math.ceil(spent / grid) * grid) - spent)

    return answered


# --- anyone -------------------------------------------------------------------------------------------------------


@public_page
@require_GET
def information(request: HttpRequest) -> HttpResponse:
    """One calm page: what helps now, what is whose right, and what one can do here."""
    return _page(request, "start")


@public_page
@require_GET
def organisations(request: HttpRequest) -> HttpResponse:
    """How organisations that document work with this door."""
    return _page(request, "organisations")


@public_page
@require_GET
def leave(request: HttpRequest) -> HttpResponse:
    """Out: the session is forgotten, the browser is asked to forget this site, and the weather comes next."""
    if token := _token(request):
        try:
            ask("door_leave", token=token)
        except Refused:
            pass  # a vault that does not answer shows nothing either; leaving comes first
    response = _page(request, "leave")
    # A field device's reports wait in its storage, locked: leaving does not throw them away.
    if "saved" in request.COOKIES:
        response["Clear-Site-Data"] = '"cache"'
        response.delete_cookie(guard.cookie_name(), samesite="Strict")
    else:
        response["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return response


@public_page
@require_GET
def ended(request: HttpRequest) -> HttpResponse:
    """After something was closed or forgotten for good: one sentence that says so, and nothing of what it was."""
    response = _page(request, "ended")
    # Reports that wait in a field device's storage stay: here nobody asked the browser to forget them.
    response["Clear-Site-Data"] = '"cache"'
    if guard.cookie_name() in request.COOKIES:
        response.delete_cookie(guard.cookie_name(), samesite="Strict")
    return response


@public_page
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Another language, carried in the addresses from here on: nothing is put into the browser for it."""
    chosen = request.POST.get("language", "")
    if chosen not in dict(settings.LANGUAGES):
        return _go("information")
    response = HttpResponseRedirect(languages.first_page(chosen))
    response.status_code = 303
    return response


@public_page
@require_GET
def sealing_module(request: HttpRequest) -> HttpResponse:
    """The module with which a browser seals: one text, the same for everyone, kept nowhere."""
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(page.packed_module() if packed else page.module(), content_type="text/javascript")
    if packed:
        response["Content-Encoding"] = "gzip"
    return response


def _calm(**why: bool) -> View:
    """A page that says calmly why something cannot be now, the same for everyone, whatever was typed."""

    @public_page
    @require_GET
    def calm(request: HttpRequest) -> HttpResponse:
        return _page(request, "calm", **why)

    return calm


# Too many people just now, or the vault is away.
busy = _calm(busy=True)
# The vault was asked and did not answer in time: it may be done.
late = _calm(late=True)
# The disk is full: what was sent could not be kept.
no_room = _calm(full=True)
# The page was open too long, or cannot be reached this way.
closed = _calm()


@public_page
@require_GET
def too_long(request: HttpRequest) -> HttpResponse:
    """What was sent is more than is taken at once; what was written before is still there."""
    return _page(request, "calm", long=True, token_held=bool(_token(request)))


@public_page
def missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """No such page, or a fault of ours: the calm page, which names nobody."""
    response = _page(request, "calm", busy=exception is None)
    response.status_code = 500 if exception is None else 404
    return response


# --- with a code --------------------------------------------------------------------------------------------------


@sensitive_post_parameters()
def _try(request: HttpRequest) -> HttpResponse:
    token = ask("door_enter", code=request.POST.get("code", "")[:120], pin=request.POST.get("pin", "")[:40])
    return _go("inside", token)


_on_the_grid = on_the_grid(_try)


@public_page
def enter(request: HttpRequest) -> HttpResponse:
    """Type the code, and the PIN if there is one."""
    if request.method == "POST":
        typed = codes.read(request.POST.get("code", "")[:120])
        if typed is None or codes.pin(request.POST.get("pin", "")[:40]) is None:
            return _go("enter-again")  # a slip of the pen, said at once; nothing was looked for
        return _on_the_grid(request)
    return _page(request, "enter", again=False)


@public_page
@require_GET
def enter_again(request: HttpRequest) -> HttpResponse:
    """The code was mistyped: its check digits do not agree."""
    return _page(request, "enter", again=True)


@public_page
@require_GET
@writing_page
def inside(request: HttpRequest) -> HttpResponse:
    """What is new, or her own page. A code that opened nothing and one with nothing new see the same."""
    seen = _look(request)
    if seen["level"] in ("gone", "begin", "received"):
        return _page(request, "calm", gave_way=bool(seen.get("gave_way")))
    if seen["level"] == "fresh":
        return _go("code")
    # What she wrote herself is not put before her, or whoever holds the telephone, unless she asks for it.
    answers = [m for m in (seen.get("page") or {}).get("messages", ()) if not m["hers"]]
    return _page(request, "inside", seen=seen, answers=answers, lock=lock())


@public_page
@require_POST
@on_the_grid
def write_inside(request: HttpRequest) -> HttpResponse:
    """A message from inside, or a correction of one's own file."""
    kind = "correction" if request.POST.get("kind") == "correction" else "message"
    _told(request, "door_write", text=request.POST.get("text", ""), kind=kind, sealed=_sealed(request))
    return _go("inside")


@public_page
@require_POST
def send_file(request: HttpRequest) -> HttpResponse:
    """A picture or a document: sealed under a key of its own before anything of it is on a disk."""
    token = _token(request)
    file = request.FILES.get("file")
    if file is None:
        ask(
            "door_said",
            token=token,
            sentence=_("No file came, or it was larger than 12 MB. Send it in parts, or smaller."),
        )
        return _go("inside")
    if _told(request, "door_room", size=file.size or 0) is None:
        return _go("inside")
    folder = Path(settings.QUARANTINE)
    folder.mkdir(mode=0o770, exist_ok=True)
    try:
        received = intake.receive(
            cast(BinaryIO, file), folder, declared_name=file.name or "", declared_type=file.content_type or ""
        )
    except UploadRefused as no:
        ask("door_said", token=token, sentence=no.in_words(_))
        return _go("inside")
    taken = False
    try:
        received.path.chmod(0o640)  # the vault reads it, as a member of the folder's group
        taken = bool(
            _told(request, "door_attach", stored=received.path.name, kind=received.kind, key=received.key,
                  salt=received.salt, name=received.name, commitment=received.commitment)
        )  # fmt: skip
    finally:
        if not taken:
            intake.discard(received.path)
    return _go("inside")


@public_page
@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    """One step, no reason asked."""
    _told(request, "door_withdraw", purposes=request.POST.getlist("purpose"))
    return _go("inside")


@public_page
def choice(request: HttpRequest) -> HttpResponse:
    """Before she gives a purpose, or takes one or everything back: once, what follows from it; then yes or no."""
    if request.method == "POST":
        act = "give" if request.POST.get("act") == "give" else "withdraw"
        if _told(request, "door_choose", act=act, purpose=request.POST.get("purpose", "")[:20]) is None:
            return _go("inside")
        return _go("choice")
    seen, asked = _look(request), ask("door_choice", token=_token(request))
    if seen["level"] != "page" or not asked:
        return _go("inside")
    return _page(request, "choice", seen=seen, asked=asked)


@public_page
@require_POST
def give(request: HttpRequest) -> HttpResponse:
    """She gives a purpose whose meaning she was shown."""
    understood = request.POST.get("understood") == "yes"
    if _told(request, "door_give", purpose=request.POST.get("purpose", "")[:20], understood=understood) is None:
        return _go("choice")
    return _go("inside")


@public_page
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """She changes her mind about a withdrawal."""
    _told(request, "door_undo", withdrawal=request.POST.get("withdrawal", "")[:60])
    return _go("inside")


@public_page
@require_POST
def pin(request: HttpRequest) -> HttpResponse:
    """Another PIN."""
    _told(request, "door_pin", code=request.POST.get("code", "")[:120], pin=request.POST.get("pin", "")[:40])
    return _go("inside")


@public_page
@require_GET
def statement(request: HttpRequest) -> HttpResponse:
    """Her file as plain text."""
    text = ask("door_statement", token=_token(request))
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@public_page
@require_POST
def close_door(request: HttpRequest) -> HttpResponse:
    """Close this door for good, once it was confirmed."""
    if request.POST.get("sure") != "yes":
        ask(
            "door_said",
            token=_token(request),
            sentence=_("Nothing was closed. To close this door, tick the box first."),
        )
        return _go("inside")
    return _go("inside") if _told(request, "door_close") is None else _go("ended")


def _where(request: HttpRequest) -> str:
    """Where she was, for a way back; the first page for whoever came from nowhere."""
    token = _token(request)
    return (ask("door_where", token=token) if token else "") or "information"


@public_page
@sensitive_post_parameters()
def complaint(request: HttpRequest) -> HttpResponse:
    """A complaint, past everyone on the case team; whoever wants an answer gets a code of its own for it."""
    token, answer = _token(request), request.POST.get("answer") == "yes"

    def send(**written: Any) -> HttpResponse:
        made = ask("door_complain", token=token, answer=answer, pin=request.POST.get("pin", "")[:40],
                   once=request.POST.get("once", "")[:40], **written)  # fmt: skip
        return _go("code" if answer else "door-complaint-received", made)

    return views_door.take_complaint(request, send, back=_where(request))


@public_page
@require_GET
def complaint_received(request: HttpRequest) -> HttpResponse:
    """It was received: the number, for whoever just sent it, and what happens next."""
    seen = _look(request)
    return views_door.received(
        request, number=str(seen.get("told") or "") if seen.get("said") == "complaint" else "", back=_where(request)
    )


@public_page
def care(request: HttpRequest) -> HttpResponse:
    """Where help is, for anyone, with the way back to where she was."""
    return views_door.care(request, back=_where(request))


@public_page
@require_GET
def moved(request: HttpRequest) -> HttpResponse:
    """An address that said what was done there: it leads on, and no browser keeps that it does."""
    return _go("door-complaint")


# --- writing ------------------------------------------------------------------------------------------------------


@public_page
def begin(request: HttpRequest) -> HttpResponse:
    """What one can do here. Beginning stores nothing."""
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        if kind not in ("tell", "ask", "help", "claim", "report"):
            return _go("begin")
        if not _token(request):
            return _go("write", ask("door_begin", kind=kind, token=""))
        begun = _told(request, "door_begin", kind=kind)
        return _go("write", begun) if begun else _go("inside")
    return _page(request, "begin", readers=ask("door_readers", kind="tell"))


@public_page
@writing_page
def write(request: HttpRequest) -> HttpResponse:
    """One question; the address never changes."""
    seen = _look(request)
    if not seen.get("writing"):
        return _go("inside")
    questions = steps.steps_of(seen["kind"], has_code=seen["has_code"])
    at = max(0, min(seen.get("at") or 0, len(questions)))
    given = (
        ask("door_choices", token=_token(request)) if at < len(questions) and questions[at].source == "given" else {}
    )
    if request.method == "POST":
        return _written(request, seen, questions, at, given)
    if at == len(questions):
        given = ask("door_choices", token=_token(request)) if any(q.source == "given" for q in questions) else {}
        readers = ask("door_readers", kind=seen["kind"])
        return _page(request, "send", seen=seen, said=_her_words(seen, questions, given), at=at, readers=readers)
    step = questions[at]
    return _page(request, "step", seen=seen, step=step, at=at, number=at + 1, of=len(questions),
                 choices=step.choices(given), value=seen["answers"].get(step.name, ""), pin_chosen=seen["pin_chosen"],
                 kept=step.name in seen["kept"], lock=lock() if step.locked else None)  # fmt: skip


def _her_words(seen: dict[str, Any], questions: list[steps.Step], given: Any) -> list[dict[str, Any]]:
    """What she answered, in her words or those she chose; what her browser sealed is only named, a PIN never shown."""
    said = []
    for q in questions:
        value = seen["answers"].get(q.name)
        if q.shape == "care" or not (
            value or q.name in seen["said_something"] or q.shape == "pin" and seen["pin_chosen"]
        ):
            continue
        words = dict(q.choices(given))
        chosen = value if isinstance(value, list) else [value]
        text = listed(str(words.get(v, v)) for v in chosen)
        if q.shape == "yes":
            text = _("Yes")
        if q.shape == "pin":
            text = _("A PIN is chosen; it is not shown.")
        if q.name in seen["kept"]:
            text = _(
                "Your browser locked this before it left. It is kept, and cannot be shown here; go back to write it anew."
            )
        said.append({"heading": q.heading, "words": text})
    return said


def _value(request: HttpRequest, step: steps.Step) -> Any:
    if step.shape == "many":
        return request.POST.getlist("a")[:60]
    text = request.POST.get("a", "")[:20_000]
    if step.shape in ("pin", "number"):
        return codes.digits_of(text) if codes.digits_of(text) is not None else text[:20]
    return "yes" if step.shape == "care" else text.strip()[: 20_000 if step.shape == "long" else 120]


def _written(
    request: HttpRequest, seen: dict[str, Any], questions: list[steps.Step], at: int, given: Any
) -> HttpResponse:
    act, token = request.POST.get("act", "next"), _token(request)
    if act == "stop":
        ask("door_stop", token=token)
        return _go("inside" if seen["has_code"] else "ended")
    if at < len(questions) and request.POST.get("at") == str(at):
        step = questions[at]
        value, sealed = _value(request, step), _sealed(request) if step.locked else b""
        if step.name in seen["kept"] and not value and not sealed and act != "skip":
            value = steps.KEPT
        if act == "skip":
            value, sealed = [] if step.shape == "many" else "", b""
        to = {"back": max(0, at - 1), "save": at}.get(act, at + 1)
        wrong = str(step.problem(steps.KEPT if sealed else value, given)) if act in ("next", "skip") else ""
        if step.shape == "pin" and wrong:
            value = ""
        # An empty field leaves the PIN that was chosen before; it is never shown again, so it cannot come back in it.
        stays = step.shape == "pin" and not value and not wrong and act != "skip"
        taken = _told(request, "door_answer", name="" if stays else step.name, value=value, at=at if wrong else to,
                      wrong=wrong, sealed=sealed)  # fmt: skip
        if wrong or not taken:
            return _go("write")
    elif act == "back":
        ask("door_answer", token=token, name="", value="", at=max(0, at - 1))
    if act in ("save", "send"):
        return _go(_told(request, "door_save" if act == "save" else "door_send") or "write")
    return _go("write")


@public_page
@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """Go on with what was saved."""
    return _go("inside" if _told(request, "door_resume") is None else "write")


@public_page
def code(request: HttpRequest) -> HttpResponse:
    """The code, once, in large digits; then typed back, to see that it was written down right."""
    seen = _look(request)
    if seen["level"] != "fresh":
        return _go("inside")
    if request.method == "POST":
        what = request.POST.get("what", "")
        if what in ("written", "again"):
            _told(request, "door_code", what=what)
            return _go("code")
        if not _told(request, "door_code", what="check", typed=request.POST.get("code", "")[:120]):
            ask("door_said", token=_token(request), sentence="different")
            return _go("code")
        return _go("inside")
    return _page(request, "code", seen=seen)
