"""Several runs beside each other: figures of merit, paired differences, what differs in their configurations."""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import yaml

from mscat_tf.evaluation.evaluate import compare_auc
from mscat_tf.evaluation.scores import read_scores
from mscat_tf.evaluation.style import COLOURS
from mscat_tf.number_text import rejection_text, with_error
from mscat_tf.report.material import Material, is_evaluated
from mscat_tf.report.numbers import duration, grouped
from mscat_tf.report.plots import DASHES, Trace, one
from mscat_tf.report.section import Figure, Part, Section, Table, Text
from mscat_tf.report.sections.separation import roc_axes, roc_traces
from mscat_tf.run_folder import Run
from mscat_tf.run_metrics import ALL

LEFT_OUT = ("name", "evaluate", "explain", "search")
"""Settings that make no other network."""


def comparison_section(material: Material) -> Section:
    """Tables and curves of all runs; one sentence if there is only one."""
    if len(material.runs) == 1:
        text = f"One run only: `mscat report {material.first.path} OTHER...` compares it with others."
        return Section("comparison", "Comparison of runs", [Text(text)])
    parts: list[Part] = [_merit(material)]
    if len(material.evaluated) > 1:
        parts += [_curves(material), *_differences(material)]
    left_out = [str(run.path) for run in material.runs if not is_evaluated(run)]
    if left_out:
        commands = ", ".join(f"`mscat evaluate {path}`" for path in left_out)
        parts.append(Text(f"Not evaluated yet: {commands}.", missing=True))
    parts.append(_ablation(material))
    return Section("comparison", "Comparison of runs", parts)


def _merit(material: Material) -> Table:
    points = list(material.evaluated[0][1].metrics[ALL]["rejection"]) if material.evaluated else []
    columns = ["run", "network", "parameters", "training", "AUC", *(f"1/ε at {float(each):.0%}" for each in points)]
    rows = []
    for name, run in zip(material.names, material.runs, strict=True):
        training = run.training
        row = [name, run.config.model.name, grouped(training["parameters"]), duration(training["seconds"])]
        if is_evaluated(run):
            entry = run.metrics[ALL]
            row.append(with_error(entry["auc"]["value"], entry["auc"]["error"]))
            row += [rejection_text(entry["rejection"][each]) if each in entry["rejection"] else "" for each in points]
        rows.append(row + ["not evaluated"] * (len(columns) - len(row)))
    seeds = [run.metrics.get("members") if is_evaluated(run) else None for run in material.runs]
    if any(seeds):
        columns.append("AUC of single seeds ± their spread")
        rows = [
            [*row, _spread(found[ALL]["auc"]) if found else "one seed"] for row, found in zip(rows, seeds, strict=True)
        ]
    return Table(
        "Against all backgrounds: AUC, and 1/ε at signal efficiencies; “>” is a lower limit at 95 % confidence",
        columns,
        rows,
    )


def _spread(found: dict[str, Any]) -> str:
    return f"{with_error(found['mean'], found['standard_deviation'])} ({len(found['values'])} seeds)"


def _curves(material: Material) -> Figure:
    traces: list[Trace] = []
    for (name, run), colour, dash in zip(material.evaluated, cycle(COLOURS), cycle(DASHES), strict=False):
        metrics = run.metrics
        least = metrics["settings"]["min_effective_background"]
        shown, *rest = reversed(roc_traces(name, metrics[ALL], least, colour, dash)[:3])
        traces += [trace | {"showlegend": trace is shown} for trace in (*rest, shown)]
    layout = roc_axes([run.metrics[ALL] for _, run in material.evaluated])
    names = [name for name, _ in material.evaluated]
    return Figure(
        "roc-of-runs", "variants",
        "Background rejection of every run against all backgrounds, with 68 % bands; thin and dotted where few "
        "effective background events pass. The bands hold the events that the runs share: differences are surer "
        "than they look.",
        f"Receiver operating characteristics of {', '.join(names)}.", one(traces, layout),
    )  # fmt: skip


def _differences(material: Material) -> list[Part]:
    """As `mscat compare` has them: resampled on the test events that both runs share."""
    (first_name, first), *others = material.evaluated
    settings, rows, strangers = first.config.evaluate, [], []
    scores = read_scores(first.path / "scores.h5")
    for name, run in others:
        try:
            found = compare_auc(
                scores, read_scores(run.path / "scores.h5"), settings.bootstrap_replicas, first.config.seed
            )
        except ValueError:
            strangers.append(name)
            continue
        sigmas = f"{found['standard_errors']:+.1f}"
        rows.append([f"{first_name} − {name}", with_error(found["difference"], found["error"]), sigmas])
    parts: list[Part] = []
    if rows:
        caption = "Paired differences of AUC, resampled on the same test events"
        parts.append(Table(caption, ["difference", "AUC", "in standard errors"], rows))
        parts.append(Text("These errors hold the test events, not how much a training with another seed would differ."))
    if strangers:
        parts.append(
            Text(f"Tested on other events than {first_name}, so no paired difference: {', '.join(strangers)}.")
        )
    return parts


def _ablation(material: Material) -> Table:
    """A row for each run: which settings differ from those of the first."""
    configurations = [_decisive(run) for run in material.runs]
    flat = [dict(_leaves(configuration)) for configuration in configurations]
    differing = [
        key for key in dict.fromkeys(key for each in flat for key in each) if len({str(e.get(key)) for e in flat}) > 1
    ]
    rows = []
    for name, run, own in zip(material.names, material.runs, flat, strict=True):
        changed = [f"`{key}: {_shown(own.get(key))}`" for key in differing if own.get(key) != flat[0].get(key)]
        words = "the first" if run is material.first else ", ".join(changed) or "nothing"
        auc = run.metrics[ALL]["auc"] if is_evaluated(run) else None
        rows.append([name, words, with_error(auc["value"], auc["error"]) if auc else "not evaluated"])
    return Table(f"What differs from {material.names[0]}", ["run", "settings", "AUC"], rows, words=True)


def _decisive(run: Run) -> dict[str, Any]:
    values = run.config.model_dump(mode="json")
    return {key: value for key, value in values.items() if key not in LEFT_OUT}


def _leaves(values: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """`model.width`, 32 and so on."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _leaves(value, f"{place}.{key}" if place else str(key))
    else:
        yield place, values


def _shown(value: Any) -> str:
    return str(yaml.safe_dump(value, default_flow_style=True)).removesuffix("...\n").strip()
