"""Runs the cases, keeps what was seen, and goes on where it was interrupted."""

import json
import os
import platform
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.faults import (
    absurd_sizes,
    bad_configurations,
    bad_files,
    bad_networks,
    code_in_files,
    kills,
    surroundings,
)
from experiments.faults.case import Case, Place, UnexpectedError
from experiments.faults.command import ROOT
from experiments.faults.stock import Stock
from mscat_tf.files import write_json
from mscat_tf.provenance import library_versions

MODULES = (kills, bad_files, bad_configurations, bad_networks, code_in_files, absurd_sizes, surroundings)
RESULTS = ROOT / "experiments" / "results" / "faults.json"

Row = dict[str, Any]


def all_cases() -> list[Case]:
    """In the order of the table; every name once."""
    found = [case for module in MODULES for case in module.cases()]
    names = [case.name for case in found]
    assert len(set(names)) == len(names), sorted({name for name in names if names.count(name) > 1})
    return found


def campaign(only: Sequence[str], number: int, seed: int, results: Path, say: Callable[[str], None]) -> list[Row]:
    """Run the cases, but not those that an interrupted campaign of the same seed and kills saw end as expected.

    Args:
        only: parts of names of cases; none means all. number: of kills in each chain. seed: of everything random.
        results: JSON file of the rows. say: shows what happens.

    Returns:
        The rows of this campaign, also those of before the interruption.
    """
    chosen = [case for case in all_cases() if not only or any(part in case.name or part == case.group for part in only)]
    unfinished = results.with_suffix(".unfinished.json")
    settings = {"seed": seed, "kills": number}
    rows = _rows_of(unfinished, settings)
    with tempfile.TemporaryDirectory(prefix="mscat-faults-") as folder:
        stock = Stock(Path(folder, "stock"))
        for place, case in enumerate(chosen, 1):
            if case.name in rows and rows[case.name]["expected_seen"]:
                continue
            head = f"[{place}/{len(chosen)}] {case.name}"
            say(head)
            rows = _rows_of(unfinished, settings) | {
                case.name: _row(case, Path(folder, "case"), stock, number, seed, say)
            }
            write_json(unfinished, {"settings": settings, "rows": rows})
            row = rows[case.name]
            verdict = "as expected" if row["expected_seen"] else "UNEXPECTED"
            say(f"{head}: {verdict} ({row['seconds']:.0f} s): {row['seen']}")
    done = {case.name: rows[case.name] for case in chosen}
    _store(results, done, settings, keep=bool(only))
    left = {name: row for name, row in _rows_of(unfinished, settings).items() if name not in done}
    if left:
        write_json(unfinished, {"settings": settings, "rows": left})
    else:
        unfinished.unlink(missing_ok=True)
    return list(done.values())


def _rows_of(path: Path, settings: dict[str, int]) -> dict[str, Row]:
    """What an interrupted campaign with the same settings saw."""
    if not path.is_file():
        return {}
    found = json.loads(path.read_text())
    return dict(found["rows"]) if found["settings"] == settings else {}


def _row(case: Case, folder: Path, stock: Stock, number: int, seed: int, say: Callable[[str], None]) -> Row:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tmp").mkdir(parents=True)
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder / "tmp")
    own = folder / "place"
    own.mkdir()
    started = time.monotonic()
    try:
        seen, well = case.act(Place(own, stock, seed, number, say)), True
    except UnexpectedError as error:
        seen, well = str(error), False
    except Exception as error:  # a fault of the campaign itself is an unexpected row too
        traceback.print_exc()
        seen, well = f"the case itself failed: {type(error).__name__}: {error}", False
    finally:
        os.environ.pop("TMPDIR") if before is None else os.environ.update(TMPDIR=before)
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "case": case.name,
        "group": case.group,
        "done": case.done,
        "expected": case.expected,
        "seen": seen,
        "expected_seen": well,
        "seconds": round(time.monotonic() - started, 1),
    }


def _store(results: Path, rows: dict[str, Row], settings: dict[str, int], keep: bool) -> None:
    """Write the rows in the order of the cases; `keep` those of a former campaign that were not run now."""
    former = json.loads(results.read_text())["rows"] if keep and results.is_file() else []
    both = {row["case"]: row for row in former} | rows
    order = [case.name for case in all_cases()]
    write_json(
        results,
        {
            **settings,
            "made_with": {"python": platform.python_version(), "system": platform.platform(), **library_versions()},
            "not_run": [name for name in order if name not in both],
            "rows": [both[name] for name in order if name in both],
        },
    )
