"""Exact symmetries of unpolarised proton-proton collisions, thrown anew for every event and epoch of the training.

A rotation about the beam, a mirror in azimuth and the exchange of the beams change no cross-section. In the inputs of
the networks, where constituents and subjets stand in the frame of their jet (`mscat_tf.physics.jet_frame`), they are

    rotation by alpha:   phi -> phi + alpha                              of all kinematic tokens,
    mirror in azimuth:   phi -> -phi, theta -> -theta                    of all kinematic tokens; phi' -> -phi' of all
                                                                         constituents and subjets,
    exchange of beams:   eta -> -eta, theta -> -theta                    of all kinematic tokens, no more: the mirrored
                                                                         principal axis comes back by the flip in eta'.

The angle psi of a Lund declustering, atan2(dy, dphi) from the harder to the softer branch in the laboratory, becomes
pi - psi by the mirror and -psi by the exchange. Event shapes do not change.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.errors import ConfigError
from mscat_tf.physics.four_vectors import wrap_phi

Arrays = dict[str, NDArray[Any]]


def check_exact(settings: DataSettings) -> None:
    """See that the relations above hold for the tokens that are read.

    Raises:
        ConfigError: they were prepared otherwise.
    """
    broken = settings.preparation.breaks_symmetries
    if broken:
        raise ConfigError(
            f"train.symmetries: mirrored events are not what they should be with data.preparation.{broken[0]}; set "
            "train.symmetries=false, here and in what it is compared with"
        )


def draw_symmetries(events: int, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Angle, mirror and exchange of so many events, `(events, 1)` each, as `transformed` takes them."""
    angle = rng.uniform(-np.pi, np.pi, (events, 1))
    mirror, exchange = (np.where(rng.random((events, 1)) < 0.5, -1.0, 1.0) for _ in range(2))
    return angle, mirror, exchange


def transformed(
    inputs: Arrays, settings: DataSettings, angle: NDArray[Any], mirror: NDArray[Any], exchange: NDArray[Any]
) -> Arrays:
    """Mirror in azimuth, exchange of the beams, then the rotation.

    Args:
        inputs: of the model, see `mscat_tf.data.features.model_inputs`, with kinematic tokens or without.
        settings: which columns they hold.
        angle: `(n, 1)` of the rotation [rad]. mirror, exchange: `(n, 1)`, -1 where it is applied, else 1.

    Returns:
        Inputs of the same names and shapes; masks, and whatever does not change, are shared with the argument.
    """
    changed = dict(inputs)
    if "kinematics" in inputs:
        changed["kinematics"] = _kinematics(inputs["kinematics"], settings, angle, mirror, exchange)
    in_frame = {"constituents": settings.constituent_features, "subjets": settings.subjet_features}
    for stream, columns in in_frame.items():
        for name in (name for name in inputs if _is_of(stream, name) and "phi" in columns):
            cloud = inputs[name].copy()
            cloud[..., columns.index("phi")] *= mirror.astype(np.float32)
            changed[name] = cloud
    if "psi" in settings.declustering_features:
        column = settings.declustering_features.index("psi")
        for name in (name for name in inputs if _is_of("lund", name)):
            tree = inputs[name].copy()
            psi = exchange * tree[..., column]
            tree[..., column] = wrap_phi(np.where(mirror < 0, np.pi - psi, psi))
            changed[name] = tree
    return changed


def _kinematics(
    tokens: NDArray[Any], settings: DataSettings, angle: NDArray[Any], mirror: NDArray[Any], exchange: NDArray[Any]
) -> NDArray[Any]:
    tokens = tokens.astype(np.float64)
    for name, values in (("eta", exchange), ("theta", exchange * mirror), ("phi", mirror)):
        if name in settings.kinematic_features:
            tokens[..., settings.kinematic_features.index(name)] *= values
    if "phi" in settings.kinematic_features:
        column = settings.kinematic_features.index("phi")
        tokens[..., column] = wrap_phi(tokens[..., column] + angle)
    return tokens.astype(np.float32)


def _is_of(stream: str, name: str) -> bool:
    """Whether an input holds the tokens of a stream: `lund_1`, but not `lund_mask_1`."""
    return name.startswith(f"{stream}_") and name.count("_") == 1
