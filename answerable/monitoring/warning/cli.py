"""`answerable forecast [FILE] [--conflicts UCDP.csv] [--json] [--keep]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from answerable.common.errors import Refused
from answerable.engines.warning import forecast as engine
from answerable.engines.warning.scores import MEASURES
from answerable.engines.warning.years import ActorYear, ConflictYear
from answerable.monitoring import svac
from answerable.monitoring.warning import files, reckoning

HEADS = {"rps": "RPS", "log": "log score", "brier2": "Brier >=2", "auc2": "AUC >=2", "onset_ap": "onset AP",
         "calibration": "calibration"}  # fmt: skip
WORDS = {"mean": "forecast", "ordinal": "  ordinal", "boosted": "  trees", "persistence": "persistence",
         "climatology": "climatology", "markov": "Markov"}  # fmt: skip


def table(evaluation: dict[str, Any]) -> list[str]:
    """The evaluation, the forecast always beside persistence, climatology and Markov."""
    first, last = evaluation["years"]
    lines = [
        f"One year ahead, {first} to {last}, each year learned from the years before it alone: "
        f"{evaluation['forecasts']:,} forecasts.",
        f"95 % intervals from drawing whole conflicts {evaluation['draws']} times. Onset happens in "
        f"{evaluation['onset_base']:.3f} of the actors without a report above none. Smaller is better, AUC and AP excepted.",
        "",
        f"{'':14}" + "".join(f"{HEADS[m]:>24}" for m in MEASURES) + f"{'skill':>8}",
    ]
    for name in engine.NAMES:
        scores = evaluation["scores"][name]
        cells = [f"{s['value']:.4f} [{s['low']:.4f} {s['high']:.4f}]" for s in (scores[m] for m in MEASURES)]
        lines.append(f"{WORDS[name]:14}" + "".join(f"{c:>24}" for c in cells) + f"{evaluation['skill'][name]:>8.3f}")
    lines += ["", "The forecast less each of the others; an interval without 0 is an established difference:"]
    for name, scores in evaluation["against"].items():
        cells = [f"{s['value']:+.4f} [{s['low']:+.4f} {s['high']:+.4f}]" for s in (scores[m] for m in MEASURES)]
        lines.append(f"{WORDS[name].strip():14}" + "".join(f"{c:>26}" for c in cells))
    return lines


def _analyst(handle: str | None) -> Any:
    """Who answers for it; what an analyst alone may ask for is asked for here as well."""
    from answerable.authority import engine as authority
    from answerable.authority.principals import Place
    from answerable.monitoring.cli import analyst

    by = analyst(handle)
    authority.require(by, "ask_forecast", Place("forecasts"))
    return by


def _imported() -> tuple[list[ActorYear], dict[tuple[str, str, str], str], list[ConflictYear], str]:
    from answerable.authority.acting import reading_as
    from answerable.authority.principals import CLOCK
    from answerable.monitoring.warning import sources

    with reading_as(CLOCK):
        rows, refs = sources.of_readings()
        conflicts, release = sources.of_conflict_years()
    if not rows:
        raise Refused("No SVAC readings are imported here. Import them first, or name a file.", reason="empty")
    return rows, refs, conflicts, release


def main(argv: list[str]) -> int:
    """Forecast from an SVAC file, or from the readings imported here."""
    parser = argparse.ArgumentParser(
        prog="answerable forecast",
        description="Next year's reported prevalence for each conflict actor. A model, not fact; for analysts alone.",
    )
    parser.add_argument(
        "file", nargs="?", type=Path, help="an SVAC file (CSV or XLSX); without it, what was imported here"
    )
    parser.add_argument(
        "--conflicts", type=Path, help="the UCDP/PRIO Armed Conflict Dataset as CSV; without it, what was imported here"
    )
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.add_argument("--draws", type=int, default=engine.DRAWS, help="resamples for the intervals")
    parser.add_argument("--show", type=int, default=20, help="how many actors the table shows")
    parser.add_argument(
        "--keep", action="store_true", help="keep it on the analysts' page (from what was imported here)"
    )
    parser.add_argument("--as", dest="handle", help="the analyst who answers for it")
    args = parser.parse_args(argv)
    if args.keep and args.file:
        raise Refused("Only a forecast from the readings imported here is kept. Import the file first.", reason="usage")
    if not 10 <= args.draws <= 10_000:
        raise Refused("Between 10 and 10,000 resamples make sense.", reason="usage")
    refs: dict[tuple[str, str, str], str] = {}
    conflicts: list[ConflictYear] = []
    release, by = "", None
    if args.file:
        rows = list(files.of_file(svac.read(args.file)))
    else:
        by = _analyst(args.handle)
        rows, refs, conflicts, release = _imported()
    if args.conflicts:
        given = files.conflict_file(args.conflicts)
        conflicts, release = list(given.years), given.version
    said = None if args.json else lambda line: print(line, file=sys.stderr, flush=True)
    made = reckoning.make(rows, conflicts, draws=args.draws, release=release, refs=refs, progress=said)
    if args.keep and by is not None:
        from answerable.monitoring.warning import actions

        kept = actions.keep_forecast(actions.ask_forecast(by=by), **made, by=by)
        print(f"Kept as {kept.ref} on the analysts' page.", file=sys.stderr)
    if args.json:
        print(json.dumps(made, indent=1, ensure_ascii=False))
        return 0
    print(reckoning.CAUTION)
    print()
    for line in table(made["evaluation"]):
        print(line)
    print(
        f"\n{made['year']}: chances of each level, the likeliest to be reported first ({len(made['actors']):,} actors)."
    )
    print(
        f"{'':44}{'now':>4}{'none':>7}{'1':>6}{'2':>6}{'3':>6}   {'persistence: any':>16}{'climatology: any':>18}{'Markov: any':>13}"
    )
    for a in made["actors"][: max(0, args.show)]:
        p = a["chances"]
        name = f"{a['name'][:34]} ({a['conflict']})"
        print(f"{name:44}{a['now']:>4}" + f"{p['mean'][0]:>7.2f}" + "".join(f"{v:>6.2f}" for v in p["mean"][1:])
              + f"   {1 - p['persistence'][0]:>16.2f}{1 - p['climatology'][0]:>18.2f}{1 - p['markov'][0]:>13.2f}")  # fmt: skip
    print(f"\n{reckoning.CAUTION}")
    return 0
