"""The result on the first page: README's table between its two markers and its two figures, from one run of all.

Command: python -m experiments.first_page [runs/demo-comparison runs/demo-mscat]

With the two folders that `make train-mirror` wrote, their `comparison.json` and figures are copied to
docs/figures_demo/ first; without them README is written anew from what is there. `tests/docs/test_first_page.py` fails
where README says anything else than that file. Cost: none.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from mscat_tf.errors import InputError
from mscat_tf.evaluation.markdown import table_lines
from mscat_tf.files import atomic_path, write_text
from mscat_tf.run_metrics import ALL

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FIGURES = ROOT / "docs" / "figures_demo"
COMPARISON = FIGURES / "comparison.json"
BEGIN, END = "<!-- result: written by python -m experiments.first_page -->", "<!-- end of result -->"
ROWS = {
    "parameters",
    "training",
    *(f"AUC, {background}" for background in (ALL, "4b", "ttbar")),
    *(f"1/eff_B at eff_S = {efficiency}, {ALL}" for efficiency in ("50%", "80%")),
}
"""Those that are shown; `comparison.json` has more."""


def main() -> None:
    """Copy what is given, write README."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", nargs="?", type=Path, help="runs/NAME-comparison")
    parser.add_argument("run", nargs="?", type=Path, help="runs/NAME-mscat, explained")
    options = parser.parse_args()
    if options.comparison and not options.run:
        parser.error("the folder of the explained run is missing, e.g. runs/demo-mscat")
    try:
        if options.run:
            copy_result(options.comparison, options.run)
        text = with_result(README.read_text(encoding="utf-8"), json.loads(COMPARISON.read_text(encoding="utf-8")))
    except InputError as error:
        parser.error(str(error))
    write_text(README, text)


def copy_result(comparison: Path, run: Path) -> None:
    """Copy `comparison.json` and the two figures into docs/figures_demo/.

    Raises:
        InputError: one of them is missing; nothing is copied then.
    """
    sources = {
        "comparison.json": comparison / "comparison.json",
        "roc.png": comparison / "figures" / "roc.png",
        "attention.png": run / "figures" / "attention_plane_jet_1.png",
    }
    for source in sources.values():
        if not source.is_file():
            raise InputError(f"{source}: no such file; `make train-mirror` writes it")
    FIGURES.mkdir(exist_ok=True)
    for name, source in sources.items():
        with atomic_path(FIGURES / name) as part:
            shutil.copyfile(source, part)


def with_result(text: str, comparison: dict[str, Any]) -> str:
    """The text with what stands between the markers replaced.

    Raises:
        InputError: a marker is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"README.md: the lines '{BEGIN}' and '{END}' are not there; put them around the result")
    return "".join((before, begin, "\n\n", "\n".join(result_lines(comparison)), "\n\n", end, after))


def result_lines(comparison: dict[str, Any]) -> list[str]:
    """Table of the main figures of merit, differences with errors, time of the whole job."""
    table = [row for row in comparison["table"] if next(iter(row.values())).partition(" (")[0] in ROWS]
    first, *others = (name for name in table[0] if name in comparison["auc"])
    differences = (
        f"{found['difference']:+.4f} ± {found['error']:.4f} over `{name}`"
        for name, found in ((name, comparison["differences"][name]) for name in others)
    )
    minutes = sum(comparison["seconds"].values()) / 60
    return [
        *table_lines(list(table[0]), [list(row.values()) for row in table]),
        "",
        f"AUC of `{first}`: {', '.join(differences)} (paired bootstrap). The whole job took {minutes:.0f} minutes.",
    ]


if __name__ == "__main__":
    main()
