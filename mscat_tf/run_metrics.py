"""`metrics.json` of a run as an object."""

from collections.abc import Mapping
from typing import Any

from mscat_tf.html_table import html_table


class Metrics(dict[str, Any]):
    """`metrics.json`, which Jupyter shows as a table."""

    def _repr_html_(self) -> str:
        rows = []
        for name, entry in self.items():
            if isinstance(entry, dict) and "auc" in entry:
                auc, effective = entry["auc"], entry["effective_events"]["background"]
                rejections = [_rejection(point) for point in entry["rejection"].values()]
                rows.append((name, f"{effective:.1f}", f"{auc['value']:.4f} ± {auc['error']:.4f}", *rejections))
        points = next((list(e["rejection"]) for e in self.values() if isinstance(e, dict) and "rejection" in e), [])
        columns = ["against", "effective events", "AUC", *(f"1/eff_B at {float(point):.0%}" for point in points)]
        return html_table(f"test split, {self.get('events', 0)} events", rows, columns)


def _rejection(point: Mapping[str, Any]) -> str:
    """`152 ± 31`, or a lower limit at 95 % confidence where too little background is left."""
    if point["quote_lower_limit"]:
        return f"> {point['lower_limit']:.0f}"
    return f"{point['value']:.0f} ± {point['error']:.0f}"
