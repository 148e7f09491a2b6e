"""Small random model inputs in physical ranges; no sample file needed."""

import numpy as np

from mscat_tf.config import ModelSettings
from mscat_tf.models.inputs import InputSpecification
from mscat_tf.models.registry import MODELS
from mscat_tf.physics.high_level_columns import COLUMNS, chosen_columns

DEPTHS = {"constituent_blocks": 1, "kinematic_blocks": 1, "cross_blocks": 1}
TINY = {"width": 12, "num_heads": 2, "key_dim": 3, "head_units": (7,), **DEPTHS}
SIZES = InputSpecification(jets=2, constituents=6, tokens=3)
WITH_SUBJETS = InputSpecification(constituents=6, subjets=4)
VARIABLES = chosen_columns(["s2_all_all", "s2_all_trimmed", "multiplicity", "points_pt_0", "mass", "tau_21"])
WITH_VARIABLES = InputSpecification(constituents=6, subjets=4, high_level=VARIABLES)
WITH_TREES = InputSpecification(constituents=6, declusterings=5, event_shapes=("sphericity", "missing_pt"))
FAMILIES: dict[str, dict] = {
    "mlp_image": {"pixels": 40, "jet_units": (16,), "head_units": (24,)},
    "cnn_image": {"pixels": 24, "filters": (5, 6), "jet_units": (16,), "head_units": (24,)},
    "deep_sets": {"phi_units": (9, 16), "f_units": (24,)},
    "particle_net": {"neighbours": 3, "blocks": ((5, 6), (7, 7)), "head_units": (8,)},
    "particle_net_light": {"neighbours": 2, "blocks": ((5,), (6,)), "head_units": (7,)},
    "particle_transformer": {
        "embedding_units": (7, 8),
        "pair_units": (5,),
        "num_heads": 2,
        "particle_blocks": 1,
        "class_blocks": 1,
    },
    "mixer": {
        "tokens": 10,
        "blocks": 1,
        "width": 7,
        "token_units": 5,
        "feature_units": 6,
        "subjet_width": 12,
        "cross_blocks": 1,
        "num_heads": 2,
        "key_dim": 3,
        "head_units": (7,),
    },
    "analysis_model": {
        "shapes": True,
        "relation_units": (5, 6),
        "morphology_units": (6,),
        "shape_units": (5,),
        "recurrent_units": 5,
        "width": 12,
        "cross_blocks": 1,
        "num_heads": 2,
        "key_dim": 3,
        "head_units": (7,),
    },
    "lund_net": {"blocks": ((5, 6), (6, 6)), "fusion_units": 9, "head_units": (8,)},
    "released": {
        "constituent_layers": 1,
        "kinematic_layers": 1,
        "cross_layers": 1,
        "hidden_units": 8,
        "head_units": (7, 5),
    },
}
"""Sections of the other families at sizes that build in a moment, by the name of the section."""

NAMES = tuple(MODELS)


def sizes_of(name):
    """Inputs that hold what this network reads."""
    return {"lund_net": WITH_TREES, "mixer": WITH_SUBJETS, "analysis_model": WITH_VARIABLES}.get(name, SIZES)


def tiny(name="mscat", **changes):
    """Settings of a network that trains in a second."""
    return ModelSettings(**{**TINY, **FAMILIES, "name": name, **changes})


def without_dropout(name):
    """The same, for comparisons that random numbers would spoil."""
    sections = {key: getattr(tiny(name), key) for key in FAMILIES}
    still = {k: {**FAMILIES[k], "dropout_rate": 0.0} for k, s in sections.items() if hasattr(s, "dropout_rate")}
    return tiny(name, dropout_rate=0.0, **still)


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
        if sizes.subjets:
            inputs |= mock_subjets(jet, events, sizes, rng, least)
        if sizes.high_level:
            units = [{"GeV": 80.0, "GeV^2": 2e3}.get(COLUMNS[name].unit, 1.0) for name in sizes.high_level]
            inputs[f"high_level_{jet}"] = (rng.exponential(1.0, (events, len(units))) * units).astype("float32")
    if sizes.event_shapes:
        inputs["event_shapes"] = rng.uniform(0.2, 1.0, (events, len(sizes.event_shapes))).astype("float32")
    m, pt = rng.uniform(60, 200, (2, events, sizes.tokens)) * np.array([[[1.0]], [[4.0]]])
    eta, phi, theta = rng.uniform(-1.5, 1.5, (3, events, sizes.tokens))
    energy = np.hypot(m, pt * np.cosh(eta))
    inputs["kinematics"] = np.stack([m, eta, phi, pt, energy, theta], axis=-1).astype("float32")
    return {name: inputs[name] for name in sorted(inputs)}


def mock_tree(jet, events, sizes, rng, least):
    """Declusterings of one jet, a binary tree: every parent stands before its two children, the root has none."""
    tokens = sizes.declusterings
    mask = np.arange(tokens) < rng.integers(least, tokens + 1, (events, 1))
    parent = np.broadcast_to((np.arange(tokens) - 1) // 2, (events, tokens))
    tree = rng.normal(size=(events, tokens, len(sizes.declustering_features))) * mask[..., None]
    return {
        f"lund_{jet}": tree.astype("float32"),
        f"lund_mask_{jet}": mask,
        f"lund_parent_{jet}": np.where(mask, parent, -1).astype("int32"),
    }


def mock_subjets(jet, events, sizes, rng, least):
    """Subjets of one jet, ordered by pt [GeV]."""
    mask = np.arange(sizes.subjets) < rng.integers(min(least, sizes.subjets), sizes.subjets + 1, (events, 1))
    pt = -np.sort(-rng.exponential(100.0, mask.shape), axis=1) + 5.0
    columns = [pt, *rng.normal(0, 0.3, (2, *mask.shape)), 0.1 * pt, *rng.uniform(0.1, 9.0, (2, *mask.shape))]
    cloud = np.stack(columns, axis=-1) * mask[..., None]
    return {f"subjets_{jet}": cloud.astype("float32"), f"subjets_mask_{jet}": mask}


def inputs_of(model, inputs):
    """Only what this network takes."""
    return {tensor.name: inputs[tensor.name] for tensor in model.inputs}


def moved_weights(model):
    """The same network with weights away from their start, where biases and embeddings are nearly 0."""
    rng = np.random.default_rng(1)
    model.set_weights([weight + rng.normal(0, 0.2, weight.shape) for weight in model.get_weights()])
    return model
