"""Metrics as tables: on the terminal and as Markdown."""

from typing import Any

from mscat_tf.cli.console import out, table
from mscat_tf.run_folder import Run

ALL = "all backgrounds"


def auc_text(estimate: dict[str, float]) -> str:
    """`0.9512 ± 0.0041`."""
    return f"{estimate['value']:.4f} ± {estimate['error']:.4f}"


def rejection_text(entry: dict[str, Any]) -> str:
    """`152 ± 31`, or `> 40` (95 % confidence) where too few effective background events pass the cut."""
    if entry["quote_lower_limit"]:
        return f"> {entry['lower_limit']:.0f}"
    return f"{entry['value']:.0f} ± {entry['error']:.0f}"


def backgrounds(metrics: dict[str, Any]) -> list[str]:
    """All backgrounds together, then each alone."""
    return [name for name, entry in metrics.items() if isinstance(entry, dict) and "auc" in entry]


def metric_rows(metrics: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows: one row per background."""
    efficiencies = list(metrics[ALL]["rejection"])
    columns = ["against", "events", "effective", "AUC", *(f"1/eff_B at {float(e):.0%}" for e in efficiencies)]
    rows = []
    for name in backgrounds(metrics):
        entry = metrics[name]
        rejections = [rejection_text(entry["rejection"][e]) for e in efficiencies]
        effective = f"{entry['effective_events']['background']:.1f}"
        rows.append([name, str(entry["events"]["background"]), effective, auc_text(entry["auc"]), *rejections])
    return columns, rows


def print_metrics(run: Run, metrics: dict[str, Any]) -> None:
    """One run's table, its figures, and what the effective numbers allow."""
    columns, rows = metric_rows(metrics)
    table(f"{run.path}: test split ({metrics['events']} events)", columns, rows)
    limit = metrics["settings"]["min_effective_background"]
    weakest = min((n for n in backgrounds(metrics)), key=lambda n: metrics[n]["effective_events"]["background"])
    effective = metrics[weakest]["effective_events"]["background"]
    out.print(
        f"'>' is a lower limit (95 % confidence): fewer than {limit:g} effective background events pass the cut. "
        f"{weakest} has {effective:.1f} effective events in the test split under its tag weights: with them no "
        f"rejection above about {effective / limit:.1f} can be measured against it.",
        soft_wrap=True,
    )
    for path in sorted((run.path / "figures").glob("*.png")):
        out.print(f"figure: {path}", soft_wrap=True)


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    """The same table for a text file."""
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
