"""`metrics.json` of a run as an object."""

from typing import Any

from mscat_tf.errors import InputError
from mscat_tf.html_table import html_table
from mscat_tf.number_text import estimate_text, rejection_text

ALL = "all backgrounds"
"""What `metrics.json` calls them together; each alone is called as its process."""


class Metrics(dict[str, Any]):
    """`metrics.json`, which Jupyter shows as a table."""

    def __missing__(self, key: str) -> Any:
        raise InputError(f"metrics.json holds no '{key}', so `mscat evaluate` did not write it; evaluate the run again")

    def _repr_html_(self) -> str:
        rows = []
        for name, entry in self.items():
            if isinstance(entry, dict) and "auc" in entry:
                effective = entry["effective_events"]["background"]
                rejections = [rejection_text(point) for point in entry["rejection"].values()]
                rows.append((name, f"{effective:.1f}", estimate_text(entry["auc"]), *rejections))
        points = next((list(e["rejection"]) for e in self.values() if isinstance(e, dict) and "rejection" in e), [])
        columns = ["against", "effective events", "AUC", *(f"1/eff_B at {float(point):.0%}" for point in points)]
        return html_table(f"test split, {self.get('events', 0)} events", rows, columns)
