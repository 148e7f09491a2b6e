"""The jet frame: constituents of a fat jet as seen from its own centre and principal axis.

One function for signal and background alike: it never sees a label. Steps (after arXiv:2401.00452; signs and
ranges are ours, see docs/physics.md):

1. shift to the centroid weighted with transverse momentum, azimuth wrapped;
2. rotate by `-theta`, where `theta = 1/2 atan2(2 C_ep, C_ee - C_pp)` is the angle from the eta axis to the principal
   axis of the weighted covariance `C`: afterwards the principal axis lies along eta;
3. mirror eta where there is more energy at eta < 0 than at eta > 0;
4. order by transverse momentum, keep the hardest, pad with zeros.

`theta` is defined modulo pi and only eta is mirrored, so a jet rotated by any angle comes back the same up to a mirror
in phi.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mscat_tf.physics.four_vectors import Floats


class JetFrame(NamedTuple):
    """Jets in their own frame.

    Attributes:
        constituents: `(..., keep, 4)` eta, phi [rad], pt [GeV] and log pt; zeros where `mask` is False.
        mask: `(..., keep)` True where a constituent is real.
        theta: `(...)` angle of the principal axis in the laboratory, in (-pi/2, pi/2] [rad].
        multiplicity: `(...)` constituents before the cut at `keep`.
    """

    constituents: Floats
    mask: NDArray[np.bool_]
    theta: Floats
    multiplicity: NDArray[np.int64]


def to_jet_frame(
    pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, energy: ArrayLike, mask: ArrayLike, keep: int
) -> JetFrame:
    """Bring padded jets into their own frames.

    Args:
        pt, energy: `(..., constituents)` in the laboratory [GeV].
        eta, phi: `(..., constituents)` in the laboratory [1, rad].
        mask: `(..., constituents)` True where real; what stands elsewhere is ignored.
        keep: constituents kept, hardest first.
    """
    mask = np.asarray(mask, dtype=np.bool_)
    flat_pt, flat_eta, flat_phi, flat_energy = (np.asarray(v, np.float64)[mask] for v in (pt, eta, phi, energy))
    frames = to_jet_frames(flat_pt, flat_eta, flat_phi, flat_energy, mask.sum(axis=-1).ravel(), keep)
    shape = mask.shape[:-1]
    return JetFrame(
        frames.constituents.reshape(*shape, keep, 4),
        frames.mask.reshape(*shape, keep),
        frames.theta.reshape(shape),
        frames.multiplicity.reshape(shape),
    )


def to_jet_frames(
    pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, energy: ArrayLike, counts: ArrayLike, keep: int
) -> JetFrame:
    """Bring jets into their own frames, all constituents one jet after the other.

    Args:
        pt, energy: `(total,)` in the laboratory [GeV].
        eta, phi: `(total,)` in the laboratory [1, rad].
        counts: `(jets,)` constituents of each jet.
        keep: constituents kept, hardest first.

    Returns:
        Frames of shape `(jets, ...)`.
    """
    counts = np.asarray(counts, np.int64)
    jets = len(counts)
    frame = JetFrame(np.zeros((jets, keep, 4)), np.zeros((jets, keep), np.bool_), np.zeros(jets), counts)
    if jets:
        from mscat_tf.physics.jet_frame_kernel import jet_frames  # Numba takes a moment to import

        flat = (np.ascontiguousarray(values, np.float64) for values in (pt, eta, phi, energy))
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        jet_frames(*flat, offsets, frame.constituents, frame.mask, frame.theta)
    return frame
