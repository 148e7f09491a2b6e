"""The registry of named jet variables as the table of `docs/high_level.md`."""

import re
from itertools import groupby

from mscat_tf.physics.high_level_columns import COLUMNS, GROUPS, STANDARD, Column

LONG = 10
"""Groups of more columns than this are shown by series of columns whose names differ in numbers only."""

_HEAD = ("| group | column | unit | safe | 0 for jets | definition | from |", "|---|---|---|---|---|---|---|")


def markdown_table() -> str:
    """One row for each column or series of columns; those that `true` chooses are bold."""
    lines = list(_HEAD)
    for group in GROUPS:
        lines += map(_row, _series([column for column in COLUMNS.values() if column.group == group]))
    return "\n".join(lines)


def _series(columns: list[Column]) -> list[list[Column]]:
    if len(columns) <= LONG:
        return [[column] for column in columns]
    columns = sorted(columns, key=_pattern)  # stable, so a series stays in the order of the registry
    return [list(series) for _, series in groupby(columns, _pattern)]


def _pattern(column: Column) -> str:
    return re.sub(r"[\d.]+", "#", column.name)


def _row(series: list[Column]) -> str:
    first, last = series[0], series[-1]
    name = f"**`{first.name}`**" if first.name in STANDARD else f"`{first.name}`"
    definition = first.definition
    if last is not first:
        name, definition = f"{name} … `{last.name}` ({len(series)})", f"{definition}; …; {last.definition}"
    safe = "yes" if first.safe else "no"
    cells = (f"`{first.group}`", name, first.unit, safe, first.vanishing, definition, first.reference)
    return f"| {' | '.join(cells)} |"
