"""Metrics as tables: on the terminal and as Markdown."""

from typing import Any

from mscat_tf.cli.console import duration, out, table
from mscat_tf.cli.repeats import print_members
from mscat_tf.number_text import estimate_text, rejection_text
from mscat_tf.run_folder import Run
from mscat_tf.run_metrics import ALL


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
        rows.append([name, str(entry["events"]["background"]), effective, estimate_text(entry["auc"]), *rejections])
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
    print_quality(metrics)
    if "members" in metrics:
        print_members(metrics["members"])
    for path in sorted((run.path / "figures").glob("*.png")):
        out.print(f"figure: {path}", soft_wrap=True)


def print_quality(metrics: dict[str, Any]) -> None:
    """Accuracy, DeLong's error and calibration, where they are defined (not in a run of an earlier version)."""
    accuracy, calibration = metrics.get("accuracy"), metrics.get("calibration")
    if accuracy:
        out.print(f"accuracy at a threshold of 0.5: {estimate_text(accuracy)}", soft_wrap=True)
    if metrics[ALL]["auc"].get("delong_error") is not None:
        auc = metrics[ALL]["auc"]
        out.print(f"error of the AUC: {auc['error']:.5f} (bootstrap), {auc['delong_error']:.5f} (DeLong)")
    if calibration:
        text = f"expected calibration error: {_calibration_text(calibration)}"
        if calibration["temperature"]:
            found = calibration["temperature"]
            text += f"; {_calibration_text(calibration['scaled'])} after temperature scaling with "
            text += f"{found['value']:.3f} ± {found['error']:.3f}, fitted on the validation events"
        else:
            text += f"; no temperature scaling: {calibration['reason']}"
        out.print(text, soft_wrap=True)


def _calibration_text(entry: dict[str, Any]) -> str:
    expected = entry["expected_if_calibrated"]
    return f"{entry['expected_calibration_error']:.4f} (a calibrated score: {expected:.4f} by chance)"


def networks_as_columns(runs: list[Run]) -> tuple[list[str], list[list[str]]]:
    """One column per network, one row per figure of merit against all backgrounds and each: for a few networks."""
    first = runs[0].metrics
    rows = _sizes(runs)
    for name in backgrounds(first):
        effective = first[name]["effective_events"]["background"]
        rows.append(
            [f"AUC, {name} ({effective:.0f} effective)", *(estimate_text(run.metrics[name]["auc"]) for run in runs)]
        )
        for efficiency in first[name]["rejection"]:
            title = f"1/eff_B at eff_S = {float(efficiency):.0%}, {name}"
            rows.append([title, *_rejections(runs, name, efficiency)])
    return ["test split", *(run.config.model.name for run in runs)], rows


def networks_as_rows(runs: list[Run]) -> tuple[list[str], list[list[str]]]:
    """One row per network, against all backgrounds together; the rejection at the efficiency nearest to 50 %."""
    middle = min(runs[0].metrics[ALL]["rejection"], key=lambda efficiency: abs(float(efficiency) - 0.5))
    rows = [
        *_sizes(runs),
        ["AUC", *(estimate_text(run.metrics[ALL]["auc"]) for run in runs)],
        ["above chance", *(f"{above_chance(run.metrics[ALL]):.1f} σ" for run in runs)],
        [f"1/eff_B at {float(middle):.0%}", *_rejections(runs, ALL, middle)],
    ]
    columns = ["network", *(row[0] for row in rows)]
    return columns, [
        [run.config.model.name, *(row[number] for row in rows)] for number, run in enumerate(runs, start=1)
    ]


def above_chance(entry: dict[str, Any]) -> float:
    """How many standard deviations the AUC lies above 0.5, for a score that knows nothing about these events."""
    from mscat_tf.evaluation.metrics import chance_error

    effective = entry["effective_events"]
    return float((entry["auc"]["value"] - 0.5) / chance_error(effective["signal"], effective["background"]))


def _sizes(runs: list[Run]) -> list[list[str]]:
    trainings = [run.training for run in runs]
    return [
        ["parameters", *(f"{t['parameters']}" for t in trainings)],
        ["MFLOP per event", *(_number(t.get("flops_per_event"), 1e-6) for t in trainings)],
        ["MB per event", *(_number(t.get("activation_bytes_per_event"), 1e-6) for t in trainings)],
        ["training", *(duration(t["seconds"]) for t in trainings)],
        ["s per epoch", *(_number(t.get("seconds_per_epoch")) for t in trainings)],
        ["training events/s", *(f"{t['events_per_second']:.0f}" for t in trainings)],
        ["best epoch", *(f"{t['best_epoch']} of {t['epochs_trained']}" for t in trainings)],
    ]


def _number(value: float | None, unit: float = 1.0) -> str:
    """Three digits; `-` for what trees do not have, or a run of an earlier version did not write."""
    return "-" if value is None else f"{value * unit:#.3g}".rstrip(".")


def _rejections(runs: list[Run], background: str, efficiency: str) -> list[str]:
    return [rejection_text(run.metrics[background]["rejection"][efficiency]) for run in runs]
