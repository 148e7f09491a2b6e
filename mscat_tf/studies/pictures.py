"""Which figures a study has, and what each shows in words: for the page, and for whoever draws them."""

from typing import Any

Found = dict[str, Any]

FOREST, CURVE, LIMIT, ROC, SELECTION = "auc", "curve", "limit", "roc", "selection"


def pictures(found: Found) -> dict[str, str]:
    """Names of the figures, each with its alternative text."""
    names = {FOREST: _forest(found)}
    axis = found["x_axis"]
    if axis and any(points(found).values()):
        names[CURVE] = f"AUC against {axis['title']}, one line for each of: {', '.join(points(found))}"
        if axis["measured"] is None and any(limited(found).values()):
            names[LIMIT] = f"Expected limit on cross-section x BR against {axis['title']}: {', '.join(limited(found))}"
    if any(row["roc"] for row in found["rows"].values()):
        names[ROC] = f"Background rejection against signal efficiency of {', '.join(found['rows'])}, with 68 % bands"
    selection = found.get("further", {}).get("selection")
    if selection and selection["efficiency"]:
        variables = ", ".join(selection["efficiency"])
        names[SELECTION] = f"Share of every process that passes a cut of {found['reference']} against {variables}"
    return names


def points(found: Found) -> dict[str, list[Found]]:
    """Rows that stand on the axis by series, in the order of the axis."""
    lines: dict[str, list[Found]] = {}
    for row in found["rows"].values():
        if row["series"] is not None and row["x"] is not None:
            lines.setdefault(row["series"], []).append(row)
    return {name: sorted(rows, key=lambda row: float(row["x"])) for name, rows in lines.items()}


def limited(found: Found) -> dict[str, list[Found]]:
    """Those of them that have a limit."""
    rows = {name: [row for row in line if "missing" not in row["reach"]] for name, line in points(found).items()}
    return {name: line for name, line in rows.items() if line}


def mean_auc(row: Found) -> tuple[float, float]:
    """Mean of the single trainings with its error; of one training, its AUC with the error of the events."""
    single = row["single"]
    return (single["mean"], single["error"]) if single else (row["auc"]["value"], row["auc"]["error"])


def _forest(found: Found) -> str:
    best = max(found["rows"], key=lambda name: mean_auc(found["rows"][name])[0])
    return (
        f"AUC of each of {len(found['rows'])} rows: single trainings as points, their mean and spread, their ensemble; "
        f"the highest mean is {mean_auc(found['rows'][best])[0]:.4f}, of {best}"
    )
