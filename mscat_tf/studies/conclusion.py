"""What measured differences allow to say, in words that follow from the numbers alone."""

from collections.abc import Iterable
from typing import Any

from mscat_tf.studies.significance import THREE_SIGMA, TWO_SIGMA, beyond

Found = dict[str, Any]

NONE, EDGE, FIRM = "no difference that these events and seeds can show", "at the edge of what they can show", ""


def comparisons(found: Found) -> dict[str, Found]:
    """Differences of a study by row, for the rows that are compared with another."""
    return {name: row["against"] for name, row in found["rows"].items() if row["against"]}


def strength(against: Found) -> str:
    """`NONE`, `EDGE` or `FIRM`: adjusted p-value above that of two Gaussian standard deviations, of three, below."""
    p_value = against["adjusted_p_value"]
    return NONE if p_value > TWO_SIGMA else EDGE if p_value > THREE_SIGMA else FIRM


def verdict(against: Found, more: str = "better", less: str = "worse") -> str:
    """What one difference says; `more` and `less` are words for its sign."""
    firm, side = strength(against), more if against["difference"] > 0 else less
    return firm if firm == NONE else side if firm == FIRM else f"{side}, {firm}"


def comparison(name: str, against: Found, number: int) -> str:
    """One sentence: how far a row is from the one that it is compared with, and what that allows to say.

    Args:
        name: of the row. against: its difference. number: of comparisons in the study, among which it is one.
    """
    seeds, events = against["seeds"], against["ensembles"]
    if seeds:
        size = f"{seeds['difference']:+.4f} ± {seeds['events_error']:.4f} (events) ± {seeds['error']:.4f} (seeds)"
    else:
        size = f"{events['difference']:+.4f} ± {events['error']:.4f} (events; one seed, whose spread is not known)"
    among = f", {p_text(against['adjusted_p_value'])} among {number}" if number > 1 else ""
    return (
        f"- `{name}` less `{against['row']}`: AUC {size}, {against['standard_errors']:+.1f} standard errors, "
        f"p = {p_text(against['p_value'])}{among}: {verdict(against)}."
    )


def p_text(value: float) -> str:
    """Two digits: `0.043`, `1.2e-05`, `1`."""
    return f"{value:.2g}"


def conclusion(found: Found) -> list[str]:
    """Paragraphs: the quoted effect, what the comparisons decide, what they could have seen."""
    differences = comparisons(found)
    if not differences:
        return ["No two rows are compared."]
    return [*_of_quoted(found, differences), _of_all(differences), _sensitivity(differences.values())]


def _of_all(differences: dict[str, Found]) -> str:
    groups: dict[str, list[str]] = {}
    for name, against in differences.items():
        groups.setdefault(verdict(against), []).append(f"`{name}` (than `{against['row']}`)")
    number = len(differences)
    parts = [f"{words}: {', '.join(groups[words])}" for words in groups if words != NONE]
    none = len(groups.get(NONE, ()))
    verb = "shows" if none == 1 else "show"
    kept = (
        f"{none} of {number} comparisons {verb} no difference" if number > 1 else "The comparison shows no difference"
    )
    if not parts:
        return f"{kept}."
    joined = "; ".join(parts)
    return f"{kept}. " * bool(none) + joined[0].upper() + joined[1:] + "."


def _sensitivity(differences: Iterable[Found]) -> str:
    """The error that is typical, and from what difference on a single comparison would have spoken."""
    errors = sorted(against["error"] for against in differences)
    middle = errors[len(errors) // 2]
    return (
        f"The median error of a difference is {middle:.4f}: a true difference of {2 * middle:.4f} in AUC would be "
        "found at two standard errors in every other repetition, a smaller one more seldom."
    )


def _of_quoted(found: Found, differences: dict[str, Found]) -> list[str]:
    """How far the differences are from those that someone else quotes."""
    quoted = found["quoted"]
    rows = [name for name in quoted["rows"] if name in differences] if quoted else []
    if not rows:
        return []
    changed = [name for name in rows if strength(differences[name]) != NONE]
    lines = [
        f"Quoted: {quoted['low']:+.4f} to {quoted['high']:+.4f} in AUC ({quoted['source']}). Here the AUC differs in "
        f"{len(changed)} of {len(rows)} pairs" + (f" ({quoted_names(changed)})" if changed else "") + "; "
        + "; ".join(_one_quoted(name, differences[name], quoted) for name in rows)
        + "."
    ]  # fmt: skip
    relative = [_relative(name, found["rows"][name], differences[name], found["rows"]) for name in rows]
    return [*lines, "Relative to 1 - AUC, since ours is another than the quoted one: " + "; ".join(relative) + "."]


def _one_quoted(name: str, against: Found, quoted: Found) -> str:
    z = abs(beyond(against["difference"], quoted["low"], quoted["high"], against["error"]))
    measured = f"`{name}` less `{against['row']}` {against['difference']:+.4f} ± {against['error']:.4f}"
    if z == 0:
        return f"{measured} lies inside the quoted range"
    return f"{measured}, the quoted range is {'excluded' if z >= 2 else 'not excluded'}, at {z:.1f} standard errors"


def _relative(name: str, row: Found, against: Found, rows: Found) -> str:
    """Change of 1 - AUC when going from the other row to this one, in per cent."""
    other = rows[against["row"]]
    missed = 1.0 - (other["single"]["mean"] if other["single"] and row["single"] else other["auc"]["value"])
    if not missed > 0:
        return f"`{name}` cannot be told, as nothing is missed"
    change, error = -against["difference"] / missed, against["error"] / missed
    return f"`{name}` {100 * change:+.1f} ± {100 * error:.1f} %"


def quoted_names(names: Iterable[str]) -> str:
    """Names of rows in a sentence; they may hold commas."""
    return ", ".join(f"`{name}`" for name in names)


def few_seeds(found: Found) -> str | None:
    """A warning where the spread of trainings is hardly known."""
    fewest = min(len(row["seeds"]) for row in found["rows"].values())
    if fewest >= 5:
        return None
    return f"**With {fewest} seed(s) each, a spread of trainings is hardly known.**"
