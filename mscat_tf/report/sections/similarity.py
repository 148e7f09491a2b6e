"""How alike the layers of this network are to those of others, or to each other: centred kernel alignment."""

from typing import Any

from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.interpretation.cka_figure import layer_label
from mscat_tf.interpretation.cka_file import Comparison, comparisons, most_alike
from mscat_tf.number_text import with_error
from mscat_tf.report.material import Material
from mscat_tf.report.numbers import grouped
from mscat_tf.report.plots import plotly_text, variants
from mscat_tf.report.section import Choice, Figure, Part, Section, Table, Text

KERNELS = {"linear": "linear", "rbf": "Gaussian"}
ROW, BESIDE = 26, 190
"""Pixels: of a layer, and of the names below."""


def similarity_section(material: Material) -> Section:
    """One map for each run that this one was compared with, and each kernel."""
    run = material.first
    found = comparisons(run.path)
    anchor, heading = "similarity", "Similarity of layers"
    if not found:
        trees = run.config.model.name == BOOSTED_TREES
        how = "boosted trees have none" if trees else f"`mscat explain {run.path} --cka [OTHER_RUN]` makes it"
        return Section(anchor, heading, [Text(f"No comparison of layers of this run: {how}.", missing=True)])
    return Section(anchor, heading, [*_notes(found), _figure(found)])


def _notes(found: list[Comparison]) -> list[Part]:
    notes: list[Part] = []
    for comparison in found:
        text = (
            f"{_title(comparison)}: {grouped(comparison['events'])} test events in {comparison['batches']} batches of "
            f"{comparison['batch_size']}."
        )
        constant = sorted({name for names in comparison["constant"] for name in names})
        text += f" The same for all events, hence left out: {', '.join(constant)}." if constant else ""
        notes.append(Text(text))
    return notes


def _figure(found: list[Comparison]) -> Figure:
    drawn = {
        f"{number}|{kernel}": _map(comparison, kernel) for number, comparison in enumerate(found) for kernel in KERNELS
    }
    columns = ["runs", "layer", "layer of the other", "linear CKA", "Gaussian kernel"]
    return Figure(
        "similarity-map", "variants",
        "Centred kernel alignment, unbiased: 1 where two layers say the same of the events up to a rotation and a "
        "factor, 0 where they are independent. Input side first.",
        "Heat map: layers of this run downwards, of the other run to the right.", variants(drawn),
        [
            Choice("other", "Compared", [(str(number), _title(one)) for number, one in enumerate(found)]),
            Choice("kernel", "Kernel", list(KERNELS.items())),
        ],
        Table("Layers most alike", columns, [row for one in found for row in _rows(one)], folded=True),
    )  # fmt: skip


def _title(comparison: Comparison) -> str:
    first, second = (run["name"] for run in comparison["runs"])
    return f"{first} with itself" if first == second else f"{first} with {second}"


def _map(comparison: Comparison, kernel: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    first, second = comparison["runs"]
    names = [[plotly_text(layer_label(name)) for name in run["layers"]] for run in (first, second)]
    values = comparison[kernel]["value"]
    trace = {
        "type": "heatmap", "x": names[1], "y": names[0], "colorscale": "Viridis", "zmin": 0, "zmax": 1,
        "z": [[None if value is None else round(value, 4) for value in row] for row in values],
        "colorbar": {"title": {"text": "CKA", "side": "right"}, "thickness": 14, "outlinewidth": 0},
        "hovertemplate": "%{y}, %{x}: %{z:.3f}<extra></extra>",
    }  # fmt: skip
    small = {"tickfont": {"size": 11}, "dtick": 1}
    return [trace], {
        "height": ROW * len(names[0]) + BESIDE,
        "xaxis": {**small, "tickangle": -90, "title": {"text": plotly_text(f"layers of {second['name']}")}},
        "yaxis": {**small, "autorange": "reversed", "title": {"text": plotly_text(f"layers of {first['name']}")}},
    }


def _rows(comparison: Comparison) -> list[list[str]]:
    first, second = (run["layers"] for run in comparison["runs"])
    found = []
    for place, name in enumerate(first):
        best = second.index(name) if name in second and first != second else most_alike(comparison, place)
        if best is not None:
            cells = [
                with_error(comparison[kernel]["value"][place][best], comparison[kernel]["error"][place][best])
                for kernel in KERNELS
            ]
            found.append([_title(comparison), name, second[best], *cells])
    return found
