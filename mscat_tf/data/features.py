"""Columns and tokens that the network is to see, and their names as inputs of the model."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.schema import (
    CONSTITUENT_COLUMNS,
    EVENT_SHAPE_COLUMNS,
    KINEMATIC_COLUMNS,
    KNOWN_LOGIT,
    LUND_COLUMNS,
    MASS,
    SUBJET_COLUMNS,
)

Arrays = dict[str, NDArray[Any]]
CONSTITUENTS = ("constituents", "constituents_mask")
LUND = ("lund/declusterings", "lund/mask", "lund/parent")
SUBJETS = ("subjets/subjets", "subjets/mask")
HIGH_LEVEL = "high_level"


def data_sets(input_names: Iterable[str]) -> tuple[str, ...]:
    """Data sets of the schema that a network with these inputs is made from."""
    names = tuple(input_names)
    cloud = CONSTITUENTS if any(name.startswith(("constituents_", "mask_")) for name in names) else ()
    tree = LUND if any(name.startswith("lund_") for name in names) else ()
    inner = SUBJETS if any(name.startswith("subjets_") for name in names) else ()
    variables = (HIGH_LEVEL,) if any(name.startswith(f"{HIGH_LEVEL}_") for name in names) else ()
    return (*cloud, "kinematics", *tree, *inner, *variables, *(("event_shapes",) if "event_shapes" in names else ()))


def of_whole_events(kinematic_features: Iterable[str]) -> tuple[str, ...]:
    """Those of the columns that are the same in all tokens of an event: the mass hypothesis, what is known of it."""
    chosen = tuple(kinematic_features)
    return tuple(name for name in (MASS, KNOWN_LOGIT) if name in chosen)


def with_event_columns(arrays: Arrays, values: NDArray[np.float32]) -> Arrays:
    """The same with values `(n, columns)` of `of_whole_events` as the last columns of all kinematic tokens."""
    tokens = arrays["kinematics"]
    columns = np.broadcast_to(values.astype(tokens.dtype)[:, None], (*tokens.shape[:2], values.shape[1]))
    return {**arrays, "kinematics": np.concatenate([tokens, columns], axis=-1)}


def take_features(arrays: Arrays, settings: DataSettings) -> Arrays:
    """The chosen columns of the data sets in `arrays`, under the same names; only so many constituents as wanted.

    Each where it is present: `constituents` `(n, J, P, features)`, `constituents_mask` `(n, J, P)`, `kinematics`
    `(n, K, features)`, `lund/declusterings` `(n, J, D, features)`, `lund/mask`, `lund/parent` `(n, J, D)`,
    `subjets/subjets` `(n, J, S, features)`, `subjets/mask` `(n, J, S)`, `event_shapes` `(n, columns)`. `high_level`
    `(n, J, columns)` stays as it is: `Sample.read` has chosen its columns. If columns `of_whole_events` are chosen,
    `kinematics` must have been through `with_event_columns`.
    """
    chosen = {
        "constituents": (CONSTITUENT_COLUMNS, settings.constituent_features),
        "kinematics": (KINEMATIC_COLUMNS, settings.kinematic_features),
        "lund/declusterings": (LUND_COLUMNS, settings.declustering_features),
        "subjets/subjets": (SUBJET_COLUMNS, settings.subjet_features),
        "event_shapes": (EVENT_SHAPE_COLUMNS, settings.event_shapes),
    }
    found = dict(arrays)
    for name in (name for name in CONSTITUENTS if name in found):
        found[name] = arrays[name][:, :, slice(settings.max_constituents)]
    for name, (known, wanted) in chosen.items():
        if name in found and wanted != known:
            found[name] = found[name][..., [(*known, *of_whole_events(wanted)).index(column) for column in wanted]]
    return found


def model_inputs(arrays: Arrays, settings: DataSettings) -> Arrays:
    """Inputs by name: `constituents_j` `(n, P, features)` and `mask_j` `(n, P)` for jet j = 1..J, `kinematics`.

    And `lund_j` `(n, D, features)`, `lund_mask_j`, `lund_parent_j` `(n, D)`, `subjets_j` `(n, S, features)`,
    `subjets_mask_j` `(n, S)`, `high_level_j` `(n, columns)`, `event_shapes` `(n, columns)`: each where `arrays` hold
    the data set that it is made from.
    """
    found = take_features(arrays, settings)
    inputs: Arrays = {name: found[name] for name in ("kinematics", "event_shapes") if name in found}
    by_jet = {
        "constituents": "constituents",
        "mask": "constituents_mask",
        "lund": "lund/declusterings",
        "lund_mask": "lund/mask",
        "lund_parent": "lund/parent",
        "subjets": "subjets/subjets",
        "subjets_mask": "subjets/mask",
        HIGH_LEVEL: HIGH_LEVEL,
    }
    for name, data_set in by_jet.items():
        if data_set in found:
            for jet in range(found[data_set].shape[1]):
                inputs[f"{name}_{jet + 1}"] = found[data_set][:, jet]
    return inputs
