"""Small random model inputs in physical ranges; no sample file needed."""

import numpy as np

from mscat_tf.config import ModelSettings
from mscat_tf.models.inputs import InputSpecification

DEPTHS = {"constituent_blocks": 1, "kinematic_blocks": 1, "cross_blocks": 1}
TINY = {"width": 12, "num_heads": 2, "key_dim": 3, "head_units": (7,), **DEPTHS}
SIZES = InputSpecification(jets=2, constituents=6, tokens=3)
WITH_TREES = InputSpecification(constituents=6, declusterings=5, event_shapes=("sphericity", "missing_pt"))
FAMILIES: dict[str, dict] = {}
"""Sections of the other families at sizes that build in a moment, by the name of the section."""

NAMES = (
    "mscat",
    "concatenation",
    "joint_attention",
    "mscat_swapped",
    "kinematics_only",
    "kinematics_mlp",
    "substructure_only",
)


def tiny(name="mscat", **changes):
    """Settings of a network that trains in a second."""
    return ModelSettings(**{**TINY, **FAMILIES, "name": name, **changes})


def mock_inputs(events, seed=0, sizes=SIZES, least=1):
    """Inputs by name: constituents eta, phi, pt, log pt ordered by pt; kinematics in GeV. `least` real constituents."""
    rng = np.random.default_rng(seed)
    inputs = {}
    for jet in range(1, sizes.jets + 1):
        shape = (events, sizes.constituents)
        mask = np.arange(sizes.constituents) < rng.integers(least, sizes.constituents + 1, (events, 1))
        pt = -np.sort(-rng.exponential(40.0, shape), axis=1) + 0.5
        angles = [rng.normal(0, 0.3, shape), rng.normal(0, 0.2, shape)]
        cloud = np.stack([*angles, pt, np.log(pt)], axis=-1) * mask[..., None]
        inputs[f"constituents_{jet}"], inputs[f"mask_{jet}"] = cloud.astype("float32"), mask
        if sizes.declusterings:
            inputs |= mock_tree(jet, events, sizes, rng, least)
    if sizes.event_shapes:
        inputs["event_shapes"] = rng.uniform(0.2, 1.0, (events, len(sizes.event_shapes))).astype("float32")
    m, pt = rng.uniform(60, 200, (2, events, sizes.tokens)) * np.array([[[1.0]], [[4.0]]])
    eta, phi, theta = rng.uniform(-1.5, 1.5, (3, events, sizes.tokens))
    energy = np.hypot(m, pt * np.cosh(eta))
    inputs["kinematics"] = np.stack([m, eta, phi, pt, energy, theta], axis=-1).astype("float32")
    return {name: inputs[name] for name in sorted(inputs)}


def mock_tree(jet, events, sizes, rng, least):
    """Declusterings of one jet: every parent stands before its children, the root has none."""
    tokens = sizes.declusterings
    mask = np.arange(tokens) < rng.integers(least, tokens + 1, (events, 1))
    parent = rng.integers(0, np.maximum(np.arange(tokens), 1), (events, tokens))
    parent[:, 0] = -1
    tree = rng.normal(size=(events, tokens, len(sizes.declustering_features))) * mask[..., None]
    return {
        f"lund_{jet}": tree.astype("float32"),
        f"lund_mask_{jet}": mask,
        f"lund_parent_{jet}": np.where(mask, parent, -1).astype("int32"),
    }


def inputs_of(model, inputs):
    """Only what this network takes."""
    return {tensor.name: inputs[tensor.name] for tensor in model.inputs}


def moved_weights(model):
    """The same network with weights away from their start, where biases and embeddings are nearly 0."""
    rng = np.random.default_rng(1)
    model.set_weights([weight + rng.normal(0, 0.2, weight.shape) for weight in model.get_weights()])
    return model
