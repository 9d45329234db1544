"""Watch: reports side by side, searches for duplicates, armed actors, lines of command."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from answerable.alliance.days import day_words, listed
from answerable.alliance.models import Body
from answerable.authority import engine as authority
from answerable.authority.pages import Request, Uncounted, done, form_page, needs
from answerable.authority.principals import Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.references import normalise
from answerable.common.tables import label
from answerable.engines.linkage import incidents as linkage
from answerable.engines.linkage import names
from answerable.monitoring import access as monitoring
from answerable.monitoring import days
from answerable.monitoring.linking import access, actions, forms, queries, rules, sentences
from answerable.monitoring.linking.models import Actor, Command, DuplicateSearch, LinkPair, Subordination
from answerable.monitoring.models import Incident, Party
from answerable.monitoring.patterns.rules import possible_days
from answerable.record.pages import chain

PER_PAGE = 25


def shown(pair: LinkPair) -> dict[str, Any]:
    """A pair for a list: how likely, its strongest reason, where it stands."""
    reasons = sentences.reasons(pair.reasons)
    return {
        "pair": pair,
        "likely": sentences.probability(pair),
        "reasons": reasons,
        "because": reasons[0]["says"] if reasons else "",
        "said": actions.said(pair.decision),
    }


@needs("see_links")
def links(request: Request) -> HttpResponse:
    """Pairs to look at, those asked for first; or what was decided."""
    found = access.pairs(request.user).select_related("first__party", "second__party", "situation")
    what = request.GET.get("show", "")
    if what in rules.DECISIONS:
        found = found.filter(decision=what).order_by("-decided_at")
    else:
        what = ""
        found = found.filter(decision="", bits__gte=linkage.SHOWN).order_by("asked_at", "-bits", "id")
    page = Uncounted(found, PER_PAGE).page_of(request.GET.get("page"))
    changed = [p for p in access.pairs(request.user).exclude(decision__in=["", LinkPair.SAME])[:500] if p.facts_changed]
    return render(
        request, "monitoring/linking/links.html",
        {"page": page, "rows": [shown(p) for p in page["rows"]], "show": what, "query": f"show={what}&" if what else "",
         "changed": [shown(p) for p in changed[:PER_PAGE]],
         "decisions": [(d, actions.said(d)) for d in rules.DECISIONS],
         "may_search": authority.allows(request.user, "see_searches", Place("searches")),
         "may_agree": authority.allows(request.user, "note_agreement", Place("agreements"))},
    )  # fmt: skip


def _fact(name: str, first: str, second: str, *, may_agree: bool = False) -> dict[str, Any]:
    return {"name": name, "first": first or "–", "second": second or "–", "same": first == second,
            "neither": not (first or second), "may_agree": may_agree and first != second}  # fmt: skip


def _labels(list_name: str, codes: list[str]) -> str:
    return ", ".join(label(list_name, c, get_language() or "en") for c in sorted(codes))


def _victims(i: Incident) -> str:
    """How many, with the range where one was given."""
    return str(i.victims) if i.victims_min == i.victims_max else f"{i.victims} ({i.victims_min}–{i.victims_max})"


def _facts(a: Incident, b: Incident) -> list[dict[str, Any]]:
    """Coded facts of two reports beside each other."""
    rows = [
        (_("First-level area"), lambda i: i.area1),
        (_("Second-level area"), lambda i: i.area2),
        # In the order of names, so that the same actors are the same fact.
        (_("Actor"), lambda i: listed(sorted(p.name for p in i.actors))),
        (_("Forms of violence"), lambda i: _labels("violence_form", i.forms)),
        (_("Links to the conflict"), lambda i: _labels("conflict_link", i.links)),
        (_("Settings"), lambda i: _labels("setting", i.settings)),
        (_("Consequences"), lambda i: _labels("consequence", i.consequences)),
        (_("Survivors and victims"), _victims),
        (_("Level"), lambda i: i.shown_level),
        (_("Items that count"), lambda i: str(sum(x.live for x in i.items.all()))),
        (_("Reported by"), lambda i: i.organisation.name),
        (_("Filed"), lambda i: day_words(i.submitted_at)),
    ]
    # Two dates of which one is rough differ only when no day is possible for both.
    (a_first, a_last), (b_first, b_last) = (possible_days(i.on, i.precision, i.earliest, i.latest) for i in (a, b))
    meet = a_first <= b_last and b_first <= a_last
    day = _fact(_("Day"), days.when_words(a), days.when_words(b), may_agree=meet)
    state = {**_fact(_("State"), a.status, b.status), "code": True}
    return [day, *(_fact(name, of(a), of(b)) for name, of in rows), state]


@needs("see_links")
def link(request: Request, ref: str) -> HttpResponse:
    """Two reports side by side, why they may be one, and the decision."""
    pair = monitoring.get(access.pairs(request.user), ref)
    return _pair_page(request, pair)


def _pair_page(request: Request, pair: LinkPair, refused: str = "", status: int = 200) -> HttpResponse:
    both: dict[int, Incident] = {
        i.pk: i
        for i in monitoring.incidents(request.user).with_actors().select_related("organisation", "situation")
        .prefetch_related("items").filter(pk__in=[pair.first_id, pair.second_id])
    }  # fmt: skip
    if len(both) != 2:
        raise Http404
    first, second = both[pair.first_id], both[pair.second_id]
    better = rules.best_record(queries.record_facts(first), queries.record_facts(second))
    facts = _facts(first, second)
    # Linked, the incident counts for the actors of the better record, so what the other alone names is said beforehand.
    names = (
        (a.ref, listed(p.name for p in a.actors if p not in b.actors)) for a, b in ((first, second), (second, first))
    )
    alone = [(ref, said) for ref, said in names if said]
    return render(
        request, "monitoring/linking/link.html",
        {**shown(pair), "first": first, "second": second, "facts": facts, "alone": alone, "differences": sum(not f["same"] and not f["may_agree"] for f in facts),
         "better": better, "refused": refused, "weights": pair.weights,
         "prior": sentences.strength(queries.weights_for(pair.situation_id).prior_bits),
         "given": [sentences.why(w) for w in pair.why],
         "choices": [{"code": d, "words": actions.said(d).capitalize(),
                      "reasons": [(r, sentences.why(r)) for r in rules.REASONS[d]]} for d in rules.DECISIONS],
         "counts": queries.situation_counts(pair.situation) if pair.decision == LinkPair.SAME else None,
         "may_decide": authority.allows(request.user, "decide_link", pair), **chain(request.user, pair.ref)},
        status=status,
    )  # fmt: skip


def _turn(request: Request) -> int:
    text = request.POST.get("turn", "")
    return int(text) if text.isdigit() and len(text) < 9 else -1


@require_POST
@needs("see_links")
def decide(request: Request, ref: str) -> HttpResponse:
    """Same, not the same, or unsure."""
    pair = monitoring.get(access.pairs(request.user), ref)
    decision = request.POST.get("decision", "")
    kept = None
    if decision == LinkPair.SAME and request.POST.get("kept"):
        kept = monitoring.get(monitoring.incidents(request.user), request.POST["kept"])
    try:
        actions.decide_link(
            pair,
            decision=decision,
            why=request.POST.getlist(f"why_{decision}"),
            turn=_turn(request),
            kept=kept,
            by=request.user,
        )
    except Refused as no:
        if no.reason not in {"reason", "overtaken", "lifecycle", "situation", "decision", "linked", "kept"}:
            raise
        pair.refresh_from_db()
        return _pair_page(request, pair, str(no), 409)
    return done(request, _("Decided: %(what)s.") % {"what": actions.said(decision)}, "link", pair.ref)


@require_POST
@needs("see_links")
def undo(request: Request, ref: str) -> HttpResponse:
    """Take a decision back."""
    pair = monitoring.get(access.pairs(request.user), ref)
    actions.undo_link(pair, turn=_turn(request), by=request.user)
    return done(request, _("The decision is taken back; the two reports stand on their own."), "link", pair.ref)


@require_POST
@needs("see_incidents")
def ask_to_compare(request: Request, ref: str) -> HttpResponse:
    """A partner asks the alliance to compare."""
    incident = monitoring.get(monitoring.incidents(request.user), ref)
    body = Body.objects.filter(ref=normalise(request.POST.get("organisation", ""))).first() or Body()
    actions.ask_to_compare(incident, body, by=request.user)
    return done(request, _("The alliance's monitoring is asked to compare."), "incident", incident.ref)


@needs("see_searches")
def searches(request: Request) -> HttpResponse:
    """Searches for reports told twice: how far, what was found, what was left out."""
    rows = access.searches(request.user).select_related("situation", "asked_by")[:50]
    return render(
        request,
        "monitoring/linking/searches.html",
        {"rows": rows, "running": any(r.status in {"WAITING", "RUNNING"} for r in rows)},
    )


@require_POST
@needs("see_searches")
def start_search(request: Request, ref: str) -> HttpResponse:
    """Ask for a search through a situation."""
    situation = monitoring.get(monitoring.situations(request.user), ref)
    actions.start_search(situation, by=request.user)
    return done(request, _("The search is asked for; it begins within a minute."), "searches")


@require_POST
@needs("see_searches")
def move_search(request: Request, ref: str) -> HttpResponse:
    """Stop, or take up again."""
    search: DuplicateSearch = monitoring.get(access.searches(request.user), ref)
    move = "stop" if request.POST.get("move") == "stop" else "resume"
    actions.move_search(search, move, by=request.user)
    return done(request, _("The search is stopped.") if move == "stop" else _("The search goes on."), "searches")


@needs("note_agreement", "agreements")
def agreements(request: Request) -> HttpResponse:
    """Which organisations agreed to tell each other."""

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.note_agreement(data["first"], data["second"], by=request.user)
        return done(request, _("The agreement is noted."), "agreements")

    rows = access.agreements(request.user).filter(ended_at=None)
    return form_page(
        request, forms.AgreementForm(request.POST or None), heading=_("Agreements between organisations"), button=_("Note"),
        act=act, template="monitoring/linking/agreements.html", more={"rows": rows},
        lead=_("With an agreement in writing, each is told that the other may hold a report of the same incident: the name of "
               "the organisation, and nothing of the report. Without one, neither learns anything."),
    )  # fmt: skip


@require_POST
@needs("note_agreement", "agreements")
def end_agreement(request: Request, ref: str) -> HttpResponse:
    """End an agreement."""
    actions.end_agreement(monitoring.get(access.agreements(request.user), ref), by=request.user)
    return done(request, _("The agreement is ended."), "agreements")


# --- armed actors ----------------------------------------------------------------------------------------------------


def _hit(hit: queries.Hit) -> dict[str, Any]:
    return {"actor": hit.actor, "name": hit.actor.name, "spelling": hit.spelling, "score": round(100 * hit.score.score),
            "worth": hit.score.worth_a_look, "why": [sentences.name_match(m) for m in hit.score.matches],
            "source": sentences.source(hit.actor.source)}  # fmt: skip


@needs("see_actors")
def actors(request: Request) -> HttpResponse:
    """Find an armed actor or commander by name, in any script."""
    words = " ".join(request.GET.get("q", "").split())[:120]
    hits = [_hit(h) for h in queries.find_actors(words)] if words else []
    return render(
        request, "monitoring/linking/actors.html",
        {"words": words, "hits": hits, "readable": not words or names.readable(words), "mixed": names.mixed_words(words),
         "may_enter": authority.allows(request.user, "enter_actor", Place("actors"))},
    )  # fmt: skip


@needs("enter_actor", "actors")
def enter_actor(request: Request) -> HttpResponse:
    """Name a commander or group by hand."""

    def act(data: dict[str, Any]) -> HttpResponse:
        made = actions.enter_actor(**data, by=request.user)
        return done(request, _("Entered; look below whether a list already names them."), "actor", made.ref)

    return form_page(request, forms.ActorForm(request.POST or None), heading=_("Enter a commander or group"),
                     button=_("Enter"), act=act, cancel=reverse("actors"))  # fmt: skip


@needs("see_actors")
def actor(request: Request, ref: str) -> HttpResponse:
    """One actor: spellings, source, roles in units, and entries of other lists that may be the same."""
    this: Actor = monitoring.get(access.actors(request.user).prefetch_related("names").select_related("imported"), ref)
    seen: dict[int, queries.Hit] = {}
    for name in list(this.names.all())[:6]:
        for hit in queries.find_actors(name.name, limit=10, least=names.WORTH_A_LOOK):
            if hit.actor.pk != this.pk and (
                hit.actor.pk not in seen or hit.score.score > seen[hit.actor.pk].score.score
            ):
                seen[hit.actor.pk] = hit
    alike = sorted(seen.values(), key=lambda h: -h.score.score)[:10]
    return render(
        request, "monitoring/linking/actor.html",
        {"actor": this, "source": sentences.source(this.source), "alike": [_hit(h) for h in alike],
         "commands": [{"row": c, "role": sentences.role(c.role), "may_end": _may_end(request, c)}
                      for c in this.commands.select_related("party__situation__state")], "today": clock.today()},
    )  # fmt: skip


def _may_end(request: Request, row: Command | Subordination) -> bool:
    """Whether a button to end it leads anywhere for this person."""
    party = row.party if isinstance(row, Command) else row.unit
    return row.to_on is None and authority.allows(request.user, "note_command", party.situation)


@needs("see_actors")
def command(request: Request, ref: str) -> HttpResponse:
    """A unit's line of command on a day: who stood above it, who under it, who commanded."""
    party: Party = monitoring.get(access.parties(request.user), ref)
    try:
        on = date.fromisoformat(request.GET.get("on", ""))
    except ValueError:
        on = clock.today()
    edges = queries.edges_of(party.situation_id)
    named = {p.ref: p for p in Party.objects.filter(situation=party.situation_id)}
    above, below = rules.above(edges, party.ref, on), rules.below(edges, party.ref, on) - {party.ref}
    line = [party, *(named[r] for r in above)]
    roles = (
        Command.objects.filter(party__in=line, from_on__lte=on)
        .exclude(to_on__lt=on)
        .select_related("actor")
        .prefetch_related("actor__names")
    )
    may_note = authority.allows(request.user, "note_command", party.situation)
    held: dict[int, list[dict[str, Any]]] = {}
    for c in roles:
        held.setdefault(c.party_id, []).append(
            {
                "row": c,
                "role": sentences.role(c.role),
                "name": c.actor.name,
                "source": sentences.source(c.actor.source),
                "may_end": may_note and c.to_on is None,
            }
        )
    dated = [{"row": d, "may_end": may_note and d.to_on is None} for d in
             Subordination.objects.filter(unit=party).select_related("over")]  # fmt: skip
    return render(
        request, "monitoring/linking/command.html",
        {"party": party, "on": on, "line": [{"party": p, "roles": held.get(p.pk, []), "this": p.pk == party.pk} for p in reversed(line)],
         "below": sorted((named[r] for r in below), key=lambda p: p.name), "dated": dated,
         "may_note": may_note, "today": clock.today()},
    )  # fmt: skip


@needs("see_actors")
def note_subordination(request: Request, ref: str) -> HttpResponse:
    """Note under whom a unit stood."""
    party: Party = monitoring.get(access.parties(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.note_subordination(party, **data, by=request.user)
        return done(request, _("The line of command is noted."), "command", party.ref)

    return form_page(request, forms.SubordinationForm(request.POST or None, party=party), heading=_("Under whom a unit stood"),
                     button=_("Note"), act=act, lead=party.name, cancel=reverse("command", args=[party.ref]))  # fmt: skip


@require_POST
@needs("see_actors")
def end_command(request: Request, ref: str) -> HttpResponse:
    """Note the last day of a line of command, or of a role in a unit."""
    party: Party = monitoring.get(access.parties(request.user), ref)
    wanted = normalise(request.POST.get("row", ""))
    row = (
        Subordination.objects.filter(unit=party, ref=wanted).first()
        or Command.objects.filter(party=party, ref=wanted).first()
    )
    form = forms.EndForm(request.POST)
    if row is None or not form.is_valid():
        raise Refused(_("Choose the line and write its last day like 2026-03-14."), reason="days")
    actions.end_command(row, to_on=form.cleaned_data["to_on"], by=request.user)
    return done(request, _("The last day is noted."), "command", party.ref)


@needs("see_actors")
def note_commander(request: Request, ref: str) -> HttpResponse:
    """Note who held a role in a unit."""
    party: Party = monitoring.get(access.parties(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        who = monitoring.get(access.actors(request.user), data.pop("actor"))
        actions.note_commander(who, party, **data, by=request.user)
        return done(request, _("The role is noted."), "command", party.ref)

    return form_page(
        request, forms.CommanderForm(request.POST or None), heading=_("Who held a role in a unit"), button=_("Note"), act=act,
        lead=_("%(unit)s. A role is noted as a source gives it: for referral, never a finding of guilt.") % {"unit": party.name},
        cancel=reverse("command", args=[party.ref]),
    )  # fmt: skip


def beside(request: Request, this: Incident) -> dict[str, Any]:
    """What an incident's page says of others like it: pairs one may see, where it is linked, agreed organisations' names."""
    pairs = []
    seen = access.pairs(request.user).filter(
        Q(first=this) | Q(second=this), Q(bits__gte=linkage.SHOWN) | ~Q(decision="")
    )
    for pair in seen.select_related("first", "second")[:10]:
        pairs.append({**shown(pair), "other": (pair.second if pair.first_id == this.pk else pair.first).ref})
    merged = None
    if this.status == "MERGED":
        held = access.pairs(request.user).filter(duplicate=this).select_related("kept").first()
        merged = {"link": held.ref, "kept": held.kept.ref} if held and held.kept else {"link": "", "kept": ""}
    return {"pairs": pairs, "merged": merged, "told_of": access.told_of(request.user, this)}
