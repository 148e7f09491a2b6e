"""Numbers of fixed length for every event, as one matrix: what a classifier without tokens reads."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.data.features import HIGH_LEVEL, of_whole_events
from mscat_tf.data.sample import Sample
from mscat_tf.errors import InputError
from mscat_tf.schema import DATA_SETS


def flat_columns(sample: Sample, settings: DataSettings, inputs: str) -> tuple[str, ...]:
    """Names of the columns, e.g. `kinematics/0/m`, `event_shapes/sphericity`, `high_level/1/tau_21`.

    Args:
        sample: whose sizes count. settings: chosen kinematic features, event shapes and jet variables; of the last null
            means all that the sample has.
        inputs: `kinematics` (event shapes among them), `high_level` or `both`.

    Raises:
        InputError: the sample lacks a data set that is asked for, or a column of whole events is, which trees do not
            read.
    """
    of_event = of_whole_events(settings.kinematic_features)
    if of_event and inputs != HIGH_LEVEL:
        raise InputError(
            f"data.kinematic_features: 'boosted_trees' cannot read {of_event[0]}, which is no column of the sample's "
            "tokens; take it out, or choose a network"
        )
    names: list[str] = []
    if inputs != HIGH_LEVEL:
        tokens = range(sample.header.tokens)
        names += [f"kinematics/{token}/{feature}" for token in tokens for feature in settings.kinematic_features]
        names += [f"event_shapes/{name}" for name in settings.event_shapes]
    wanted = {"event_shapes": bool(settings.event_shapes) and inputs != HIGH_LEVEL, HIGH_LEVEL: inputs != "kinematics"}
    for name, is_wanted in wanted.items():
        if is_wanted:
            choice = "data.event_shapes=[]" if name == "event_shapes" else "model.boosted_trees.inputs=kinematics"
            advice = f"make it again with sample.tokens.{name}=true, or set {choice}"
            sample.need(name, "'boosted_trees' is to read", advice)
    if wanted[HIGH_LEVEL]:
        chosen = settings.high_level_features
        chosen = sample.header.high_level if chosen is None else chosen
        sample.need_high_level(chosen, "data.high_level_features chooses")
        names += [f"{HIGH_LEVEL}/{jet}/{name}" for jet in range(sample.header.jets) for name in chosen]
    return tuple(names)


def read_flat(sample: Sample, rows: NDArray[np.int64], columns: tuple[str, ...]) -> NDArray[np.float32]:
    """Matrix `(rows, columns)`, filled block by block; it is held in memory: 4 bytes a number.

    Args:
        sample: where to read. rows: increasing rows wanted. columns: see `flat_columns`.

    Raises:
        InputError: the sample has no such column.
    """
    sample.need_high_level(high_level_of(columns), "the trees read")
    data_sets = flat_data_sets(columns)
    matrix = np.empty((len(rows), len(columns)), np.float32)
    for block in sample.blocks:
        first, last = np.searchsorted(rows, [block.first_row, block.first_row + block.stop - block.start])
        if first < last:
            chosen = rows[first:last] - block.first_row
            matrix[first:last] = flat_matrix(sample.read(block, data_sets), columns, sample.header.high_level)[chosen]
    return matrix


def flat_data_sets(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Data sets that these columns are taken from."""
    return tuple(dict.fromkeys(column.partition("/")[0] for column in columns))


def flat_matrix(
    arrays: Mapping[str, NDArray[Any]], columns: tuple[str, ...], high_level: tuple[str, ...]
) -> NDArray[np.float32]:
    """Matrix `(events, columns)` of the data sets in `arrays`, whose `high_level` has the columns of these names."""
    places: list[tuple[str, tuple[Any, ...]]] = [_place(column, high_level) for column in columns]
    return np.stack([arrays[name][:, *place] for name, place in places], axis=1).astype(np.float32)


def high_level_of(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the jet variables among flat columns, in their order.

    >>> high_level_of(("kinematics/0/m", "high_level/0/c2", "high_level/0/mass", "high_level/1/c2"))
    ('c2', 'mass')
    """
    parts = (column.split("/") for column in columns)
    return tuple(dict.fromkeys(name for data_set, *_, name in parts if data_set == HIGH_LEVEL))


def _place(column: str, high_level: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    """Data set and position within an event of a named column."""
    data_set, *tokens, name = column.split("/")
    names = high_level if data_set == HIGH_LEVEL else DATA_SETS[data_set].columns
    return data_set, (*map(int, tokens), names.index(name))
