"""One pass over the chosen events of one trained network, for all parts of an explanation; see `part`."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mscat_tf.config import ExplanationSettings
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.explanation import ATTENTION_FILE, GRAD_CAM_FILE
from mscat_tf.files import make_folder
from mscat_tf.interpretation import attribution
from mscat_tf.interpretation.attention import high_scale_labels
from mscat_tf.interpretation.attention_part import AttentionPart
from mscat_tf.interpretation.part import Arrays, Batch, Context, Part
from mscat_tf.interpretation.partial import Partial
from mscat_tf.interpretation.store import write_arrays

Batches = Callable[[int], Iterator[Batch]]
Progress = Callable[[int, int], None]
SECONDS, MOST_BATCHES = 20.0, 16
"""What is done is written after so long or so many batches: what a kill costs. No result depends on it."""
FILES = (ATTENTION_FILE, GRAD_CAM_FILE)
log = logging.getLogger(__name__)


def explain(
    model: keras.Model,
    batches: Batches,
    wanted: int,
    context: Context,
    settings: ExplanationSettings,
    folder: Path,
    provenance: dict[str, Any],
    key: str = "",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write `attention.h5` and `gradcam.h5` of a trained network; continues where an equal call was interrupted.

    The files get the same bytes, interrupted or not. Memory depends on the batch, not on the number of events. What is
    unfinished lies in a hidden folder (see `Partial`), which the caller removes when all that follows is done too.

    Args:
        model: a network of the registry, trained, in float32.
        batches: gives an iterator over the batches from a number on. wanted: events in all of them together.
        context: see there. settings: see there. folder: the run folder.
        provenance: configuration, seed, versions; written into both files.
        key: of what is explained; unfinished work is continued if it has the same.
        progress: called with (events done, events wanted) after each batch.

    Returns:
        Numbers: events by process name, `groups`, threshold, what the parts say of themselves.

    Raises:
        InputError: there are no events. OutputError: cannot be written.
        ConfigError: a layer or method is asked for that the network does not have, or there is nothing to explain.
    """
    make_folder(folder)
    parts = explanation_parts(model, settings, context)
    partial = Partial(folder, key)
    used = _stream(parts, batches, wanted, context, partial, progress)
    if not used.any():
        raise InputError(f"{folder}: the test split holds no events to explain; generate more, or read another sample")
    summary: dict[str, Any] = {
        "events": dict(zip(context.processes, used.sum(axis=1).tolist(), strict=True)),
        "right": dict(zip(context.processes, used[:, 1].tolist(), strict=True)),
        "threshold": context.threshold,
        "groups": context.groups,
        "tokens": high_scale_labels(model, context.tokens),
    }
    for part in parts:
        summary |= part.attributes()
    short = {name: value for name, value in summary.items() if name != "attention"}  # it stands in arrays
    summary["files"] = [file for file in FILES if any(part.file == file for part in parts)]
    _write(parts, partial, folder, {**provenance, "processes": list(context.processes), **short})
    log.info("explained %d events: %s", used.sum(), summary["events"])
    return summary


def explanation_parts(model: keras.Model, settings: ExplanationSettings, context: Context) -> list[Part]:
    """What can be said of this network.

    Raises:
        ConfigError: nothing, or not what is asked for.
    """
    attention = AttentionPart(model, settings, context)
    parts: list[Part] = [*([attention] if attention.blocks else []), *attribution.parts(model, settings, context)]
    if not parts:
        raise ConfigError(
            f"network '{model.name}' has neither attention nor constituents, so there are no maps to make; explain a "
            "run of another network, such as mscat"
        )
    return parts


def _stream(
    parts: Sequence[Part],
    batches: Batches,
    wanted: int,
    context: Context,
    partial: Partial,
    progress: Progress | None,
) -> Any:
    """Show all events to the parts; returns how many there are, `(processes, 2)`, wrong ones first."""
    done, state = partial.load()
    used = state.pop("used", np.zeros((len(context.processes), 2), np.int64))
    for number, part in enumerate(parts if done else ()):
        part.restore(_of(state, f"{number}:"))
    source = batches(done)
    while rows := _chunk(parts, source, used, wanted, progress):
        done += len(rows["batches"])
        now = {f"{number}:{name}": a for number, part in enumerate(parts) for name, a in part.state().items()}
        joined = {name: np.concatenate(values) for name, values in rows.items()}
        partial.save(done, joined, {**now, "used": used})
    return used


def _chunk(
    parts: Sequence[Part], batches: Iterator[Batch], used: Any, wanted: int, progress: Progress | None
) -> dict[str, list[Any]]:
    """Show some batches to the parts; rows of each, by file and name. Counts into `used`."""
    rows: dict[str, list[Any]] = {}
    started = time.monotonic()
    for batch in islice(batches, MOST_BATCHES):
        rows.setdefault("batches", []).append(np.ones(1))
        for part in parts:
            part.add(batch)
            for name, values in part.rows(batch).items():
                rows.setdefault(f"{part.file}:{name}", []).append(values)
        np.add.at(used, (batch.process, batch.right.astype(int)), 1)
        if progress:
            progress(int(used.sum()), wanted)
        if time.monotonic() - started >= SECONDS:
            break
    return rows


def _write(parts: Sequence[Part], partial: Partial, folder: Path, attributes: dict[str, Any]) -> None:
    for file in FILES:
        own = [part for part in parts if part.file == file]
        if not own:
            (folder / file).unlink(missing_ok=True)
            continue
        arrays: Arrays = {}
        for part in own:
            arrays |= part.arrays()
        write_arrays(folder / file, arrays, attributes, _rows(partial, file))


def _rows(partial: Partial, file: str) -> Callable[[], Iterator[Arrays]]:
    """What gives the rows for a file, chunk by chunk."""
    return lambda: (_of(chunk, f"{file}:") for chunk in partial.chunks())


def _of(arrays: Arrays, prefix: str) -> Arrays:
    """Those whose names begin so, without it."""
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
