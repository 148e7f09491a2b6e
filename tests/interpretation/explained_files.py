"""A run folder with the files of an explanation, made of random numbers: no network, no framework."""

import json

import numpy as np

from mscat_tf.interpretation.store import write_arrays

PROCESSES = ("signal", "4b", "ttbar")
TOKENS = ("jet 1", "jet 2", "sum")
GROUPS = [
    {"name": "signal" if process == "signal" else "background", "process": process, "verdict": verdict}
    for verdict in ("all", "right", "wrong")
    for process in PROCESSES
]
CONSTITUENTS, HEADS, EVENTS = 5, 2, 40
EDGES = np.array([0.0, 0.1, 0.2, 0.4, np.inf])


def write_explanation(folder, events=(EVENTS, EVENTS, 0)):
    """Write `attention.h5`, `gradcam.h5`, `explanation.json` of `mscat` with one block each; give the numbers."""
    rng = np.random.default_rng(5)
    some = np.array([number > 0 for number in events] * 3, float)

    def positive(*shape):
        return some.reshape(-1, *(1,) * len(shape)) * rng.random((len(GROUPS), *shape))

    maps = {}
    keys = {"constituents_1_block_1": 5, "constituents_2_block_1": 5, "cross_block_1": 10, "kinematics_block_1": 3}
    for block, number in keys.items():
        queries = number if block.startswith(("cons", "kin")) else 3
        maps[f"{block}/mean"] = positive(queries, number)
        maps[f"{block}/real_queries"] = (np.tile(events, 3)[:, None] * np.ones(queries)).astype(int)
        for name in ("entropy", "entropy_error", "sparsity", "sparsity_error"):
            maps[f"{block}/{name}"] = positive(HEADS)
    maps["rollout/kinematics"] = positive(3, 3)
    for jet in ("jet_1", "jet_2"):
        maps[f"rollout/{jet}"] = positive(3, CONSTITUENTS)
        maps[f"plane/cross_block_1/{jet}"] = positive(3, 40, 40)
        for name in ("rank", "rank_error", "rank_even"):
            maps[f"{name}/cross_block_1/{jet}"] = positive(3, CONSTITUENTS)
        for name, readers in (("truth", 3), ("truth_pt", 1), ("truth_number", 1)):
            maps[f"{name}/cross_block_1/{jet}"] = positive(readers, len(EDGES) - 1)
            maps[f"{name}_error/cross_block_1/{jet}"] = 0.1 * positive(readers, len(EDGES) - 1)
    numbers = {
        "events": dict(zip(PROCESSES, events, strict=True)), "groups": GROUPS, "tokens": list(TOKENS),
        "blocks": list(keys), "files": ["attention.h5", "gradcam.h5"], "figures": [],
        "all_zero": {"jet_1": {"signal": 0.25, "4b": 0.5, "ttbar": None}},
        **studies(rng),
    }  # fmt: skip
    about = {"groups": GROUPS, "processes": list(PROCESSES), "readers": {"cross_block_1": list(TOKENS)}}
    about |= {"rollout_rows": list(TOKENS), "truth_edges": EDGES.tolist()}
    write_arrays(folder / "attention.h5", maps, about)
    process = np.repeat(np.arange(3), events)
    cams = {"process": process.astype("i4")}
    for jet in ("jet_1", "jet_2"):
        for name in ("eta", "phi", "integrated_gradients"):
            cams[f"{jet}/{name}"] = rng.uniform(-1, 1, (len(process), CONSTITUENTS)).astype("f4")
        cams[f"{jet}/maps"] = rng.random((len(process), CONSTITUENTS)).astype("f4")
        cams[f"{jet}/mask"] = np.ones((len(process), CONSTITUENTS), bool)
    write_arrays(folder / "gradcam.h5", cams, {"groups": GROUPS, "processes": list(PROCESSES)})
    (folder / "explanation.json").write_text(json.dumps(numbers))
    return numbers


def studies(rng):
    """Of each study the part that figures read."""
    fractions = [0.0, 0.5, 1.0]

    def curve():
        return {
            "logit": rng.normal(size=3).tolist(),
            "error": [0.1] * 3,
            "better_than_random": {"value": 1, "error": 0.1},
        }

    methods = ("grad_cam", "integrated_gradients", "transverse momentum", "random")
    worth = {"kinematics": 0.3, "all jets": 0.1, "kinematics: m": 0.2, "constituents: pt": -0.01}
    return {
        "insertion_deletion": {
            "fractions": fractions,
            "methods": {name: {"deletion": curve(), "insertion": curve()} for name in methods},
        },
        "randomisation": {
            "layers": ["logit", "head_1"],
            "methods": {name: [{"value": 0.5, "error": 0.1}, {"value": None, "error": None}] for name in methods[:2]},
        },
        "importance": {"auc": 0.9, "streams": {name: {"lost": lost, "error": 0.02} for name, lost in worth.items()}},
    }
