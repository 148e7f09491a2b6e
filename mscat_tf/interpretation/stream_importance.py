"""What each stream of inputs is worth to a trained network: the AUC that is lost when it comes from another event.

Permutation importance (Breiman, Machine Learning 45 (2001) 5, section 10; arXiv:1801.01489): among all test events,
whatever their class, one stream is dealt anew, the rest stays. What is lost is what the network took from the stream
and from its relations to the others. A stream that the network ignores loses exactly nothing. Two streams that say
the same protect each other, so that little is lost by either: see all jets together as well. A single column that is
dealt anew gives events that no physics makes; the network was never shown such. A column of constituents is dealt place
by place (first constituents among first ones), each from the next event that has a constituent there, in an order of
the events that is the same for all places: so padding stays padding, and most events get the column of one other event.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.data.stream import EventStream
from mscat_tf.evaluation.bootstrap import resample
from mscat_tf.evaluation.metrics import weighted_auc
from mscat_tf.files import write_json
from mscat_tf.models.inputs import mask_name
from mscat_tf.physics.high_level_columns import COLUMNS
from mscat_tf.run_folder import Run

Inputs = Mapping[str, NDArray[Any]]
Stream = tuple[tuple[str, int | None], ...]
"""Names of inputs, each whole or one column of it."""

FILE = "importance.json"
LOW_SCALE = re.compile(r"(constituents|lund|subjets)_(\d+)")
BATCH = 512


@dataclass(frozen=True)
class Settings:
    """How it is measured.

    Attributes:
        events: at most so many test events, drawn at random. permutations: of each stream, averaged over.
        replicas: of the bootstrap. seed: of all this.
    """

    events: int = 20_000
    permutations: int = 3
    replicas: int = 100
    seed: int = 1


@dataclass(frozen=True)
class Events:
    """Test events: `inputs` by name, and `(n,)` each of the rest, as in `EventTable`."""

    inputs: Inputs
    label: NDArray[Any]
    weight: NDArray[np.float64]
    group_id: NDArray[np.uint64]
    process: NDArray[Any]


def streams_of(inputs: Sequence[str], kinematic_features: Sequence[str]) -> dict[str, Stream]:
    """Streams among the inputs of a network by name: each jet, all jets together, kinematics and its columns."""
    jets: dict[str, Stream] = {}
    for name in inputs:
        if number := re.search(r"_(\d+)$", name):
            jets[f"jet {number[1]}"] = (*jets.get(f"jet {number[1]}", ()), (name, None))
    found = dict(sorted(jets.items()))
    if len(jets) > 1:
        found["all jets"] = tuple(part for jet in found.values() for part in jet)
    if "event_shapes" in inputs:
        found["event shapes"] = (("event_shapes", None),)
    if "kinematics" in inputs:
        found["kinematics"] = (("kinematics", None),)
        found |= {f"kinematics: {name}": (("kinematics", n),) for n, name in enumerate(kinematic_features)}
    return found


def features_of(
    inputs: Sequence[str],
    low_scale: Mapping[str, Sequence[str]],
    kinematics: Sequence[str],
    shapes: Sequence[str] = (),
    variables: Sequence[str] = (),
) -> dict[str, Stream]:
    """Single columns among the inputs of a network by name: `constituents: pt` of all jets, `kinematics: m` of all
    tokens, `event shapes: sphericity`; of named jet variables all of a group that are read, `variables: s2_all_all`.

    Args:
        inputs: names. low_scale: columns of `constituents`, `lund` and `subjets`. kinematics, shapes: columns.
        variables: names of the jet variables.
    """
    found: dict[str, Stream] = {}
    of_jets = [name for name in inputs if re.fullmatch(r"high_level_\d+", name)]
    for group in dict.fromkeys(COLUMNS[name].group for name in variables) if of_jets else ():
        places = [place for place, name in enumerate(variables) if COLUMNS[name].group == group]
        label = group if len(places) > 1 else variables[places[0]]
        found[f"variables: {label}"] = tuple((jet, place) for jet in of_jets for place in places)
    for stream, columns in low_scale.items():
        own = [name for name in inputs if re.fullmatch(rf"{stream}_\d+", name)]
        if own:
            found |= {f"{stream}: {name}": tuple((jet, n) for jet in own) for n, name in enumerate(columns)}
    for what, columns in (("kinematics", kinematics), ("event_shapes", shapes)):
        if what in inputs:
            found |= {f"{what.replace('_', ' ')}: {name}": ((what, n),) for n, name in enumerate(columns)}
    return found


def importance(
    logits: Callable[[Inputs], NDArray[Any]],
    events: Events,
    streams: Mapping[str, Stream],
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """AUC, and by stream what is lost of it.

    Args:
        logits: of inputs by name, `(n,)`. events: with both classes. progress: called with (streams done, streams).

    Returns:
        `auc`, and `streams`: by name `lost` with its `error`: bootstrap over parton-level events, and the scatter of
        the permutations.
    """
    own = logits(events.inputs)
    rng = np.random.default_rng((settings.seed, 0x1A7E))
    found = {}
    for name, stream in streams.items():
        orders = [rng.permutation(len(own)) for _ in range(settings.permutations)]
        others = [logits(dealt(events.inputs, stream, order)) for order in orders]
        found[name] = _lost(own, others, events, settings)
        if progress:
            progress(len(found), len(streams))
    return {"auc": weighted_auc(own, events.label, events.weight), "streams": found}


def dealt(inputs: Inputs, stream: Stream, order: NDArray[np.integer]) -> Inputs:
    """The inputs with a stream of event `order[i]` in event i."""
    changed = dict(inputs)
    for name, column in stream:
        if column is None:
            changed[name] = inputs[name][order]
            continue
        changed[name] = changed[name].copy()
        if low := LOW_SCALE.fullmatch(name):
            mask = inputs[mask_name(low[1], low[2])]
            _deal_among_real(changed[name][..., column], np.asarray(mask, bool), order)
        else:
            changed[name][..., column] = inputs[name][order][..., column]
    return changed


def _deal_among_real(values: NDArray[Any], mask: NDArray[np.bool_], order: NDArray[np.integer]) -> None:
    """In place: every real value from the event that follows in `order` among those that are real there."""
    for place in range(values.shape[1]):
        real = order[mask[order, place]]
        values[real, place] = values[np.roll(real, -1), place]


def _lost(own: NDArray[Any], others: list[NDArray[Any]], events: Events, settings: Settings) -> dict[str, float]:
    def lost(weight: NDArray[np.float64]) -> NDArray[np.float64]:
        before = weighted_auc(own, events.label, weight)
        return np.array([before - weighted_auc(other, events.label, weight) for other in others])

    found = resample(lost, events.weight, events.group_id, events.process, settings.replicas, settings.seed)
    of_events = float(np.nanstd(found.resampled.mean(axis=1), ddof=1))
    of_orders = float(np.std(found.value, ddof=1)) / np.sqrt(len(others)) if len(others) > 1 else 0.0
    return {"lost": float(found.value.mean()), "error": float(np.hypot(of_events, of_orders))}


def stream_importance(run: Run, settings: Settings | None = None) -> dict[str, Any]:
    """Of a finished run of one network, from its `importance.json` if that was made with these settings.

    Raises:
        InputError: the run is not finished, or is an ensemble or trees, which have no single network.
    """
    settings, file = settings or Settings(), run.path / FILE
    if file.is_file() and file.stat().st_mtime >= run.model_file.stat().st_mtime:
        stored: dict[str, Any] = json.loads(file.read_text())
        if stored["settings"] == asdict(settings):
            return stored
    from mscat_tf.inference.keras_network import in_float32

    model = in_float32(run.model)
    names = tuple(tensor.name for tensor in model.inputs)
    streams = streams_of(names, run.config.data.kinematic_features)
    events = _test_events(run, names, settings)
    found = {**importance(batched_logits(model), events, streams, settings), "settings": asdict(settings)}
    found["events"] = len(events.label)
    write_json(file, found)
    return found


def batched_logits(model: Any, size: int = BATCH) -> Callable[[Inputs], NDArray[Any]]:
    """In batches of this size, so that it is traced once; the last one is filled up with copies of its first event."""
    from mscat_tf.inference.keras_network import forward

    call, names = forward(model, size), [tensor.name for tensor in model.inputs]

    def logits(inputs: Inputs) -> NDArray[Any]:
        parts, total = [], len(inputs[names[0]])
        for first in range(0, total, size):
            last = min(first + size, total)
            rows = np.r_[first:last, np.full(size - (last - first), first)]
            parts.append(call({name: inputs[name][rows] for name in names})[: last - first])
        return np.concatenate(parts)

    return logits


def _test_events(run: Run, names: tuple[str, ...], settings: Settings) -> Events:
    table = run.table
    batches = EventStream(run.sample, table.census, run.config.data, "test", names, BATCH).batches()
    inputs: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    rows = []
    for batch, _, _, row in batches:
        real = row >= 0
        rows.append(row[real])
        for name in names:
            inputs[name].append(batch[name][real])
    row = np.concatenate(rows)
    kept = np.sort(np.random.default_rng((settings.seed, 0xE7E7)).permutation(len(row))[: settings.events])
    row = row[kept]
    return Events(
        {name: np.concatenate(parts)[kept] for name, parts in inputs.items()},
        table.label[row],
        table.weight[row],
        table.group_id[row],
        table.process[row],
    )
