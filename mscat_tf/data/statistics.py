"""Mean and width of every input column, in one pass over the training split, padding ignored."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.constants import LOGARITHM_FLOOR
from mscat_tf.data.census import Census
from mscat_tf.data.features import take_features, with_event_columns
from mscat_tf.data.sample import Sample
from mscat_tf.data.splits import SPLITS
from mscat_tf.errors import InputError

Floats = NDArray[np.float64]
MASKS = {"constituents": "constituents_mask", "lund/declusterings": "lund/mask", "subjets/subjets": "subjets/mask"}


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
    census: Census,
    settings: DataSettings,
    log_features: Mapping[str, Sequence[bool]],
    asinh_features: Sequence[bool] = (),
) -> dict[str, RunningMoments]:
    """Moments over the training split of the chosen columns of each data set named in `log_features`.

    Args:
        sample, census, settings: what to read.
        log_features: for `constituents`, `kinematics` and, where the network reads them, `lund/declusterings`,
            `subjets/subjets`, `high_level` and `event_shapes`, whether the logarithm of each column is standardised.
        asinh_features: for every column of `high_level`, whether its asinh is.

    Returns:
        Of shape `(features,)`; of kinematics `(tokens, features)`.

    Raises:
        InputError: the training split is empty, or a logarithm of a negative value is asked for.
    """
    shapes: dict[str, tuple[int, ...]] = {name: (len(logs),) for name, logs in log_features.items()}
    shapes["kinematics"] = (sample.header.tokens, *shapes["kinematics"])
    moments = {name: RunningMoments(shape) for name, shape in shapes.items()}
    masks = {name: mask for name, mask in MASKS.items() if name in moments}
    for block, arrays in sample.iterate((*moments, *masks.values(), *census.columns), settings.high_level_features):
        events = census.describe(block, arrays)
        chosen = events.split == SPLITS.index("train")
        kept = {name: arrays[name][chosen] for name in (*moments, *masks.values())}
        if events.event_columns is not None:
            kept = with_event_columns(kept, events.event_columns[chosen])
        found = take_features(kept, settings)
        for name, running in moments.items():
            values = found[name][found[masks[name]]] if name in masks else found[name]
            if name == "high_level":
                values = np.where(asinh_features, np.arcsinh(values), values).reshape(-1, values.shape[-1])
            running.update(_logarithms(values, log_features[name], sample))
    if moments["kinematics"].count < 2:
        count = moments["kinematics"].count
        raise InputError(f"{sample.path}: the training split holds {count} events; generate more events")
    return moments


def _logarithms(values: NDArray[np.floating], take_log: Sequence[bool], sample: Sample) -> NDArray[np.floating]:
    columns = np.flatnonzero(take_log)
    if len(columns) and len(values):
        if values[..., columns].min() < 0:
            raise InputError(
                f"{sample.path}: a mass, energy or pt is negative; make the files again, or set "
                "model.log_features=false"
            )
        values = values.copy()
        values[..., columns] = np.log(np.maximum(values[..., columns], LOGARITHM_FLOOR))
    return values
