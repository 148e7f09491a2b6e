"""Single events for the explorers: their constituents, attributions and attention scores, without padding."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.explanation import StoredMaps
from mscat_tf.report.arrays import finite, halves, rounded, steps
from mscat_tf.report.blocks import Span, axes_of
from mscat_tf.report.explained import Explained

METHODS = {
    "maps": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "score_cam": "Score-CAM",
    "integrated_gradients": "integrated gradients",
}
"""Arrays of `gradcam.h5` below `jet_j`, and what they are called."""
Axes = dict[str, tuple[list[Span], list[Span]]]
Rows = NDArray[np.int64]


def methods_of(stored: StoredMaps | None) -> dict[str, str]:
    """Which of the methods a file holds."""
    return {key: text for key, text in METHODS.items() if stored and f"jet_1/{key}" in stored}


def jets_of(stored: StoredMaps, place: str = "") -> int:
    """Number of jets whose constituents are stored."""
    jets = 0
    while f"{place}jet_{jets + 1}/mask" in stored:
        jets += 1
    return jets


def attention_axes(stored: StoredMaps) -> Axes:
    """Queries and keys of each attention block of a file."""
    tokens, jets = stored.attribute("tokens"), jets_of(stored, "events/")
    constituents = stored.shape("events/jet_1/mask")[1] if jets else 0
    found: Axes = {}
    for name in sorted(stored):
        block, _, rest = name.partition("/")
        if rest == "mean":
            _, queries, keys = stored.shape(name)
            found[block] = axes_of(block, queries, keys, tokens, jets, constituents)
    return found


def first_of_each(process: NDArray[Any], limit: int) -> Rows:
    """Places of the first `limit` events of every process, in the order of the file."""
    order = np.argsort(process, kind="stable")
    ordered = process[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return np.sort(order[rank < limit])


def shown_events(explained: Explained, axes: Axes, limit: int) -> dict[str, Any] | None:
    """Events as JSON; None where neither file holds any.

    Args:
        explained: of a run. axes: queries and keys of each attention block. limit: of each process.
    """
    attention, cams = explained.attention, explained.grad_cam
    source, place = (attention, "events/") if attention and "events/row" in attention else (cams, "")
    if source is None or f"{place}jet_1/mask" not in source or f"{place}jet_1/pt" not in source:
        return None
    rows = first_of_each(source.read(f"{place}process"), limit)
    if not len(rows):
        return None
    columns = {name: source.read(f"{place}{name}", rows) for name in ("process", "row", "label", "logit")}
    events: list[dict[str, Any]] = [
        {name: finite(float(values[number])) for name, values in columns.items()} for number in range(len(rows))
    ]
    masks = []
    for jet in range(1, jets_of(source, place) + 1):
        mask = source.read(f"{place}jet_{jet}/mask", rows).astype(bool)
        masks.append(mask)
        for name in ("eta", "phi", "pt"):
            values = source.read(f"{place}jet_{jet}/{name}", rows)
            for event, own, real in zip(events, values, mask, strict=True):
                event.setdefault("jets", [])
                if name == "eta":
                    event["jets"].append({"count": int(real.sum()), "methods": {}})
                event["jets"][jet - 1][name] = halves(own[real])
    if cams is not None:
        _add_attributions(events, cams, columns["row"], masks)
    if attention is not None and place:
        _add_attention(events, attention, rows, masks, axes)
    return {"processes": source.attribute("processes"), "events": events}


def _add_attributions(events: list[Any], cams: StoredMaps, row: Rows, masks: Sequence[NDArray[np.bool_]]) -> None:
    """Of those events that `gradcam.h5` has, too."""
    known = {int(each): place for place, each in enumerate(cams.read("row"))}
    found = [known.get(int(each)) for each in row]
    places = np.array(sorted({place for place in found if place is not None}), dtype=np.int64)
    if not len(places):
        return
    for jet, mask in enumerate(masks):
        for method in methods_of(cams):
            values = dict(zip(places.tolist(), cams.read(f"jet_{jet + 1}/{method}", places), strict=True))
            for event, place, real in zip(events, found, mask, strict=True):
                if place is not None:
                    event["jets"][jet]["methods"][method] = halves(values[place][real])
    if "kinematics/integrated_gradients" in cams:
        values = dict(zip(places.tolist(), cams.read("kinematics/integrated_gradients", places), strict=True))
        for event, place in zip(events, found, strict=True):
            if place is not None:
                event["kinematics"] = rounded(values[place], 4)


def _add_attention(
    events: list[Any], attention: StoredMaps, rows: Rows, masks: Sequence[NDArray[np.bool_]], axes: Axes
) -> None:
    """Scores of every block and head, quantised; queries and keys that are padding left out."""
    for block, (queries, keys) in axes.items():
        if f"events/{block}" not in attention:
            continue
        scores = attention.read(f"events/{block}", rows)
        for number, event in enumerate(events):
            real = [_real(spans, [mask[number] for mask in masks]) for spans in (queries, keys)]
            own = scores[number][:, real[0]][:, :, real[1]]
            if own.size:
                event.setdefault("attention", {})[block] = steps(np.nan_to_num(own.astype(np.float64)))


def _real(spans: Sequence[Span], masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Which tokens of an axis are no padding."""
    return np.concatenate([masks[span.jet - 1] if span.jet else np.ones(span.count, bool) for span in spans])
