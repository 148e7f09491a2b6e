"""Can attributions be believed? Randomised weights must change them, and what they name must matter."""

from typing import Any

from mscat_tf.evaluation.style import COLOURS
from mscat_tf.number_text import with_error
from mscat_tf.report.plots import DASHES, SYMBOLS, around, axes, one, points, variants
from mscat_tf.report.section import Choice, Figure, Part, Table, Text

WORDS = {
    "grad_cam": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "score_cam": "Score-CAM",
    "integrated_gradients": "integrated gradients",
    "attention_rollout": "attention rollout",
}
Numbers = dict[str, Any]


def randomisation(numbers: Numbers) -> list[Part]:
    """Rank correlation with the maps of the trained network while more and more layers are random."""
    found = numbers["randomisation"]
    layers, methods = found["layers"], found["methods"]
    stages = list(range(1, len(layers) + 1))
    traces = []
    for number, (name, entries) in enumerate(methods.items()):
        columns = [entry["value"] for entry in entries], [entry["error"] for entry in entries]
        traces.append(_curve(WORDS.get(name, name), stages, *columns, number))
    layout = axes("random layers, from the logit down", "rank correlation")
    rows = [
        [str(stage), layer, *(_with_undefined(entries[stage - 1]) for entries in methods.values())]
        for stage, layer in zip(stages, layers, strict=True)
    ]
    titles = ["layers", "the last of them", *(WORDS.get(name, name) for name in methods)]
    last = ", ".join(f"{WORDS.get(n, n)} {_with_undefined(entries[-1])}" for n, entries in methods.items() if entries)
    return [
        Text(
            "Randomisation of the weights (arXiv:1810.03292): an explanation that stays the same while layers are "
            f"randomised says nothing of what was learned. Rank correlation when all layers are random: {last}."
        ),
        Figure(
            "randomisation", "variants",
            "Spearman correlation of the attributions with those of the trained network, mean over "
            f"{found['events']} events with its standard error. Events whose map is the same for all constituents "
            "have no order and are left out.",
            f"Rank correlation against the number of random layers; at the end {last}.", one(traces, layout),
            numbers=Table("Every stage", titles, rows, folded=True),
        ),
    ]  # fmt: skip


def insertion_deletion(numbers: Numbers) -> list[Part]:
    """Logit while constituents are taken away or brought in, and areas between the curves."""
    found = numbers["insertion_deletion"]
    fractions, methods = found["fractions"], found["methods"]
    drawn = {}
    for kind, words in (("deletion", "removed"), ("insertion", "brought in")):
        traces = [
            _curve(WORDS.get(name, name), fractions, entry[kind]["logit"], entry[kind]["error"], number)
            for number, (name, entry) in enumerate(methods.items())
        ]
        drawn[kind] = (traces, axes(f"share of constituents {words}", "mean logit of signal events"))
    rows = [
        [
            WORDS.get(name, name),
            *(_area(entry[kind], other) for kind in drawn for other in ("random", "transverse_momentum")),
        ]
        for name, entry in methods.items()
    ]
    columns = ["order", *(f"{kind}, than {other}" for kind in drawn for other in ("random", "pT"))]
    return [
        Figure(
            "insertion-deletion", "variants",
            f"Mean logit of {found['events']} signal events while constituents are removed, or brought in, the most "
            "important ones first: a good order falls early when they are removed and rises early when they are "
            "brought in.",
            f"Curves of the mean logit for the orders {', '.join(WORDS.get(name, name) for name in methods)}.",
            variants(drawn),
            [Choice("kind", "Constituents are", [("deletion", "removed"), ("insertion", "brought in")])],
        ),
        Table("Area by which an order is better than another one [logit]; negative: worse", columns, rows),
    ]  # fmt: skip


def _curve(name: str, x: list[Any], values: list[Any], errors: list[Any], number: int) -> Numbers:
    colour, symbol = COLOURS[number % len(COLOURS)], SYMBOLS[number % len(SYMBOLS)]
    trace = points(name, x, values, *around(values, errors), colour, symbol)
    return trace | {
        "mode": "lines+markers",
        "line": {"color": colour, "dash": DASHES[number % len(DASHES)], "width": 1.5},
    }


def _area(entry: Numbers, other: str) -> str:
    found = entry.get(f"better_than_{other}")
    return with_error(found["value"], found["error"]) if found else ""


def _with_undefined(entry: Numbers) -> str:
    if entry["value"] is None:
        return "undefined in all events"
    undefined = f" (undefined in {entry['undefined']:.0%})" if entry["undefined"] else ""
    return with_error(entry["value"], entry["error"]) + undefined
