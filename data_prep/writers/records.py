"""Events of a sample as awkward records, some thousands at a time. Units: GeV, radians, femtobarn."""

from collections.abc import Iterator
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample
from mscat_tf.data.blocks import Block
from mscat_tf.data.census import fb_per_weight
from mscat_tf.data.splits import SPLITS, assign_splits
from mscat_tf.physics.tokens import MISSING_MOMENTUM, SUM, token_names
from mscat_tf.schema import (
    DATA_SETS,
    EVENT_SHAPE_COLUMNS,
    KINEMATIC_COLUMNS,
    KNOWN_LOGIT,
    LUND_COLUMNS,
    MASS,
    OPTIONAL,
    RAW_COLUMNS,
    SUBJET_COLUMNS,
    WEIGHT_COLUMNS,
)

GROUP_EVENTS = 8_192
"""Events that are in memory at once: about 25 MB of constituents in two jets of 60 each."""

VECTOR = "Momentum4D"
"""Name of the records that the vector library knows: `vector.register_awkward()` gives them `.E`, `.deltaR(...)`."""

PARTS = ("constituents", "subjets", "declusterings", "b_hadrons")
"""Fields of a jet that hold a list."""

_COLUMNS = ("event_id", "group_id", "label", "process", "weights", "kinematics")


_TYPES = {"constituents": "i4", "parent": "i4"}
"""Of columns that count."""


def groups(sample: Sample) -> Iterator[Block]:
    """The whole sample in runs of at most `GROUP_EVENTS` events of one file."""
    row = 0
    for shard, header in enumerate(sample.headers):
        for start in range(0, header.events, GROUP_EVENTS):
            yield Block(shard, start, min(start + GROUP_EVENTS, header.events), row + start)
        row += header.events


def records(sample: Sample, settings: DataSettings) -> Iterator[Any]:
    """The events, group by group: arrays of records with the fields

    * `event_id`, `group_id`, `label`, `process` (its name), `split` (its name);
    * `weight_generator`, `weight_tag`, `weight_fb` (expected events per 1/fb: generator x tag x cross-section);
    * `jets`: for each a momentum (`pt, eta, phi, mass`), `principal_angle` (our theta; to the vector library `theta` is
      the polar angle), and `constituents`: for each a momentum, `charge`, `pdg_id`; `track_jets_b`, `track_jets_c`,
      `track_jets_light`, `subjets`, `declusterings` (with `parent`, its place in this list), `b_hadrons` (`eta, phi` in
      the laboratory) and `high_level` (named) where the sample knows them. Subjets are no vectors to the library,
      since their `eta` and `phi` are those of the jet frame;
    * `leptons`: for each a momentum; `missing_momentum`; `sum`, the momentum of jets and leptons together;
      `event_shapes`, named; each where the sample has it; `m_H` and `known_logit` where it knows them.

    Args:
        sample: to be read. settings: how it is split.

    Raises:
        InputError: a value is not finite.
        SchemaError: a file is damaged.
    """
    per_weight, names = fb_per_weight(sample), np.array(sample.header.processes)
    tokens = sample.header.token_names or token_names(sample.header.jets)
    optional = tuple(sorted(name for name in OPTIONAL if sample.has(name)))
    for block in groups(sample):
        arrays = sample.read(block, (*_COLUMNS, *optional))
        weights, process = arrays["weights"].astype(np.float64), arrays["process"]
        split = assign_splits(arrays["group_id"], settings.train_fraction, settings.validation_fraction)
        fields = {name: arrays[name] for name in ("event_id", "group_id", "label")}
        fields |= {"process": _strings(names, process), "split": _strings(np.array(SPLITS), split)}
        fields |= {f"weight_{name}": arrays["weights"][:, i] for i, name in enumerate(WEIGHT_COLUMNS)}
        fields["weight_fb"] = weights.prod(axis=1) * per_weight[process]
        fields["jets"] = _jets(sample, block, arrays)
        fields |= _beside_jets(arrays["kinematics"], tokens)
        if "event_shapes" in arrays:
            shapes = arrays["event_shapes"]
            fields["event_shapes"] = ak.zip({name: shapes[:, i] for i, name in enumerate(EVENT_SHAPE_COLUMNS)})
        fields |= {name: arrays[name] for name in (MASS, KNOWN_LOGIT) if name in arrays}
        yield ak.to_packed(ak.zip(fields, depth_limit=1))  # Arrow wants contiguous columns


def _beside_jets(kinematics: NDArray[Any], tokens: tuple[str, ...]) -> dict[str, Any]:
    """Momenta of the tokens that are no jets, by the name of their field."""
    found = {}
    for name in (MISSING_MOMENTUM, SUM):
        if name in tokens:
            momentum = _momentum(kinematics[:, tokens.index(name)])
            found[name.replace(" ", "_")] = ak.zip(momentum, with_name=VECTOR)
    places = [place for place, name in enumerate(tokens) if name.startswith("lepton")]
    if places:
        flat = ak.zip(_momentum(kinematics[:, places].reshape(-1, kinematics.shape[-1])), with_name=VECTOR)
        found["leptons"] = ak.unflatten(flat, np.full(len(kinematics), len(places)))
    return found


def _jets(sample: Sample, block: Block, arrays: dict[str, Any]) -> Any:
    """`(events, var)` records of jets with their constituents."""
    raw, counts = sample.read_raw(block)
    columns = {name: raw[:, i] for i, name in enumerate(RAW_COLUMNS)}
    for name in ("charge", "pdg_id"):
        columns[name] = columns[name].astype(np.int32)
    constituents = ak.unflatten(ak.zip(columns, with_name=VECTOR), counts.ravel())
    jets = arrays["kinematics"][:, : counts.shape[1]].reshape(counts.size, -1)
    angle = jets[:, KINEMATIC_COLUMNS.index("theta")]
    fields = {**_momentum(jets), "principal_angle": angle, "constituents": constituents, **_parts(arrays)}
    if "truth/track_jets" in arrays:
        flavours = arrays["truth/track_jets"].reshape(counts.size, -1)
        kinds = DATA_SETS["truth/track_jets"].columns
        fields |= {f"track_jets_{kind}": flavours[:, i] for i, kind in enumerate(kinds)}
    if "high_level" in arrays:
        variables = arrays["high_level"].reshape(counts.size, -1)
        fields["high_level"] = ak.zip({name: variables[:, i] for i, name in enumerate(sample.header.high_level)})
    return ak.unflatten(ak.zip(fields, with_name=VECTOR, depth_limit=1), np.full(len(counts), counts.shape[1]))


def _parts(arrays: dict[str, Any]) -> dict[str, Any]:
    """What else jets consist of: `(events * jets, var)` records, padding left out."""
    found = {}
    if "subjets/subjets" in arrays:
        found["subjets"] = _listed(arrays["subjets/subjets"], SUBJET_COLUMNS, arrays["subjets/mask"])
    if "lund/declusterings" in arrays:
        columns = np.concatenate([arrays["lund/declusterings"], arrays["lund/parent"][..., None]], axis=-1)
        found["declusterings"] = _listed(columns, (*LUND_COLUMNS, "parent"), arrays["lund/mask"])
    if "truth/b_hadrons" in arrays:
        directions = arrays["truth/b_hadrons"].reshape(*arrays["truth/b_hadrons"].shape[:2], -1, 2)
        found["b_hadrons"] = _listed(directions, ("eta", "phi"), np.isfinite(directions).all(axis=-1))
    return found


def _listed(values: NDArray[Any], names: tuple[str, ...], mask: NDArray[np.bool_]) -> Any:
    """Records `(events * jets, var)` from `(events, jets, places, columns)`, of places where the mask is True."""
    columns = {name: values[mask][:, i].astype(_TYPES.get(name, "f4")) for i, name in enumerate(names)}
    return ak.unflatten(ak.zip(columns), mask.sum(axis=-1).ravel())


def _momentum(tokens: Any) -> dict[str, Any]:
    """Fields of the vector library from `(..., 6)` kinematic tokens; the energy follows from them."""
    place = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": "m"}
    return {name: tokens[..., KINEMATIC_COLUMNS.index(column)] for name, column in place.items()}


def _strings(names: NDArray[np.str_], place: NDArray[Any]) -> Any:
    """`(events,)` strings."""
    return ak.Array(names)[place]
