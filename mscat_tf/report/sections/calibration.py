"""Whether a score of 0.8 means 80 % signal."""

from typing import Any

from mscat_tf.evaluation.style import COLOURS
from mscat_tf.number_text import with_error
from mscat_tf.report.material import Material, is_evaluated
from mscat_tf.report.plots import axes, line, one, points
from mscat_tf.report.section import Figure, Section, Table, Text

Numbers = dict[str, Any]


def calibration_section(material: Material) -> Section:
    """Reliability diagram before and after temperature scaling, and their numbers."""
    run = material.first
    if not is_evaluated(run):
        missing = f"No calibration: `mscat evaluate {run.path}` measures it."
        return Section("calibration", "Calibration", [Text(missing, missing=True)])
    found = run.metrics["calibration"]
    if not found:
        return Section("calibration", "Calibration", [Text("With shuffled labels a score is no probability.")])
    entries = {"as it is": found}
    temperature = found["temperature"]
    if temperature:
        entries["temperature scaling"] = found["scaled"]
    text = (
        f"Temperature {with_error(temperature['value'], temperature['error'])}, fitted on the validation events."
        if temperature
        else f"No temperature scaling: {found['reason']}."
    )
    return Section("calibration", "Calibration", [_figure(entries), _summary(entries), Text(text)])


def _figure(entries: dict[str, Numbers]) -> Figure:
    traces = [line("calibrated", [0, 1], [0, 1], "#808080", "dash", width=1)]
    rows = []
    for (name, entry), colour, symbol in zip(entries.items(), COLOURS, ("circle", "square"), strict=False):
        bins = entry["bins"]
        predicted, observed, low, high = (
            [_number(each) for each in bins[column]] for column in ("predicted", "observed", "low", "high")
        )
        traces.append(points(name, predicted, observed, low, high, colour, symbol))
        rows += [
            [name, f"{begin:.2f} to {end:.2f}", str(events), f"{mean:.3f}", f"{share:.3f}"]
            for begin, end, events, mean, share in zip(
                bins["from"], bins["to"], bins["events"], predicted, observed, strict=True
            )
            if mean is not None
        ]
    layout = axes("mean score", "observed share of signal", x_range=[0, 1], y_range=[0, 1.05])
    columns = ["scores", "bin", "events", "mean score", "observed"]
    return Figure(
        "reliability", "variants", "Observed share of signal against the mean score, with Wilson intervals at 68 %.",
        "Reliability diagram: points on the dashed diagonal are calibrated.", one(traces, layout),
        numbers=Table("Every bin", columns, rows, folded=True),
    )  # fmt: skip


def _summary(entries: dict[str, Numbers]) -> Table:
    names = {
        "expected_calibration_error": "expected calibration error",
        "expected_if_calibrated": "by chance, if calibrated",
        "log_loss": "log loss",
    }
    rows = [[text, *(f"{entry[key]:.4f}" for entry in entries.values())] for key, text in names.items()]
    return Table("Calibration in numbers", ["", *entries], rows)


def _number(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)
