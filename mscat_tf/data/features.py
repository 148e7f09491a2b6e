"""Columns and constituents that the network is to see, and their names as inputs of the model."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.schema import CONSTITUENT_COLUMNS, KINEMATIC_COLUMNS

READ = ("constituents", "constituents_mask", "kinematics")


def take_features(
    arrays: dict[str, NDArray[Any]], settings: DataSettings
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """Constituents `(n, J, P, features)`, mask `(n, J, P)`, kinematics `(n, K, features)` with the chosen columns."""
    low = [CONSTITUENT_COLUMNS.index(name) for name in settings.constituent_features]
    high = [KINEMATIC_COLUMNS.index(name) for name in settings.kinematic_features]
    kept = slice(settings.max_constituents)
    return (
        arrays["constituents"][:, :, kept][..., low],
        arrays["constituents_mask"][:, :, kept],
        arrays["kinematics"][..., high],
    )


def model_inputs(arrays: dict[str, NDArray[Any]], settings: DataSettings) -> dict[str, NDArray[Any]]:
    """Inputs by name: `constituents_j` `(n, P, features)` and `mask_j` `(n, P)` for jet j = 1..J, `kinematics`."""
    cloud, mask, tokens = take_features(arrays, settings)
    inputs: dict[str, NDArray[Any]] = {"kinematics": tokens}
    for jet in range(cloud.shape[1]):
        inputs[f"constituents_{jet + 1}"] = cloud[:, jet]
        inputs[f"mask_{jet + 1}"] = mask[:, jet]
    return inputs
