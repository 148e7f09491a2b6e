"""Attention explorer: mean maps of every layer, head, process and verdict, and maps of single events."""

from typing import Any

import numpy as np

from mscat_tf.explanation import StoredMaps
from mscat_tf.report.arrays import halves
from mscat_tf.report.blocks import cross_first, title
from mscat_tf.report.explained import Explained
from mscat_tf.report.material import Material
from mscat_tf.report.numbers import grouped
from mscat_tf.report.section import Choice, Figure, Part, Section, Text
from mscat_tf.report.sections.groups import group_choices, groups_of
from mscat_tf.report.sections.projections import projections
from mscat_tf.report.shown_events import Axes, jets_of

MOST_BYTES = 3_000_000
"""Of the mean maps of single heads; beyond that only means over heads are embedded."""


def attention_section(material: Material) -> Section:
    """The explorer and the projections of `attention.h5`; carries the single events that others draw as well."""
    explained = material.explained
    stored, axes, events = explained.attention, material.attention_axes, material.shown
    shared = {"events": events} if events else {}
    if stored is None:
        missing = Text(f"No attention maps of this run. {explained.how}", missing=True)
        return Section("attention", "Attention explorer", [missing], shared)
    jets = jets_of(stored, "events/")
    parts: list[Part] = [Text(_counts(explained, events)), _explorer(stored, axes, events), *projections(stored, jets)]
    if not events:
        parts.insert(1, Text("No single events: `explain.shown_events` was 0, or an earlier version made the file."))
    return Section("attention", "Attention explorer", parts, shared)


def _counts(explained: Explained, events: dict[str, Any] | None) -> str:
    stored = explained.attention
    assert stored is not None
    used = stored.attribute("events")
    text = "Means over " + ", ".join(f"{grouped(number)} {name}" for name, number in used.items()) + " test events."
    if "threshold" in stored.attributes:
        text += (
            f" Rightly classified: signal with a logit of at least {stored.attributes['threshold']:.3g}, where half "
            "of the signal is kept, and background below it."
        )
    if events:
        number = len(events["events"])
        text += (
            f" {number} single events are embedded, the first of each process (`--events` sets how many; `mscat "
            "explain` keeps `explain.shown_events` of each); their scores are rounded to 256 steps, those of means "
            "to three digits."
        )
    return text


def _explorer(stored: StoredMaps, axes: Axes, events: dict[str, Any] | None) -> Figure:
    jets = jets_of(stored, "events/")
    size = sum(2 * int(np.prod(stored.shape(f"{block}/per_head"))) for block in axes)
    blocks: dict[str, Any] = {}
    for block, (queries, keys) in axes.items():
        entry: dict[str, Any] = {"queries": [s.as_json() for s in queries], "keys": [s.as_json() for s in keys]}
        entry["mean"] = halves(stored.read(f"{block}/mean"))
        entry["heads"] = stored.shape(f"{block}/per_head")[1]
        if size <= MOST_BYTES:
            entry["per_head"] = halves(stored.read(f"{block}/per_head"))
        entry["real"] = stored.read(f"{block}/real_queries").tolist()
        blocks[block] = entry
    heads = max((entry["heads"] for entry in blocks.values()), default=0)
    most = (
        max((sum(e["process"] == p for e in events["events"]) for p in range(len(events["processes"]))), default=0)
        if events
        else 0
    )
    of_heads = [(str(head), f"head {head + 1}") for head in range(heads)]
    of_events = [(str(number), f"event {number + 1}") for number in range(most)]
    choices = [
        Choice("block", "Layer", [(block, title(block, jets)) for block in cross_first(blocks)]),
        *group_choices(stored),
        Choice("head", "Head", [("mean", "mean of heads"), *of_heads]),
        Choice("event", "Average or single event", [("mean", "mean of events"), *of_events]),
    ]
    note = (
        ""
        if size <= MOST_BYTES
        else " The mean maps of single heads would be too large for this page; they are in `attention.h5`."
    )
    return Figure(
        "attention-map", "attention",
        "Attention scores: each row is a query, which shares one unit of attention among the keys; constituents are "
        "in the order of their transverse momentum. Padding is left out; grey: no event has this query." + note,
        "Heat map of attention scores, queries downwards and keys to the right.",
        {"blocks": blocks, "groups": groups_of(stored)}, choices, steps="event" if most else None,
    )  # fmt: skip
