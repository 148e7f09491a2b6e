"""From a finished and evaluated run to a preset: what answering needs, the model card, the events that check it."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.data.blocks import Blocks
from mscat_tf.data.splits import SPLITS, assign_splits
from mscat_tf.errors import InputError, OutputError
from mscat_tf.evaluation.selection_study import FILE as SELECTION
from mscat_tf.files import file_digest, make_folder, read_json, temporary_folder, write_json, write_text
from mscat_tf.inference.signature import Signature
from mscat_tf.presets.card import card_of
from mscat_tf.presets.card_text import card_text
from mscat_tf.presets.library import CARD, CARD_TEXT, REFERENCE, Preset
from mscat_tf.run_folder import Run

KEPT = ("config.yaml", "metrics.json", "model.keras", "training.json")
"""Of the run, as they are; checkpoints, logs, scores and figures stay behind."""

REFERENCE_EVENTS = 16
LARGEST = 3_000_000
"""Bytes of a preset: it travels with every installation."""


def write_preset(run: Run, command: str, folder: Path) -> Preset:
    """Write the preset `folder / run.config.name`, in place of one that is there.

    Args:
        run: finished and evaluated. command: makes the same again. folder: of presets.

    Raises:
        InputError: the run is an ensemble or of boosted trees, is not evaluated, or too large.
        OutputError: the folder cannot be written, or what stands there is no preset.
    """
    name, target = run.config.name, folder / run.config.name
    if target.exists() and not (target / CARD).is_file():
        raise OutputError(f"{target}: is there and is no preset; choose another --out")
    inputs = _reference_inputs(run)
    with temporary_folder(make_folder(folder)) as place:
        made = make_folder(place / name)
        for file in KEPT:
            shutil.copyfile(run.path / file, made / file)
        write_json(made / "environment.json", _environment(run))
        np.savez_compressed(made / REFERENCE, allow_pickle=False, **inputs)
        card = card_of(run, command, _thresholds(run), run.predict(inputs).tolist())
        write_text(made / CARD_TEXT, card_text(card))
        card["files"] = {path.name: file_digest(path) for path in sorted(made.iterdir())}
        write_json(made / CARD, card)
        size = Preset(made).size
        if size > LARGEST:
            raise InputError(f"{run.path}: {size} bytes, but a preset has at most {LARGEST}; train a narrower network")
        if target.exists():
            shutil.rmtree(target)
        made.replace(target)
    return Preset(target)


def _environment(run: Run) -> dict[str, Any]:
    """Versions and events; not the machine."""
    recorded = read_json(run.path / "environment.json")
    return {name: recorded[name] for name in ("versions", "started", "data_digest")}


def _thresholds(run: Run) -> dict[str, float]:
    """Logits above which shares of the signal lie, which `mscat evaluate` found."""
    return dict(read_json(run.path / SELECTION)["thresholds"])


def _reference_inputs(run: Run) -> dict[str, NDArray[Any]]:
    """Inputs of the network by name for the first test events, half of them signal."""
    sample, data = run.sample, run.config.data
    split = assign_splits(sample.column("group_id"), data.train_fraction, data.validation_fraction)
    label, is_test = sample.column("label"), split == SPLITS.index("test")
    half = REFERENCE_EVENTS // 2
    rows = np.concatenate([np.flatnonzero(is_test & (label == value))[:half] for value in (1, 0)])
    signature = Signature.of(run.model.inputs, data)
    single = Blocks([header.events for header in sample.headers], size=1)
    events = [sample.read(single[int(row)], signature.data_sets) for row in rows]
    return signature.inputs({name: np.concatenate([each[name] for each in events]) for name in signature.data_sets})
