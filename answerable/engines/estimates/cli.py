"""`answerable estimate FILE [--json] [--plot OUT.svg]`: how many were never reported, from a capture table. Needs no database."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

# Small matrices: a second thread costs more than it brings.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def main(argv: list[str]) -> int:
    """0 with an estimate, 1 when the file is faulty or the lists allow none."""
    parser = argparse.ArgumentParser(prog="answerable estimate", description="Estimate how many are on no list at all.")
    parser.add_argument("file", type=Path, help="CSV: one column of 0 and 1 for each list, and “count” for patterns")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--plot", type=Path, metavar="OUT.svg", help="draw the models side by side")
    parser.add_argument("--delta", type=float, help="imaginary cases in a cell before the data (default: 1 / cells)")
    args = parser.parse_args(argv)
    if args.delta is not None and not 0 < args.delta <= 10:
        print("Delta is a number above 0 and at most 10.", file=sys.stderr)
        return 1
    from answerable.engines.estimates import report, svg, tables

    try:
        text = args.file.read_bytes().decode("utf-8")
    except OSError as missing:
        print(f"The file {args.file} cannot be read: {missing.strerror}.", file=sys.stderr)
        return 1
    except UnicodeDecodeError:
        print(f"The file {args.file} is not text in UTF-8. Save it as CSV, UTF-8.", file=sys.stderr)
        return 1
    try:
        table = tables.read_csv(text)
    except tables.Fault as fault:
        for remark in fault.faults[:50]:
            print(remark.say(), file=sys.stderr)
        return 1
    made = report.estimate(table, delta=args.delta)
    facts = made.as_json()
    if args.json:
        print(json.dumps(facts, ensure_ascii=False, indent=1))
    else:
        print("\n".join(lines(made)))
    if args.plot and made.combined:
        try:
            args.plot.write_text(svg.draw(facts), encoding="utf-8")
        except OSError as missing:
            print(f"The drawing cannot be written to {args.plot}: {missing.strerror}.", file=sys.stderr)
            return 1
    return 0 if made.combined else 1


def lines(made) -> list[str]:  # type: ignore[no-untyped-def]
    """The report as text."""
    from answerable.engines.estimates.sentences import MODELS

    table = made.table
    out = [made.sentence(), ""]
    if made.combined is None:
        return out[:1]
    out.append(f"{table.observed:,} observed on {table.k} lists: "
               + ", ".join(f"{name} {table.size(p):,}" for p, name in enumerate(table.lists)))  # fmt: skip
    out += ["", f"{'model':32}{'total':>12}{'95 % from':>12}{'to':>12}  depends"]
    for e in made.estimates:
        if e.total is None:
            out.append(f"{MODELS[e.model]:32}  {e.why.say()}")
            continue
        weight = f" (weight {e.weight:.2f})" if e.weight is not None else ""
        out.append(
            f"{MODELS[e.model]:32}{e.total:>12,.1f}{e.lower:>12,.0f}{e.upper:>12,.0f}  {e.holds}{weight}".rstrip()
        )
    c = made.combined
    out.append(f"{'Models together':32}{c.middle:>12,.1f}{c.lower:>12,.0f}{c.upper:>12,.0f}")
    for e in made.estimates:
        if e.members:
            out += ["", f"{MODELS[e.model]}, by weight"]
            out += [f"  {m.weight:>6.3f}{m.total:>12,.1f}  {m.holds or 'independent'}" for m in e.members[:5]]
    if made.deltas:
        out += ["", "Graph models with another delta"]
        out += [f"  {d.what:>8}{d.graphs:>12,.1f}{d.lower:>12,.0f}{d.upper:>12,.0f}" for d in made.deltas]
    if made.left_out:
        out += ["", f"{'Without the list':18}{'observed':>10}{'graphs':>12}{'log-linear':>12}"]
        for d in made.left_out:
            graphs, average = (f"{v:,.1f}" if v is not None else "none" for v in (d.graphs, d.average))
            out.append(f"  {d.what:16}{d.observed:>10,}{graphs:>12}{average:>12}")
    if made.diagnostics:
        out += ["", "Beware", *(f"  {d.say()}" for d in made.diagnostics)]
    return out
