"""Mean and width of every input column, in one pass over the training split, padding ignored."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.data.events import EventTable
from mscat_tf.data.features import take_features
from mscat_tf.data.sample import Sample
from mscat_tf.errors import InputError

Floats = NDArray[np.float64]


class RunningMoments:
    """Mean and width of columns, merged block by block (Chan, Golub, LeVeque 1979), in float64."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = 0
        self.mean = np.zeros(shape)
        self.squares = np.zeros(shape)

    def update(self, values: NDArray[np.floating]) -> None:
        """Add `(entries, *shape)`."""
        values = np.asarray(values, dtype=np.float64)
        if not len(values):
            return
        mean, total = values.mean(axis=0), self.count + len(values)
        delta = mean - self.mean
        self.squares += np.square(values - mean).sum(axis=0) + delta**2 * self.count * len(values) / total
        self.mean += delta * len(values) / total
        self.count = total

    @property
    def width(self) -> Floats:
        """Standard deviation; 1 where a column is constant, so that dividing by it is safe."""
        width = np.sqrt(self.squares / max(self.count, 1))
        return np.where(width > 1e-6 * np.maximum(np.abs(self.mean), 1.0), width, 1.0)


def column_moments(
    sample: Sample,
    table: EventTable,
    settings: DataSettings,
    log_constituents: Sequence[bool],
    log_kinematics: Sequence[bool],
) -> tuple[RunningMoments, RunningMoments]:
    """Moments of constituents `(features,)` and of kinematics `(tokens, features)` over the training split.

    Args:
        sample, table, settings: what to read.
        log_constituents, log_kinematics: columns whose logarithm is standardised.

    Raises:
        InputError: the training split is empty, or a logarithm of a value that is not positive is asked for.
    """
    constituents = RunningMoments((len(settings.constituent_features),))
    kinematics = RunningMoments((sample.header.tokens, len(settings.kinematic_features)))
    train = np.zeros(len(table), dtype=bool)
    train[table.rows("train")] = True
    for block, arrays in sample.iterate(("constituents", "constituents_mask", "kinematics")):
        chosen = train[block.rows]
        cloud, mask, tokens = take_features(arrays, settings)
        constituents.update(_logarithms(cloud[chosen][mask[chosen]], log_constituents, sample))
        kinematics.update(_logarithms(tokens[chosen], log_kinematics, sample))
    if kinematics.count < 2:
        raise InputError(f"{sample.path}: the training split holds {kinematics.count} events; generate more events")
    return constituents, kinematics


def _logarithms(values: NDArray[np.floating], take_log: Sequence[bool], sample: Sample) -> NDArray[np.floating]:
    columns = np.flatnonzero(take_log)
    if len(columns) and len(values):
        if values[..., columns].min() <= 0:
            raise InputError(
                f"{sample.path}: a mass, energy or pt is not positive; make the files again, or set "
                "model.log_features=false"
            )
        values = values.copy()
        values[..., columns] = np.log(values[..., columns])
    return values
