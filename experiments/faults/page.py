"""`docs/faults.md`, written from the JSON of the campaign."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from mscat_tf.files import write_text

MENDED = Path(__file__).with_name("mended.json")

HEAD = """# Faults

What a hostile day does to `mscat`: killed processes, bad files, full disks, code in files. `make faults` does all of
it, writes this page, and ends with status 1 if anything else is seen than expected. An interrupted campaign goes on
where it stopped; `python -m experiments.faults --only NAME` runs some cases. It wants Linux and, for small disks and a
machine without network, the right to mount and to `unshare` (root in a container). The rows as JSON are in
`experiments/results/faults.json`.

Expected everywhere:

* A killed command, given again, ends as if it had not been killed. No temporary file stays.
* Bad input ends with status 2 and one sentence that names the file. No traceback.
* No code from a file is executed: no pickle, no tag of YAML, no Lambda layer of Keras.
* A file that promises or unpacks to an absurd size is refused before the memory is taken.
"""


def write_page(results: Path, page: Path) -> None:
    """Write the page.

    Args:
        results: JSON that `campaign` wrote. page: Markdown file.
    """
    found = json.loads(results.read_text())
    write_text(page, "\n".join([HEAD, *_summary(found), *_mended(), *_tables(found["rows"])]))


def _summary(found: dict[str, Any]) -> list[str]:
    groups = Counter(row["group"] for row in found["rows"])
    unexpected = Counter(row["group"] for row in found["rows"] if not row["expected_seen"])
    lines = ["## Summary", "", "| Group | Cases | Unexpected |", "|---|---|---|"]
    lines += [f"| {group} | {count} | {unexpected[group]} |" for group, count in groups.items()]
    lines += [f"| **all** | **{groups.total()}** | **{unexpected.total()}** |", ""]
    versions = found["made_with"]
    if found["not_run"]:
        names = ", ".join(found["not_run"])
        lines += [f"**Not all cases were run.** {len(found['not_run'])} are missing: {names}.", ""]
    made = f"Python {versions['python']}, {versions['system']}"
    return [*lines, f"Seed {found['seed']}, {found['kills']} kills in each chain; {made}.", ""]


def _mended() -> list[str]:
    entries = json.loads(MENDED.read_text())
    lines = ["## Found and mended", "", "| What was done | What was seen before | Now |", "|---|---|---|"]
    lines += [f"| {entry['done']} | {entry['before']} | {entry['now']} |" for entry in entries]
    return [*lines, ""]


def _tables(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["## All cases", ""]
    for group in dict.fromkeys(row["group"] for row in rows):
        mine = [row for row in rows if row["group"] == group]
        lines += [f"### {group[0].upper()}{group[1:]}", ""]
        lines += ["| What is done | Expected | Seen | Verdict |", "|---|---|---|---|"]
        lines += [
            f"| {_cell(row['done'])} | {_cell(row['expected'])} | {_cell(row['seen'])} | "
            f"{'as expected' if row['expected_seen'] else '**unexpected**'} |"
            for row in mine
        ]
        lines.append("")
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
