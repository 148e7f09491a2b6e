"""Four-vectors, jet frame and kinematic tokens on plain NumPy arrays. Units: GeV and radians."""

from mscat_tf.physics.four_vectors import (
    Cylindrical,
    add_four_vectors,
    delta_phi,
    delta_r,
    from_cartesian,
    invariant_mass,
    to_cartesian,
    wrap_phi,
)
from mscat_tf.physics.jet_frame import JetFrame, to_jet_frame, to_jet_frames
from mscat_tf.physics.tokens import kinematic_tokens

__all__ = [
    "Cylindrical",
    "JetFrame",
    "add_four_vectors",
    "delta_phi",
    "delta_r",
    "from_cartesian",
    "invariant_mass",
    "kinematic_tokens",
    "to_cartesian",
    "to_jet_frame",
    "to_jet_frames",
    "wrap_phi",
]
