"""How concentrated the attention of each head is."""

from typing import Any

from mscat_tf.evaluation.style import process_colours
from mscat_tf.number_text import with_error
from mscat_tf.report.blocks import cross_first, title
from mscat_tf.report.plots import SYMBOLS, around, axes, points, variants
from mscat_tf.report.section import Choice, Figure, Part, Table

MEASURES = {
    "entropy": "entropy / ln(keys)",
    "sparsity": "sparsity (Hoyer)",
    "effective_keys": "effective keys 1 / Σ p²",
}


def head_numbers(numbers: dict[str, Any]) -> list[Part]:
    """One figure with all heads of a layer, and everything as a table.

    Args:
        numbers: `explanation.json`; `attention` holds by block, measure and process a list over heads of `value` and
            `error`.
    """
    found = numbers["attention"]
    kinds = {group["process"]: int(group["name"] == "signal") for group in numbers["groups"]}
    colours = dict(zip(kinds, process_colours(list(kinds.values())), strict=True))
    blocks = cross_first(found)
    measures = [name for name in MEASURES if any(name in entry for entry in found.values())]
    jets = max((int(block.split("_")[1]) for block in blocks if block.startswith("constituents_")), default=2)
    drawn = {}
    for block in blocks:
        for measure in measures:
            traces = [
                _trace(process, heads, number, colours[process])
                for number, (process, heads) in enumerate(found[block][measure].items())
            ]
            layout = axes("head", MEASURES[measure])
            layout["xaxis"] |= {"dtick": 1}
            drawn[f"{block}|{measure}"] = (traces, layout)
    rows = [
        [
            title(block, jets),
            str(head + 1),
            process,
            *(_text(found[block][measure][process][head]) for measure in measures),
        ]
        for block in blocks
        for process, heads in found[block][measures[0]].items()
        for head in range(len(heads))
    ]
    columns = ["layer", "head", "process", *(MEASURES[measure] for measure in measures)]
    figure = Figure(
        "heads", "variants",
        "How concentrated each head's attention is, mean over events with its standard error. Entropy is 0 where "
        "one key gets everything and 1 where all real keys get the same; sparsity the other way round.",
        "Points for every head and process.", variants(drawn),
        [
            Choice("block", "Layer", [(block, title(block, jets)) for block in blocks]),
            Choice("measure", "Measure", [(measure, MEASURES[measure]) for measure in measures]),
        ],
        Table("All heads", columns, rows, folded=True),
    )  # fmt: skip
    return [figure]


def _trace(process: str, heads: list[dict[str, float | None]], number: int, colour: str) -> dict[str, Any]:
    places = [head + 1 + 0.08 * (number - 1) for head in range(len(heads))]
    values = [head["value"] for head in heads]
    low, high = around(values, [head["error"] for head in heads])
    return points(process, places, values, low, high, colour, SYMBOLS[number % len(SYMBOLS)])


def _text(head: dict[str, float | None]) -> str:
    return "no events" if head["value"] is None else with_error(head["value"], head["error"])
