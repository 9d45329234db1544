"""`answerable estimate FILE [--links PAIRS.csv] [--json] [--plot OUT.svg [--force]]`: how many were never reported, from a capture table. Needs no database."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Small matrices: a second thread costs more than it brings.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def main(argv: list[str]) -> int:
    """0 with an estimate, 1 when the file is faulty or the lists allow none."""
    parser = argparse.ArgumentParser(prog="answerable estimate", description="Estimate how many are on no list at all.")
    parser.add_argument("file", type=Path, help="CSV: one column of 0 and 1 for each list, “count” for patterns, perhaps "
                                                "“stratum” and “draw”; with --links: “list” and “records”")  # fmt: skip
    parser.add_argument(
        "--links", type=Path, metavar="PAIRS.csv", help="pairs of records with the chance that they are one"
    )
    parser.add_argument(
        "--draws", type=int, default=1_000, help="with --links: how many possible linkages to carry through"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--plot", type=Path, metavar="OUT.svg", help="draw the models side by side; a file that exists is not replaced"
    )
    parser.add_argument("--force", action="store_true", help="with --plot: replace the file if it exists")
    parser.add_argument("--delta", type=float, help="imaginary cases in a cell before the data (default: 1 / cells)")
    args = parser.parse_args(argv)
    if args.delta is not None and not 0 < args.delta <= 10:
        return _not_done("Delta is a number above 0 and at most 10.", plain=not args.json)
    if args.plot and not args.force and os.path.lexists(args.plot):
        there = f"{args.plot} is there already and was not replaced. Name another file, or add --force."
        return _not_done(there, plain=not args.json)
    if not 1 <= args.draws <= 1_000:
        return _not_done("Between 1 and 1,000 linkages can be carried through.", plain=not args.json)
    from answerable.engines.estimates import links, study, svg, tables

    try:
        text, pairs = _text(args.file), _text(args.links) if args.links else ""
        if args.links:
            sizes = links.read_sizes(text)
            drawn = links.draw(list(sizes), list(sizes.values()), links.read_pairs(pairs, sizes), draws=args.draws)
            read = study.of_draws(drawn)
        else:
            read = study.read_csv(text)
    except _Unreadable as fault:
        return _not_done(str(fault), plain=not args.json)
    except tables.Fault as fault:
        return _not_done(*(remark.say() for remark in fault.faults[:50]), plain=not args.json)
    facts = study.run(read, delta=args.delta)
    if args.json:
        print(json.dumps(facts, ensure_ascii=False, indent=1))
    else:
        print("\n".join(lines(facts)))
    if args.plot and facts["combined"]:
        try:
            with args.plot.open("w" if args.force else "x", encoding="utf-8") as drawing:
                drawing.write(svg.draw(facts))
        except OSError as missing:
            print(f"The drawing cannot be written to {args.plot}: {missing.strerror}.", file=sys.stderr)
            return 1
    return 0 if facts["combined"] else 1


def _not_done(*sentences: str, plain: bool) -> int:
    """Say why there is no estimate, where whoever asked for JSON reads it: as JSON. The command's answer, 1."""
    if plain:
        print("\n".join(sentences), file=sys.stderr)
    else:
        print(json.dumps({"faults": list(sentences)}, ensure_ascii=False, indent=1))
    return 1


class _Unreadable(Exception):
    """A file that cannot be read as text, with the reason."""


def _text(file: Path) -> str:
    """The file as text. Raises _Unreadable."""
    try:
        return file.read_bytes().decode("utf-8")
    except OSError as missing:
        raise _Unreadable(f"The file {file} cannot be read: {missing.strerror}.") from None
    except UnicodeDecodeError:
        raise _Unreadable(f"The file {file} is not text in UTF-8. Save it as CSV, UTF-8.") from None


def lines(facts: Mapping[str, Any]) -> list[str]:
    """What was worked out, as text."""
    from answerable.engines.estimates.sentences import MODELS

    out = [facts["conclusion"]["sentence"], ""]
    if facts["strata"]:
        out += _together(facts) if facts["combined"] else []
        for s in facts["strata"]:
            out += ["", f"== {s['name']}", "", *lines({**s, "strata": []})]
        return out
    if facts["combined"] is None:
        return out[:1]
    out += [f"{facts['observed']:,} observed on {len(facts['lists'])} lists: {', '.join(facts['lists'])}"]
    out += ["", f"{'model':32}{'total':>12}{'95 % from':>12}{'to':>12}  depends"]
    for e in facts["estimates"]:
        if e["total"] is None:
            out.append(f"{MODELS[e['model']]:32}  {e['why']['sentence']}")
            continue
        weight = f" (weight {e['weight']:.2f})" if e["weight"] is not None else ""
        out.append(f"{_figures(MODELS[e['model']], e)}  {e['holds']}{weight}".rstrip())
    out += _together(facts)
    for e in facts["estimates"]:
        if e["members"]:
            out += ["", f"{MODELS[e['model']]}, by weight"]
            out += [
                f"  {m['weight']:>6.3f}{m['total']:>12,.1f}  {m['holds'] or 'independent'}" for m in e["members"][:5]
            ]
    if facts["linkage"]:
        out += ["", f"Over {facts['linkage']['draws']:,} possible linkages"]
        out += [_figures(MODELS[m["model"]], m) for m in facts["linkage"]["models"] if m["total"] is not None]
    if facts["deltas"]:
        out += ["", "Graph models with another delta"]
        out += [
            f"  {d['what']:>8}{d['graphs']:>12,.1f}{d['lower']:>12,.0f}{d['upper']:>12,.0f}" for d in facts["deltas"]
        ]
    if facts["left_out"]:
        out += ["", f"{'Without the list':18}{'observed':>10}{'graphs':>12}{'log-linear':>12}"]
        for d in facts["left_out"]:
            graphs, average = (f"{v:,.1f}" if v is not None else "none" for v in (d["graphs"], d["average"]))
            out.append(f"  {d['what']:16}{d['observed']:>10,}{graphs:>12}{average:>12}")
    if facts["diagnostics"]:
        out += ["", "Beware", *(f"  {d['sentence']}" for d in facts["diagnostics"])]
    return out


def _figures(name: str, of: Mapping[str, Any]) -> str:
    return f"{name:32}{of['total']:>12,.1f}{of['lower']:>12,.0f}{of['upper']:>12,.0f}"


def _together(facts: Mapping[str, Any]) -> list[str]:
    c = facts["combined"]
    return [_figures("Models together", {"total": c["middle"], "lower": c["lower"], "upper": c["upper"]})]
