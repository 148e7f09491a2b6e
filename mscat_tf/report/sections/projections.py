"""Where attention goes: in the plane of the jet frame, by rank in transverse momentum, by distance to b hadrons."""

from typing import Any

from mscat_tf.evaluation.style import process_colours
from mscat_tf.explanation import StoredMaps
from mscat_tf.report.arrays import halves
from mscat_tf.report.blocks import jet_label, title
from mscat_tf.report.section import Choice, Figure, Part
from mscat_tf.report.sections.groups import group_choices, groups_of, verdict_choice

ROLLOUT = "rollout"
KINDS = {
    "rank": "rank in transverse momentum",
    "truth": "distance to the nearest b hadron",
    ROLLOUT: "rank, rollout through all layers",
}
Data = dict[str, Any]


def projections(stored: StoredMaps, jets: int) -> list[Part]:
    """Figures of what the file holds of them.

    Args:
        stored: `attention.h5`. jets: of the sample.
    """
    return [*_plane(stored, jets), *_curves(stored, jets)]


def _of_jets(stored: StoredMaps, prefix: str, jets: int) -> dict[str, dict[str, str]]:
    """Names of arrays `<prefix>/<block>/jet_j`, by block and jet."""
    found: dict[str, dict[str, str]] = {}
    for name in sorted(stored):
        if name.startswith(f"{prefix}/"):
            block, _, jet = name.removeprefix(f"{prefix}/").rpartition("/")
            if jet.removeprefix("jet_") in map(str, range(1, jets + 1)):
                found.setdefault(block, {})[jet.removeprefix("jet_")] = name
    return found


def _readers(stored: StoredMaps, block: str, count: int) -> list[str]:
    """Labels of who reads: rows of the projections of a block."""
    labels = stored.attributes.get("rollout_rows" if block == ROLLOUT else "readers", {})
    known = labels if block == ROLLOUT else labels.get(block, [])
    return list(known) if len(known) == count else [f"token {row + 1}" for row in range(count)]


def _plane(stored: StoredMaps, jets: int) -> list[Part]:
    found = _of_jets(stored, "plane", jets)
    if not found:
        return []
    blocks: Data = {}
    for block, names in found.items():
        readers = _readers(stored, block, stored.shape(next(iter(names.values())))[1])
        maps = {jet: halves(stored.read(name)) for jet, name in names.items()}
        blocks[block] = {"readers": readers, "maps": maps}
    labels = list(dict.fromkeys(label for entry in blocks.values() for label in entry["readers"]))
    choices = [
        Choice("block", "Layer", [(block, title(block, jets)) for block in blocks]),
        Choice("reader", "Read by", [(label, label) for label in labels]),
        *group_choices(stored),
    ]
    data = {
        "blocks": blocks, "groups": groups_of(stored), "plane": stored.attribute("plane_edges")[-1],
        "jets": [jet_label(jet, jets) for jet in range(1, jets + 1)],
    }  # fmt: skip
    return [
        Figure(
            "attention-plane", "attentionPlane",
            "Attention from outside the jets to their constituents, per unit area of the (η, φ) plane of the jet "
            "frame, mean of heads and events; its integral is the share of attention that goes to the jet.",
            "Heat map of attention in the (eta, phi) plane of each jet.", data, choices,
        )
    ]  # fmt: skip


def _curves(stored: StoredMaps, jets: int) -> list[Part]:
    sources = {kind: _sources(stored, kind, jets) for kind in KINDS}
    sources = {kind: found for kind, found in sources.items() if found}
    if not sources:
        return []
    groups = groups_of(stored)
    processes = list(dict.fromkeys(process for process, _ in groups))
    kinds = {group["process"]: group["name"] for group in stored.attribute("groups")}
    colours = process_colours([int(kinds[process] == "signal") for process in processes])
    every = [entry for found in sources.values() for entry in found.values()]
    labels = list(dict.fromkeys(label for entry in every for label in entry["readers"]))
    blocks = dict.fromkeys(block for found in sources.values() for block in found)
    data = {
        "sources": sources, "groups": groups, "edges": stored.attributes.get("truth_edges"),
        "processes": processes, "colours": colours,
    }  # fmt: skip
    choices = [
        Choice("kind", "Against", [(kind, KINDS[kind]) for kind in sources]),
        Choice("block", "Layer", [(block, "rollout" if block == ROLLOUT else title(block, jets)) for block in blocks]),
        Choice("reader", "Read by", [(label, label) for label in labels]),
        Choice("jet", "Jet", [(str(jet), jet_label(jet, jets)) for jet in range(1, jets + 1)]),
        verdict_choice(stored),
    ]
    return [
        Figure(
            "attention-curves", "attentionCurves",
            "Attention to constituents, mean of heads and events, with its standard error. By rank: the dotted "
            "lines share the attention that the jet gets evenly. By distance to b hadrons: the dashed lines share "
            "it like transverse momentum, the dotted ones evenly. Rollout follows attention through all layers down "
            "to the inputs (arXiv:2005.00928); values and signs do not enter it.",
            "Curves of attention for every process.", data, choices,
        )
    ]  # fmt: skip


def _sources(stored: StoredMaps, kind: str, jets: int) -> Data:
    """By block: who reads, and for each jet the curves `(groups, readers, points)` with errors and references."""
    prefixes = {"rank": {"even": "rank_even"}, "truth": {"pt": "truth_pt", "even": "truth_number"}, ROLLOUT: {}}[kind]
    found: Data = {}
    for block, names in _of_jets(stored, kind, jets).items():
        name = block or ROLLOUT
        readers = _readers(stored, name, stored.shape(next(iter(names.values())))[1])
        curves: Data = {}
        for jet, array in names.items():
            curves[jet] = {"value": halves(stored.read(array))}
            rest = array.removeprefix(f"{kind}/")
            for key, prefix in {"error": f"{kind}_error", **prefixes}.items():
                if f"{prefix}/{rest}" in stored:
                    curves[jet][key] = halves(stored.read(f"{prefix}/{rest}"))
        found[name] = {"readers": readers, "jets": curves}
    return found
