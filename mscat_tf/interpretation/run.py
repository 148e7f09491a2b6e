"""`mscat explain`: attention maps, attributions and checks of a run's test events."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import ExplanationSettings, digest
from mscat_tf.errors import InputError, MscatError
from mscat_tf.evaluation.metrics import weighted_roc
from mscat_tf.evaluation.scores import read_scores
from mscat_tf.explanation import NUMBERS_FILE
from mscat_tf.files import file_digest, write_json
from mscat_tf.inference.keras_network import in_float32
from mscat_tf.interpretation import attribution
from mscat_tf.interpretation.event_batches import EventBatches, chosen_rows
from mscat_tf.interpretation.explain import explain as explain_model
from mscat_tf.interpretation.explain_figures import draw_all
from mscat_tf.interpretation.part import Context
from mscat_tf.interpretation.partial import Partial
from mscat_tf.interpretation.stream_importance import batched_logits
from mscat_tf.lock import locked
from mscat_tf.provenance import library_versions
from mscat_tf.run_folder import Run

FORMAT = 1
"""Of the files; another one makes unfinished and finished work of before count as not done."""
SIGNAL_EFFICIENCY = 0.5
"""At which an event counts as accepted: the working point that divides right from wrong."""


def explain(
    run: Run, settings: ExplanationSettings | None = None, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Write `attention.h5`, `gradcam.h5`, their figures and `explanation.json`; returns what the latter holds.

    Continues where it was interrupted. If the same was explained before with the same settings, only the figures are
    drawn again.

    Args:
        run: a finished run. settings: instead of those in its configuration.
        progress: called with (done, wanted) events, then with those of each study.

    Raises:
        InputError: the run is not finished, has no network, or its test split holds no signal.
        OutputError: another process explains it, or nothing can be written.
        ConfigError: a layer is asked for that the network does not have, or the network has nothing to explain.
    """
    settings = settings or run.need_finished().config.explain
    with locked(run.path, "an explanation of this run"):
        return _explained_and_drawn(run, settings, progress)


def _explained_and_drawn(
    run: Run, settings: ExplanationSettings, progress: Callable[[int, int], None] | None
) -> dict[str, Any]:
    key = work_key(run, settings)
    summary = finished(run, key)
    if summary is None:
        started = time.perf_counter()
        summary = _explained(run, settings, key, progress)
        summary |= {"settings": settings.model_dump(mode="json"), "key": key}
        summary |= {"seconds": time.perf_counter() - started, "figures": []}
        write_json(run.path / NUMBERS_FILE, summary)
        summary = json.loads((run.path / NUMBERS_FILE).read_text())
    Partial(run.path, key).remove()
    summary["figures"] = draw_all(run.path, summary, run.sample.configuration)
    write_json(run.path / NUMBERS_FILE, summary)
    return summary


def work_key(run: Run, settings: ExplanationSettings) -> str:
    """Tells whether work may be continued: same network, events and settings."""
    return digest(
        {
            "format": FORMAT,
            "weights": file_digest(run.model_file) if run.model_file.is_file() else None,
            "events": run.sample.digest,
            "settings": settings.model_dump(mode="json"),
        }
    )


def finished(run: Run, key: str) -> dict[str, Any] | None:
    """What `explanation.json` holds if it is of this work, and the files are whole."""
    try:
        stored: dict[str, Any] = json.loads((run.path / NUMBERS_FILE).read_text())
        if stored.get("key") != key:
            return None
        for name in stored["files"]:
            with h5py.File(run.path / name, "r"):
                pass
    except (OSError, ValueError):
        return None
    return stored


def _explained(
    run: Run, settings: ExplanationSettings, key: str, progress: Callable[[int, int], None] | None
) -> dict[str, Any]:
    model, table, config = in_float32(run.model), run.table, run.config
    rows = _chosen(run, settings.events)
    header = run.sample.header
    context = Context(
        header.processes, header.labels, threshold(run), config.data, header.token_names, header.jets, run
    )
    names = tuple(tensor.name for tensor in model.inputs)
    logits = batched_logits(model, settings.batch_size)
    batches = EventBatches(run.sample, table, rows, settings.batch_size, context, logits, names)
    provenance = {
        "configuration": config.model_dump(mode="json"),
        "seed": config.seed,
        "versions": library_versions(),
    }
    arguments = (context, settings, run.path, provenance, key, progress)
    summary = explain_model(model, batches, len(rows), *arguments)
    return summary | _studied(run, settings, Partial(run.path, key), progress)


def _chosen(run: Run, most: int) -> NDArray[np.int64]:
    try:
        return chosen_rows(run.table, most, run.config.seed)
    except InputError as error:
        raise InputError(f"{run.path}: {error}") from None


def _studied(
    run: Run, settings: ExplanationSettings, partial: Partial, progress: Callable[[int, int], None] | None
) -> dict[str, Any]:
    """What the studies found, done once."""
    found = partial.studies()
    if found is None:
        found = attribution.studies(run, settings, progress)
        partial.keep_studies(found)
    return found


def threshold(run: Run) -> float:
    """Logit at or above which half of the signal of the test split is accepted.

    From `scores.h5` if that was written after the network and holds the events of the test split.
    """
    table, path = run.table, run.path / "scores.h5"
    rows = table.rows("test")
    if path.is_file() and path.stat().st_mtime >= run.model_file.stat().st_mtime:
        with contextlib.suppress(MscatError):
            scores = read_scores(path)
            if np.array_equal(scores.event_id, table.event_id[rows]):
                return weighted_roc(scores.logit, scores.label, scores.weight_fb).threshold_at(SIGNAL_EFFICIENCY)
    rows, logit = run.predictor.logits(run.sample, table, "test")
    return weighted_roc(logit, table.label[rows], table.weight_fb[rows]).threshold_at(SIGNAL_EFFICIENCY)
