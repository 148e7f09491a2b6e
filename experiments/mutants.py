"""Which faults, put into the code one at a time, the tests find: what `make mutants` says after mutmut has run.

Command: python -m experiments.mutants [FOLDER OF MUTMUT] [--out experiments/results/mutation.json]
Prints the mutants killed of each module, and every survivor that `tests/survivors.yaml` gives no reason for.
Exit status 1 where mutants are left untried, or fewer than `WANTED` of them are killed. docs/quality.md explains.
"""

import argparse
import ast
import difflib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mscat_tf.cli.console import out
from mscat_tf.files import write_json

WANTED = 0.85
REASONS = Path(__file__).parents[1] / "tests" / "survivors.yaml"
SURVIVED, UNTRIED = (0, 33), None
"""What mutmut notes: tests that passed, or none that reach the line; any other is a kill: failure, crash, time out."""


def summary(folder: Path) -> dict[str, Any]:
    """Numbers of each module, and its survivors with their reasons.

    Args:
        folder: `mutants`, as mutmut leaves it.
    """
    reasons = _reasons()
    modules = {}
    for path in sorted(folder.rglob("*.py.meta")):
        states = json.loads(path.read_text())["exit_code_by_key"]
        if not states:
            continue
        source = path.with_suffix("")
        module = str(source.relative_to(folder))
        survivors = [
            {**change, "reason": reasons.get((module, change["now"]), "")}
            for change in _changes(source, [name for name, state in states.items() if state in SURVIVED])
        ]
        untried = sum(state is UNTRIED for state in states.values())
        tried = len(states) - untried
        modules[module] = {
            "mutants": tried,
            "untried": untried,
            "killed": tried - len(survivors),
            "survivors": survivors,
        }
    return {"wanted": WANTED, "modules": modules}


def _reasons() -> dict[tuple[str, str], str]:
    """Why a changed line of a module is no fault, by module and line."""
    groups = yaml.safe_load(REASONS.read_text())
    return {
        (module, line): group["reason"]
        for group in groups
        for module, lines in group["lines"].items()
        for line in lines
    }


def _changes(source: Path, names: list[str]) -> Iterator[dict[str, str]]:
    """Lines before and after each of these changes."""
    lines = source.read_text().splitlines()
    functions = {
        node.name: lines[node.lineno : node.end_lineno]
        for node in ast.walk(ast.parse("\n".join(lines)))
        if isinstance(node, ast.FunctionDef)
    }
    for name in names:
        function, _, number = name.rpartition(".")[2].rpartition("__mutmut_")
        difference = list(
            difflib.ndiff(functions[f"{function}__mutmut_orig"], functions[f"{function}__mutmut_{number}"])
        )
        was, now = (" ".join(line[2:].strip() for line in difference if line.startswith(mark)) for mark in ("- ", "+ "))
        yield {"function": function[1:].strip("_ǁ").replace("ǁ", "."), "was": was, "now": now}


def show(found: Mapping[str, Any]) -> bool:
    """Print it; whether it is good enough."""
    total: Counter[str] = Counter()
    for module, numbers in found["modules"].items():
        total.update({name: numbers[name] for name in ("mutants", "killed", "untried")})
        share = numbers["killed"] / max(numbers["mutants"], 1)
        out.print(
            f"{module:48}{numbers['killed']:5} of {numbers['mutants']:4} killed {share:7.1%}",
            markup=False,
            soft_wrap=True,
        )
    share = total["killed"] / max(total["mutants"], 1)
    out.print(
        f"{'all':48}{total['killed']:5} of {total['mutants']:4} killed {share:7.1%}", markup=False, soft_wrap=True
    )
    for module, numbers in found["modules"].items():
        for survivor in numbers["survivors"]:
            if not survivor["reason"]:
                out.print(f"without a reason: {module}, {survivor['function']}", markup=False, soft_wrap=True)
                out.print(f"  - {survivor['was']}\n  + {survivor['now']}", markup=False, soft_wrap=True)
    if total["untried"]:
        out.print(f"{total['untried']} mutants are not tried yet; `make mutants` goes on")
    return share >= WANTED and not total["untried"]


def main(arguments: list[str] | None = None) -> int:
    """Write the JSON, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("mutants"))
    parser.add_argument("--out", type=Path, default=Path("experiments/results/mutation.json"))
    options = parser.parse_args(arguments)
    found = summary(options.folder)
    write_json(options.out, found)
    return 0 if show(found) else 1


if __name__ == "__main__":
    sys.exit(main())
