"""Finished runs on mock events, made without TensorFlow: every file that a page reads, in milliseconds."""

import json
from dataclasses import replace

import numpy as np

from mscat_tf import schema
from mscat_tf.config import load_config
from mscat_tf.data import Sample, event_table
from mscat_tf.data.mock import mock_arrays, mock_header
from mscat_tf.evaluation.evaluate import evaluate_scores, yields
from mscat_tf.evaluation.scores import VALIDATION_SCORES, Scores, write_scores
from mscat_tf.evaluation.selection_study import selection_study
from mscat_tf.files import write_json
from mscat_tf.interpretation.store import write_arrays
from mscat_tf.run_folder import load_run
from mscat_tf.run_start import start_run

PROCESSES = ("4b", "signal", "ttbar")
TOKENS = ["jet 1", "jet 2", "sum"]
CONSTITUENTS, HEADS, BINS, SHOWN = 6, 2, 4, 3
VERDICTS = ("all", "right", "wrong")


def write_sample(folder, processes=PROCESSES):
    """A mock sample whose second process is signal."""
    header = mock_header(CONSTITUENTS, seed=0)
    number = dict(zip(processes, header.normalisation.values(), strict=True))
    flow = {name: [*header.cut_flow["4b"], {"cut": "pT < 9", "raw": 70, "weighted": 40.5}] for name in processes}
    header = replace(header, processes=processes, labels=(0, 1, 0), normalisation=number, cut_flow=flow)
    arrays = mock_arrays(400, CONSTITUENTS, np.random.default_rng(3))
    process = np.array([1, 0, 2])[arrays["process"]]
    folder.mkdir(parents=True, exist_ok=True)
    schema.write_sample(folder / "mock-0000.h5", header, {**arrays, "process": process})
    return folder


def trained(folder, sample, *overrides, history=True):
    """A run that is trained, no more."""
    settings = [f"data.path={sample}", "train.epochs=3", "evaluate.bootstrap_replicas=20", *overrides]
    config = load_config("smoke", settings)
    start_run(config, folder, "0123456789abcdef")
    table = event_table(Sample(sample), config.data, config.seed)
    write_json(
        folder / "training.json",
        {
            "parameters": 79025, "epochs_trained": 3, "best_epoch": 2, "seconds": 140.2, "events_per_second": 596.0,
            "splits": table.census.split_counts(),
        },
    )  # fmt: skip
    load_run(folder).model_file.write_bytes(b"")
    if history:
        (folder / "history.csv").write_text(
            "epoch,loss,val_loss,val_auc\n1,0.6,0.61,0.7\n2,0.4,0.5,0.8\n3,0.3,0.55,0.79\n"
        )
    return load_run(folder)


def evaluated(folder, sample, *overrides, strength=2.0):
    """A run that is trained and evaluated: logits are random, shifted by `strength` for signal."""
    run = trained(folder, sample, *overrides)
    config, table = run.config, run.table
    test, validation = (_scores(run, split, strength) for split in ("test", "validation"))
    for name, scores in (("scores.h5", test), (VALIDATION_SCORES, validation)):
        write_scores(folder / name, scores, {}, config.seed)
    metrics = evaluate_scores(test, config.evaluate, config.seed, False, validation)
    metrics["yields"] = yields(table, config.evaluate.luminosity_fb)
    metrics["settings"] = config.evaluate.model_dump(mode="json")
    write_json(folder / "metrics.json", metrics)
    selection = selection_study(test, validation, metrics["yields"], config.evaluate, config.seed)
    write_json(folder / "selection.json", selection)
    return run


def _scores(run, split, strength):
    table, rows = run.table, run.table.rows(split)
    label = table.label[rows]
    logit = (np.random.default_rng(5).normal(size=len(rows)) + strength * (label - 0.5)).astype("f4")
    return Scores(
        table.processes, table.process_labels, table.event_id[rows], table.group_id[rows], label, table.process[rows],
        logit, 1 / (1 + np.exp(-logit)), table.weight[rows], table.weight_fb[rows],
        run.sample.column("kinematics")[rows],
    )  # fmt: skip


def explained(run):
    """Add what `mscat explain` leaves: maps, attributions, studies; all of it random."""
    rng, processes = np.random.default_rng(11), run.table.processes
    groups = [
        {"name": "signal" if label else "background", "process": name, "verdict": verdict}
        for verdict in VERDICTS
        for name, label in zip(processes, run.table.process_labels, strict=True)
    ]
    rows = run.table.rows("test")
    kept = np.sort(np.concatenate([rows[run.table.process[rows] == index][:SHOWN] for index in range(3)]))
    attributes = {
        "processes": list(processes), "groups": groups, "tokens": TOKENS, "threshold": 0.5,
        "events": dict.fromkeys(processes, SHOWN), "gradcam_layers": {"1": "constituents_1_block_1"},
        "readers": {"cross_block_1": TOKENS}, "rollout_rows": TOKENS, "plane_edges": [-1.0, 0.0, 1.0],
        "truth_edges": [0.0, 0.1, 0.5, 1.5], "all_zero": {"jet_1": dict.fromkeys(processes, 0.25)},
    }  # fmt: skip
    attention, cams = _attention(run, kept, rng), _attributions(run, kept, rng)
    write_arrays(run.path / "attention.h5", attention, attributes)
    write_arrays(run.path / "gradcam.h5", cams, attributes)
    numbers = {name: attributes[name] for name in ("groups", "tokens", "events")}
    (run.path / "explanation.json").write_text(json.dumps(numbers | _studies(processes)))
    return run


def _of_events(run, kept):
    cloud, mask = run.sample.column("constituents")[kept], run.sample.column("constituents_mask")[kept]
    found = {"process": run.table.process[kept], "row": kept, "label": run.table.label[kept]}
    found["logit"] = np.linspace(-2, 2, len(kept)).astype("f4")
    for jet in range(2):
        found[f"jet_{jet + 1}/mask"] = mask[:, jet]
        for number, name in enumerate(("eta", "phi", "pt")):
            found[f"jet_{jet + 1}/{name}"] = cloud[:, jet, :, number]
    return found


def _attention(run, kept, rng):
    groups, events = 3 * len(VERDICTS), _of_events(run, kept)
    masks = [events[f"jet_{jet}/mask"] for jet in (1, 2)]
    sizes = {
        "constituents_1_block_1": (CONSTITUENTS, CONSTITUENTS, masks[0]),
        "cross_block_1": (3, 2 * CONSTITUENTS, np.concatenate(masks, axis=1)),
        "kinematics_block_1": (3, 3, np.ones((len(kept), 3), bool)),
    }
    found = {f"events/{name}": values for name, values in events.items()}
    for block, (queries, keys, mask) in sizes.items():
        scores = rng.exponential(size=(len(kept), HEADS, queries, keys)) * mask[:, None, None, :]
        found[f"events/{block}"] = (scores / np.maximum(scores.sum(axis=-1, keepdims=True), 1e-9)).astype("f2")
        maps = rng.dirichlet(np.ones(keys), (groups, HEADS, queries))
        found |= {f"{block}/per_head": maps, f"{block}/mean": maps.mean(axis=1)}
        found[f"{block}/real_queries"] = np.full((groups, queries), SHOWN)
    for jet in (1, 2):
        place = f"cross_block_1/jet_{jet}"
        found[f"plane/{place}"] = rng.exponential(size=(groups, 3, BINS, BINS))
        found[f"rollout/jet_{jet}"] = rng.uniform(size=(groups, 3, CONSTITUENTS))
        for name in ("rank", "rank_error", "rank_even"):
            found[f"{name}/{place}"] = rng.uniform(size=(groups, 3, CONSTITUENTS))
        for name, readers in (("truth", 3), ("truth_error", 3), ("truth_pt", 1), ("truth_number", 1)):
            found[f"{name}/{place}"] = rng.uniform(size=(groups, readers, 3))
    return found


def _attributions(run, kept, rng):
    found = _of_events(run, kept)
    for jet in (1, 2):
        mask = found[f"jet_{jet}/mask"]
        found[f"jet_{jet}/maps"] = (rng.exponential(size=mask.shape) * mask).astype("f4")
        found[f"jet_{jet}/integrated_gradients"] = (rng.normal(size=mask.shape) * mask).astype("f4")
    found["kinematics/integrated_gradients"] = rng.normal(size=(len(kept), 3, 6)).astype("f4")
    return found


def _studies(processes):
    def point(value, error=0.01):
        return {"value": value, "error": error, "undefined": 0.0}

    heads = {measure: {name: [point(0.5), point(0.75)] for name in processes} for measure in ("entropy", "sparsity")}
    others = {measure: {name: [point(0.25), point(0.5)] for name in processes} for measure in heads}
    curve = {"logit": [1.0, 0.0, -1.0], "error": [0.1, 0.1, 0.1], "better_than_random": point(0.321, 0.012)}
    curves = {name: {"deletion": curve, "insertion": curve} for name in ("grad_cam", "random")}
    stages = {"grad_cam": [point(0.9), point(0.1)], "integrated_gradients": [point(0.8), point(None, None)]}
    return {
        "attention": {"cross_block_1": heads, "constituents_1_block_1": others},
        "randomisation": {"layers": ["logit", "cross_block_1"], "events": 9, "methods": stages},
        "insertion_deletion": {"events": 9, "fractions": [0.0, 0.5, 1.0], "methods": curves},
        "importance": {"auc": 0.9, "streams": {"jet 1": {"lost": 0.0421, "error": 0.0034}}, "events": 9},
        "integrated_gradients": {
            "completeness": {"share_within_1_percent": 0.987, "greatest_error": 0.01},
            "mean_absolute": {
                name: {"kinematics": (number + np.arange(18.0)).reshape(3, 6).tolist()}
                for number, name in enumerate(processes)
            },
        },
    }
