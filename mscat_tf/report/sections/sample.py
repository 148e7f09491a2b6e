"""The sample that the run was trained on: what it holds and which cuts made it."""

from typing import Any

from mscat_tf.data import Sample
from mscat_tf.errors import MscatError
from mscat_tf.evaluation.style import process_colours
from mscat_tf.number_text import with_error
from mscat_tf.report.material import Material
from mscat_tf.report.numbers import grouped
from mscat_tf.report.plots import SYMBOLS, axes, one, plotly_text
from mscat_tf.report.section import Figure, Part, Section, Table, Text
from mscat_tf.run_folder import sample_path


def sample_section(material: Material) -> Section:
    """Processes, splits and cut flow, from the headers of the sample's files."""
    run = material.first
    parts: list[Part] = []
    try:
        with Sample(sample_path(run.config)) as sample:
            parts += _of_sample(sample, run.training["splits"])
    except MscatError as error:
        parts.append(Text(f"The sample is not where it was, so its cut flow is left out ({error}).", missing=True))
    parts.append(_splits(run.training["splits"]))
    return Section("sample", "Sample and cut flow", parts)


def _of_sample(sample: Sample, splits: dict[str, Any]) -> list[Part]:
    header = sample.header
    text = (
        f"{grouped(len(sample))} selected events in {len(sample.files)} files: {header.jets} jets of up to "
        f"{header.constituents} constituents, {header.tokens} kinematic tokens; seed {header.seed}, configuration "
        f"`{header.digest}`."
    )
    rows = []
    for name, label in zip(header.processes, header.labels, strict=True):
        if norm := sample.normalisation.get(name):
            selected = sum(parts[name]["events"] for parts in splits.values() if name in parts)
            cross_section = with_error(norm.cross_section_fb, norm.cross_section_error_fb)
            kind = "signal" if label else "background"
            rows.append([name, kind, grouped(norm.generated_events), grouped(selected), cross_section])
    columns = ["process", "kind", "generated", "selected, in a split", "cross-section before cuts [fb]"]
    processes = Table("Processes", columns, rows)
    return [Text(text), processes, *_cut_flow(sample)]


def _cut_flow(sample: Sample) -> list[Part]:
    flow = {name: rows for name, rows in sample.cut_flow.items() if rows}
    if not flow:
        return [Text("The files of the sample hold no cut flow: it was made elsewhere.")]
    cuts = list(dict.fromkeys(row["cut"] for rows in flow.values() for row in rows))
    labels = dict(zip(sample.header.processes, process_colours(sample.header.labels), strict=True))
    traces, cells = [], {cut: [cut] for cut in cuts}
    for number, (name, rows) in enumerate(flow.items()):
        start, found = rows[0]["weighted"], {row["cut"]: row for row in rows}
        shares = [found[cut]["weighted"] / start if cut in found and start else None for cut in cuts]
        marker = {"color": labels[name], "symbol": SYMBOLS[number % len(SYMBOLS)], "size": 8}
        shown = [share if share else None for share in shares]
        traces.append(
            {
                "type": "scatter", "mode": "lines+markers", "name": plotly_text(name),
                "y": [plotly_text(cut) for cut in cuts], "x": shown, "marker": marker, "line": {"color": labels[name]},
            }
        )  # fmt: skip
        for cut, share in zip(cuts, shares, strict=True):
            cells[cut] += [grouped(found[cut]["raw"]) if cut in found else "", "" if share is None else f"{share:.3%}"]
    columns = ["cut", *(text for name in flow for text in (name, "share of weight"))]
    layout = axes("share of generated weight that is left", "", x_log=True)
    layout["yaxis"] |= {"autorange": "reversed", "automargin": True, "title": None}
    last = ", ".join(
        f"{name} {row[-1]['weighted'] / row[0]['weighted']:.2%}" for name, row in flow.items() if row[0]["weighted"]
    )
    return [
        Figure(
            "cut-flow", "variants", "What each cut leaves of every process.",
            f"Share of the generated weight left after each of {len(cuts)} cuts, falling to: {last}.",
            one(traces, layout),
            numbers=Table("Cut flow: events and share of weight", columns, list(cells.values()), folded=True),
        )
    ]  # fmt: skip


def _splits(splits: dict[str, Any]) -> Table:
    rows = [
        [split, name, grouped(part["events"]), f"{part['effective_events']:.1f}"]
        for split, processes in splits.items()
        for name, part in processes.items()
    ]
    return Table(
        "Events of each split; effective: (sum w)² / sum w²", ["split", "process", "events", "effective"], rows
    )
