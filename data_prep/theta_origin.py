"""Where the information of theta sits: the angle replaced by something that keeps only a part of it."""

from collections.abc import Sequence

import numpy as np

from mscat_tf.errors import InputError
from mscat_tf.physics.four_vectors import Floats

NEEDS_TWO_JETS = ("relative_to_other_jet", "shuffled_jets")


def folded(angle: Floats) -> Floats:
    """An angle of an axis, which has no head, brought into (-pi/2, pi/2].

    >>> folded(np.array([0.75 * np.pi, -0.5 * np.pi])).round(6).tolist()
    [-0.785398, 1.570796]
    """
    return 0.5 * np.pi - np.mod(0.5 * np.pi - angle, np.pi)


def replaced(theta: Floats, kind: str, rng: np.random.Generator) -> Floats:
    """The angles that stand in for theta.

    * `own`: theta; `zero`: none; `noise`: even in (-pi/2, pi/2].
    * `shuffled_jets`: those of the event dealt anew among its jets.
    * `relative_to_beam`: |theta|. theta is measured from the eta axis, which lies in the plane of beam and jet, so this
      is the angle between the principal axis and that plane; it forgets on which side, and so how one jet lies to the
      other.
    * `relative_to_other_jet`: theta_1 + theta_2 for both jets. Of two jets back to back the directions of growing eta
      agree and those of growing phi are opposite, so this is the angle between the planes in which they are
      elongated; it forgets how either lies to the beam.

    Args:
        theta: `(n, J)` [rad]. kind: `theta` of the preparation. rng: every random number comes from here.
    """
    if kind == "zero":
        return np.zeros_like(theta)
    if kind == "noise":
        return 0.5 * np.pi - np.pi * rng.random(theta.shape)
    if kind == "shuffled_jets":
        return rng.permuted(theta, axis=1)
    if kind == "relative_to_beam":
        return np.abs(folded(theta))
    if kind == "relative_to_other_jet":
        return np.broadcast_to(folded(theta.sum(axis=1, keepdims=True)), theta.shape)
    return theta


def check_possible(kind: str, jets: int) -> None:
    """See that events have the jets that a replacement needs.

    Raises:
        InputError: they have not.
    """
    if kind in NEEDS_TWO_JETS and jets != 2:
        raise InputError(
            f"data.preparation.theta: {kind} is about two jets, but events of this sample have {jets}; choose another"
        )


def dealt(theta: Sequence[Floats], event_id: Sequence[np.typing.NDArray[np.uint64]], seed: int) -> list[Floats]:
    """The angles of all events, each given to another event at random, whatever the order of the files.

    Args:
        theta: `(n, J)` of each file [rad]. event_id: `(n,)` of each file. seed: of the permutation.
    """
    everything, identity = np.concatenate(theta), np.concatenate(event_id)
    order = np.argsort(identity, kind="stable")
    shuffled = np.empty_like(everything)
    shuffled[order] = everything[order][np.random.default_rng(seed).permutation(len(order))]
    return np.split(shuffled, np.cumsum([len(part) for part in theta])[:-1])
