"""`python -m experiments.faults`: run the campaign, write `experiments/results/faults.json` and `docs/faults.md`."""

import argparse
import os
import sys
from pathlib import Path

from experiments.faults.campaign import RESULTS, campaign
from experiments.faults.command import ROOT
from experiments.faults.page import write_page

NICE = 10


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Status 1 where something else was seen than expected."""
    parser = argparse.ArgumentParser(prog="python -m experiments.faults", description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="cases whose name holds this, or of this group"
    )
    parser.add_argument("--kills", type=int, default=20, help="SIGKILLs of each command (default: 20)")
    parser.add_argument("--seed", type=int, default=1, help="of moments and contents (default: 1)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="JSON file of the rows")
    parser.add_argument("--page-only", action="store_true", help="only write the page from the JSON file")
    options = parser.parse_args()
    if not options.page_only:
        os.nice(NICE)
        rows = campaign(options.only, options.kills, options.seed, options.results, _say)
    page = ROOT / "docs" / "faults.md"
    if options.results == RESULTS:
        write_page(options.results, page)
    if options.page_only:
        return 0
    unexpected = [row["case"] for row in rows if not row["expected_seen"]]
    _say(f"{len(rows)} cases, {len(unexpected)} unexpected{': ' if unexpected else ''}{', '.join(unexpected)}")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
