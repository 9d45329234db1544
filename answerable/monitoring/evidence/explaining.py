"""A level explained: which rule gives it, sentence by sentence, and what is missing for the next one. And the drawing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from answerable.monitoring import rules
from answerable.monitoring.evidence import rules as evidence
from answerable.monitoring.intake.description import LISTS


@dataclass(frozen=True)
class Explanation:
    """`says` are the sentences behind the level; `missing` what each higher level still asks, with the rule's name."""

    level: rules.Level
    says: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]


def explain(
    items: Sequence[rules.ItemFacts],
    *,
    base: int,
    matches: bool,
    ceiling: rules.Ceiling | None = None,
    stands: Collection[str] = (),
    given: Mapping[str, Sequence[str]] | None = None,
) -> Explanation:
    """The level that the items support, and why not the next. `base`: incidents in the actor's base set (R-VER-2); `ceiling`: what was
    last concluded, above which the level does not rise (decision 0058); `stands`: references of items of which the last weighing said
    that they stand against the incident (R-VER-3); `given`: what assessors gave each account, by its reference (R-VER-0). Only how many
    they are is said."""
    level = rules.verification_level(items, base=base, matches_pattern=matches, ceiling=ceiling)
    live = [i for i in items if i.live]
    dropped = [i for i in items if not i.live]
    qualifying = [i for i in live if i.qualifies and not i.contrary]
    roots = rules.root_sets(items)
    origins = {r for i in qualifying for r in roots[i.ref]}
    says = [_rule_of(level)]
    if dropped:
        says.append(
            ngettext("R-VER-4: %(n)d item is left out, because no live consent to monitoring covers it: %(refs)s.",
                     "R-VER-4: %(n)d items are left out, because no live consent to monitoring covers them: %(refs)s.",
                     len(dropped)) % {"n": len(dropped), "refs": _refs(dropped)}
        )  # fmt: skip
    for item in qualifying:
        says.append(_about(item))
    if len(qualifying) > len(origins) and origins:
        says.append(_("R-VER-1: %(items)d qualifying items go back to %(roots)d root(s); what has one root counts once.")
                    % {"items": len(qualifying), "roots": len(origins)})  # fmt: skip
    says += _shared(live)
    for item in live:
        if item.contrary:
            says.append(_contrary(item, stands))
    if added := [i for i in live if i.waits == rules.ADDED]:
        says.append(_("SOD-01: %(refs)s: added after verification was concluded, so it raises nothing until a verifier who added none "
                      "of it looks again.") % {"refs": _refs(added)})  # fmt: skip
    if graded := [i for i in live if i.then]:
        says.append(_("SOD-01: %(refs)s: graded anew after verification was concluded, so the new grade raises nothing until a verifier "
                      "who did not give it looks again.") % {"refs": _refs(graded)})  # fmt: skip
    if level.held:
        says.append(_("SOD-01: its items would give %(level)s; it stays at %(stays)s, because no verifier has concluded more, until one "
                      "looks again.") % {"level": level.held, "stays": level.code})  # fmt: skip
        missing = [(level.held, _("that a verifier look at it again: it stays at what was last concluded (SOD-01)"))]
        return Explanation(level, tuple(says), tuple(missing))
    missing = _missing(level, live, qualifying, roots, stands, given or {}, base=base, matches=matches)
    return Explanation(level, tuple(says), tuple(missing))


def _shared(items: Sequence[rules.ItemFacts]) -> list[str]:
    """What items of several reports were found to have in common, so that they are one source."""
    having: dict[str, list[rules.ItemFacts]] = {}
    for item in items:
        for root in item.parents:
            if root.startswith((rules.SAME_WORDS, rules.SAME_FILE)):
                having.setdefault(root, []).append(item)
    says = [
        (_("R-VER-1: %(refs)s have the same words, so they are one source.") if root.startswith(rules.SAME_WORDS)
         else _("R-VER-1: %(refs)s have the same file, so they are one source.")) % {"refs": _refs(same)}
        for root, same in sorted(having.items())
    ]  # fmt: skip
    by_source: dict[str, dict[str, list[str]]] = {}
    for item in items:
        if item.source:
            by_source.setdefault(item.source, {}).setdefault(item.report, []).append(item.ref)
    for _source, reports in sorted(by_source.items()):
        if len(reports) > 1:
            refs = "; ".join(", ".join(refs) for refs in reports.values())
            says.append(_("R-VER-1: these reports were linked as going back to the same source, so no item of one is independent of an "
                          "item of another: %(refs)s.") % {"refs": refs})  # fmt: skip
    return says


def _refs(items: Sequence[rules.ItemFacts]) -> str:
    return ", ".join(i.ref for i in items)


def _rule_of(level: rules.Level) -> str:
    carried = ", ".join(level.items)
    return {
        "V1": _("V1: it is recorded, and no item qualifies (a source at A–C with 1–3, or an account at T1–T2)."),
        "V2": _("V2: at least one item qualifies (%(items)s)."),
        "V3a": _("V3a: a primary testimony at T1 or T2 and an independent qualifying item (%(items)s)."),
        "V3b": _("V3b: two independent primary testimonies at T1 or T2 (%(items)s)."),
        "V3c": _("V3c: a strong first-hand item that is no account, and an independent qualifying item (%(items)s)."),
        "V3d": _("V3d: one account at T1, confirmed by two assessors, that matches a pattern with at least five base "
                 "incidents (%(items)s)."),
        "V4": _("V4: three independent roots, at least two items first hand, and a strong item or two accounts at T1 (%(items)s)."),
    }[level.code] % {"items": carried}  # fmt: skip


def _about(item: rules.ItemFacts) -> str:
    grade = item.testimony or f"{item.reliability}{item.credibility}"
    words = {"ref": item.ref, "grade": grade}
    if not item.settled:
        return _("R-VER-0: %(ref)s qualifies as an account filed at %(grade)s; until two assessors have graded it, each alone, it "
                 "counts for V2 and no more.") % words  # fmt: skip
    if item.testimony:
        return (_("%(ref)s qualifies as a primary testimony at %(grade)s.") if item.primary
                else _("%(ref)s qualifies as an account at %(grade)s, but is not first hand.")) % words  # fmt: skip
    if item.strong:
        return (_("%(ref)s is strong and first hand (%(grade)s).") if item.primary
                else _("%(ref)s is strong (%(grade)s), but not first hand.")) % words  # fmt: skip
    return _("%(ref)s qualifies (%(grade)s).") % words


def _contrary(item: rules.ItemFacts, stands: Collection[str]) -> str:
    if not item.strong:
        return _("%(ref)s speaks against the incident; it is not strong (A–B with 1–2), so it caps nothing.") % {
            "ref": item.ref
        }
    if item.weighed:
        return _("%(ref)s speaks strongly against the incident and has been weighed; it caps nothing now.") % {
            "ref": item.ref
        }
    if item.ref in stands:
        return _("R-VER-3: %(ref)s speaks strongly against the incident. It was weighed and stands, so the cap at V2 remains.") % {
            "ref": item.ref
        }  # fmt: skip
    return _("R-VER-3: %(ref)s speaks strongly against the incident and caps it at V2 until a verification lead records how it was "
             "weighed.") % {"ref": item.ref}  # fmt: skip


def _missing(
    level: rules.Level, live: Sequence[rules.ItemFacts], qualifying: Sequence[rules.ItemFacts],
    roots: dict[str, frozenset[str]], stands: Collection[str], given: Mapping[str, Sequence[str]], *, base: int, matches: bool,
) -> list[tuple[str, str]]:  # fmt: skip
    if level.code == "V4":
        return []
    if any(i.waits == rules.ADDED or i.then for i in live):
        seen = [replace(i, waits="" if i.waits == rules.ADDED else i.waits, then=None) for i in live]
        whole = rules.verification_level(seen, base=base, matches_pattern=matches)
        if rules.RANK[whole.code] > rules.RANK[level.code]:
            return [
                (whole.code, _("that a verifier look at it again, with what was added to it or graded anew (SOD-01)"))
            ]
    if any(i.waits and i.waits != rules.ADDED for i in live):
        both = [replace(i, waits="", then=None) for i in live]
        whole = rules.verification_level(both, base=base, matches_pattern=matches)
        if rules.RANK[whole.code] > rules.RANK[level.code]:
            return [(whole.code, _("that a verifier look at it again, with what was linked to it (SOD-01)"))]
    if level.code == "V1":
        return [("V2", _("one item that qualifies: a source graded A–C with 1–3, or an account graded T1 or T2"))]
    if any(i.capped for i in live):
        return [
            ("R-VER-3", _("that a verifier look at it again, because what it was concluded on has changed (SOD-01)"))
        ]
    out: list[tuple[str, str]] = []
    capped = [i for i in live if i.contrary and i.strong and not i.weighed]
    if any(i.ref not in stands for i in capped):
        out.append(("R-VER-3", _("that the contrary item be weighed, before anything above V2")))
    for item in capped:
        if item.ref in stands:
            out.append(("R-VER-3", _("%(ref)s was weighed and stands: nothing goes above V2, unless a verification lead weighs it anew "
                                     "with another outcome") % {"ref": item.ref}))  # fmt: skip
    if ungraded := [i for i in qualifying if not i.settled]:
        # What the grades alone would give, were they the ones that stand there now.
        graded = rules.verification_level([replace(i, assessed=True) for i in live], base=base, matches_pattern=matches)
        code = graded.code if rules.RANK[graded.code] > rules.RANK[level.code] else "R-VER-0"
        out += [(code, _grades_of(i, given.get(i.ref, ()))) for i in ungraded]
        enough = code != "R-VER-0"
    else:
        enough = False
    waiting = [i for i in ungraded if i.primary]
    qualifying = [i for i in qualifying if i.settled]
    accounts = [i for i in qualifying if i.primary_testimony]
    if level.code == "V2" and not capped and not enough:
        if accounts or waiting:
            out.append(("V3a", _("a second item that qualifies and shares neither root nor person with the account")))
            out.append(
                (
                    "V3b",
                    _(
                        "a second primary testimony at T1 or T2, of another person by her pseudonym and from another root"
                    ),
                )
            )
            single = [i for i in accounts if i.testimony == "T1"]
            if single:
                out.append(("V3d", _v3d(single, base, matches)))
        else:
            out.append(("V3a", _("a primary testimony at T1 or T2, independent of what is here")))
        strong = [i for i in qualifying if i.strong and i.primary]
        out.append(("V3c", _("a second item that qualifies and has another root") if strong
                    else _("a strong item (A–B with 1–2) that is first hand and no account, with an independent second")))  # fmt: skip
    if level.verified:
        out.append(
            ("V4", _v4(qualifying, roots) or _("that a verifier look at it again, with what was linked to it (SOD-01)"))
        )
    return out


def _grades_of(item: rules.ItemFacts, given: Sequence[str]) -> str:
    """What an account that qualifies lacks of its assessors' grades (R-VER-0)."""
    found = evidence.grading(given)
    if found.grade:
        return _("%(ref)s was graded more generously than its assessors did; more than V2 needs their grade") % {
            "ref": item.ref
        }
    if found.third:
        return _("the grade of a third assessor for %(ref)s") % {"ref": item.ref}
    return _("the grades of two assessors, each given alone, for %(ref)s (%(n)d given so far)") % {
        "ref": item.ref, "n": len(given)
    }  # fmt: skip


def _v3d(single: Sequence[rules.ItemFacts], base: int, matches: bool) -> str:
    lacks = []
    if not any(i.assessors >= 2 for i in single):
        lacks.append(_("two assessors who each recorded T1 on their own"))
    if not matches:
        lacks.append(_("that a verifier finds it to match a pattern of this actor"))
    if base < rules.V3D_BASE:
        lacks.append(_("%(n)d more base incident(s) of this actor: there are %(base)d and five are needed (R-VER-2)")
                     % {"n": rules.V3D_BASE - base, "base": base})  # fmt: skip
    return "; ".join(lacks)


def _v4(qualifying: Sequence[rules.ItemFacts], roots: dict[str, frozenset[str]]) -> str:
    lacks = []
    if not any(all(rules.independent(a, b, roots) for a, b in combinations(t, 2)) for t in combinations(qualifying, 3)):
        n = len({r for i in qualifying for r in roots[i.ref]})
        lacks.append(
            _("a third independent root") if n < 3
            else _("a third item that is independent of two others: the items that count here go back to %(n)d roots, but among any "
                   "three of them two share a root, are of one person, or are accounts of whom no pseudonym says that they are two "
                   "persons'") % {"n": n}
        )  # fmt: skip
    if sum(i.primary for i in qualifying) < 2:
        lacks.append(_("a second item first hand"))
    if not any(i.strong for i in qualifying) and sum(i.account and i.testimony == "T1" for i in qualifying) < 2:
        lacks.append(_("a strong item (A–B with 1–2), or a second account at T1"))
    return "; ".join(lacks)


# --- the drawing --------------------------------------------------------------------------------------------------

_WIDE, _HIGH, _BOX_W, _BOX_H = 190, 62, 150, 40


def graph(items: Sequence[rules.ItemFacts]) -> dict[str, Any]:
    """The provenance graph as boxes and lines for an SVG, and the same as a table: each root with what goes back to it.

    What speaks against the incident, or has no live consent, is drawn and named, and counts for no origin that supports it.
    """
    own = {i.ref: i for i in items}
    placed, edges = evidence.drawing({i.ref: sorted(i.parents) for i in items})
    rows = [_origin(o, own) for o in evidence.origins(items)]
    shared = {r["of"] for r in rows if r["shared"]}
    at = {p.ref: (p.column * _WIDE + 10, p.row * _HIGH + 10) for p in placed}
    return {
        "width": max((x for x, _y in at.values()), default=0) + _BOX_W + 10,
        "height": max((y for _x, y in at.values()), default=0) + _BOX_H + 10,
        "boxes": [
            {"ref": p.ref, "x": at[p.ref][0], "y": at[p.ref][1], "w": _BOX_W, "h": _BOX_H, "shared": p.ref in shared,
             "aside": p.ref in own and not _supports(own[p.ref]),
             "tx": at[p.ref][0] + 10, "ty": at[p.ref][1] + 17, "ky": at[p.ref][1] + 33, "short": _name(p.ref)[:13],
             "kind": f"{_kind(own[p.ref])} {_grade(own[p.ref])}" if p.ref in own else _elsewhere(p.ref)}
            for p in placed
        ],
        "lines": [
            {"x1": at[a][0] + _BOX_W, "y1": at[a][1] + _BOX_H // 2, "x2": at[b][0], "y2": at[b][1] + _BOX_H // 2}
            for a, b in edges
        ],
        "rows": rows,
        "origins": sum(bool(r["items"]) for r in rows),
        "aside": any(r["against"] or r["without"] for r in rows),
    }  # fmt: skip


def _supports(item: rules.ItemFacts) -> bool:
    return item.live and not item.contrary


def _origin(of: evidence.Origin, own: dict[str, rules.ItemFacts]) -> dict[str, Any]:
    """A root as a row: what goes back to it and supports the incident, and apart what speaks against it or has no live consent."""
    behind = [own[ref] for ref in of.items]
    items = [i.ref for i in behind if _supports(i)]
    return {
        "of": of.root, "root": _row(of.root), "items": items, "n": len(items), "shared": len(items) > 1,
        "against": [i.ref for i in behind if i.live and i.contrary], "without": [i.ref for i in behind if not i.live],
    }  # fmt: skip


def _kind(item: rules.ItemFacts) -> str:
    return _(LISTS["item_kind"].get(item.kind, item.kind))


def _name(root: str) -> str:
    return root.partition(":")[2] or root


def _elsewhere(root: str) -> str:
    if root.startswith(rules.SAME_WORDS):
        return _("the same words")
    return _("the same file") if root.startswith(rules.SAME_FILE) else _("filed elsewhere")


def _row(root: str) -> str:
    return f"{_name(root)} ({_elsewhere(root)})" if ":" in root else root


def _grade(item: rules.ItemFacts) -> str:
    return item.testimony or (f"{item.reliability}{item.credibility}" if item.reliability else "–")
