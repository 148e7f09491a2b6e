"""`mscat explain RUN --cka [OTHER]`: how alike the layers of two networks are, or those of one network."""

import contextlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import digest
from mscat_tf.config.preparation import source_digest
from mscat_tf.data.stream import EventStream
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.explanation import CKA_FOLDER
from mscat_tf.files import file_digest, make_folder, write_json
from mscat_tf.inference.keras_network import in_float32
from mscat_tf.interpretation.cka import KERNELS, LEAST_EVENTS, RBF_FRACTION, AlignmentSums, Floats
from mscat_tf.interpretation.cka_figure import draw_cka
from mscat_tf.interpretation.cka_file import Comparison, read_comparison
from mscat_tf.interpretation.figures import save_figure
from mscat_tf.interpretation.layer_outputs import TOKEN_FORMS, LayerOutputs
from mscat_tf.interpretation.partial import Partial
from mscat_tf.lock import locked
from mscat_tf.provenance import library_versions
from mscat_tf.run_folder import Run

Batch = tuple[Mapping[str, NDArray[Any]], NDArray[np.int64]]
Progress = Callable[[int, int], None]
FORMAT = 1
"""Of the file; another one makes what was done before count as not done."""
SAVED_EVERY = 16
"""Batches, at most, that a kill costs."""


@dataclass(frozen=True)
class CkaSettings:
    """What is compared.

    Attributes:
        events: at most so many test events for each process of the sample, all processes as they come.
        batch_size: events at a time, at most. layers: names, in either network; all that count if there are none.
        tokens: how the tokens of an event become one row, see `layer_outputs.rows_of_events`.
        rbf_fraction: width of the Gaussian kernel in units of the median distance.
    """

    events: int = 5000
    batch_size: int = 250
    layers: tuple[str, ...] = ()
    tokens: str = "flatten"
    rbf_fraction: float = RBF_FRACTION


def cka(
    run: Run, other: Run | None = None, settings: CkaSettings | None = None, progress: Progress | None = None
) -> Comparison:
    """Write `cka/<name of the other run>.json` and its figure into the folder of `run`; returns what the file holds.

    Goes on where it was interrupted. What was done before with the same settings is only drawn again.

    Args:
        run: finished. Of a repeated one its first two seeds are compared, unless `other` is given.
        other: finished, trained on the same events; None for the layers of one network among themselves.
        settings: `events` and `batch_size` of `config.explain` by default.
        progress: called with (done, wanted) batches.

    Raises:
        InputError: a run is unfinished or has no network, or the runs have different test events, or too few.
        ConfigError: a layer is asked for that neither network has, or another form of tokens.
    """
    explain = run.need_finished().config.explain
    settings = settings or CkaSettings(explain.events, explain.batch_size)
    if settings.tokens not in TOKEN_FORMS:
        raise ConfigError(f"--tokens {settings.tokens}: choose from {', '.join(TOKEN_FORMS)}")
    home, (first, second) = run.path, _pair(run, other)
    same = first.path.resolve() == second.path.resolve()
    _check_events(first, second)
    _check_networks(first, second)
    folder = make_folder(home / CKA_FOLDER)
    path = folder / f"{label(second)}.json"
    key = _key(first, second, settings)
    with locked(folder, "comparisons of this run"):
        found = _finished(path, key)
        partial = Partial(folder, key)
        if found is None:
            sums, names = _compared(first, None if same else second, settings, partial, progress)
            write_json(path, {**_summary(first, second, settings, sums, names), "key": key})
            found = read_comparison(path)
        partial.remove()
    figures = save_figure(draw_cka(found), home / "figures", f"cka_{path.stem}")
    return {**found, "file": str(path), "figures": [str(figure) for figure in figures]}


def label(run: Run) -> str:
    """The name of a run's folder, with that of the repeated run for one of its seeds."""
    path = run.path.resolve()
    repeated = (path.parent / "config.yaml").is_file()
    return f"{path.parent.name}-{path.name}" if repeated else path.name


def _pair(run: Run, other: Run | None) -> tuple[Run, Run]:
    if other is None and run.repeated:
        first, second, *_ = run.members
        return first, second
    return run, run if other is None else other.need_finished()


def _check_networks(*runs: Run) -> None:
    """Say at once which run has no network: its `model` raises."""
    for run in runs:
        _ = run.model


def _check_events(first: Run, second: Run) -> None:
    """The same events must be in the test splits, in the same order; their inputs may be prepared differently."""
    if source_digest(first.sample.digest) != source_digest(second.sample.digest):
        raise InputError(
            f"{first.path} was trained on {first.sample.path}, {second.path} on {second.sample.path}, which are other "
            "events; compare runs of one sample"
        )
    own, others = (run.table.event_id[run.table.rows("test")] for run in (first, second))
    if not np.array_equal(own, others):
        raise InputError(
            f"{first.path} and {second.path} have different test events ({len(own)} and {len(others)}, or in another "
            "order); train both with the same data.train_fraction, data.validation_fraction, data.without_masses and "
            "data.mass_hypothesis"
        )


def _key(first: Run, second: Run, settings: CkaSettings) -> str:
    weights, events = ([of(run) for run in (first, second)] for of in (_weights, lambda run: run.sample.digest))
    return digest({"format": FORMAT, "weights": weights, "events": events, "settings": asdict(settings)})


def _weights(run: Run) -> str:
    return file_digest(run.model_file)


def _finished(path: Path, key: str) -> Comparison | None:
    with contextlib.suppress(InputError):
        stored = read_comparison(path)
        return stored if stored.get("key") == key else None
    return None


def _compared(
    first: Run, second: Run | None, settings: CkaSettings, partial: Partial, progress: Progress | None
) -> tuple[AlignmentSums, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Sums over all batches, and the names of the layers of both; `second` is None for one network."""
    runs = [first] if second is None else [first, second]
    networks = _networks(runs, settings)
    size, number = batches_of(len(first.table.rows("test")), _most(first, settings), settings.batch_size)
    sums = AlignmentSums(len(networks[0].names), len(networks[-1].names), settings.rbf_fraction)
    done, state = partial.load()
    sums.sums |= state
    sources = [contextlib.closing(_batches(run, first.config.seed, size, done)) for run in runs]
    with contextlib.ExitStack() as stack:
        together = zip(*(stack.enter_context(source) for source in sources), strict=True)
        for batch, events in enumerate(islice(together, number - done), start=done + 1):
            _add(sums, networks, events)
            if progress:
                progress(batch, number)
            if batch % SAVED_EVERY == 0 or batch == number:
                partial.save(batch, {}, sums.sums)
    return sums, (networks[0].names, networks[-1].names)


def _add(sums: AlignmentSums, networks: list[LayerOutputs], events: tuple[Batch, ...]) -> None:
    if not all(np.array_equal(rows, events[0][1]) for _, rows in events):
        raise InputError("the two samples hold their events in different blocks; compare runs of one sample")
    found = [network(inputs) for network, (inputs, _) in zip(networks, events, strict=True)]
    sums.add(found[0], found[-1])


def _networks(runs: list[Run], settings: CkaSettings) -> list[LayerOutputs]:
    """Layers that are asked for need to be in one of the networks only; each must have one of them at least."""
    models = [in_float32(run.model) for run in runs]
    present = [{layer.name for layer in model.layers} for model in models]
    anywhere = set.union(*present)
    found = []
    for model, own in zip(models, present, strict=True):
        names = tuple(name for name in settings.layers if name in own or name not in anywhere)
        if settings.layers and not names:
            raise ConfigError(
                f"network '{model.name}' has none of the layers {', '.join(settings.layers)}; name one of its own as "
                f"well, `mscat models {model.name}` shows them"
            )
        found.append(LayerOutputs(model, names, settings.tokens))
    return found


def _most(run: Run, settings: CkaSettings) -> int:
    return settings.events * len(run.table.processes)


def batches_of(events: int, most: int, batch_size: int) -> tuple[int, int]:
    """Size and number of the batches: as few as there may be, of the same size, so that next to no event is left over.

    Raises:
        InputError: they are too small.
    """
    wanted = min(events, most)
    number = -(-wanted // batch_size) if wanted else 1
    size = wanted // number
    if size < LEAST_EVENTS:
        raise InputError(
            f"batches of {size} events are too small, as unbiased HSIC needs {LEAST_EVENTS}; set explain.batch_size to "
            f"250 or so, and explain.events to {LEAST_EVENTS} or more; the test split holds {events} events"
        )
    return size, number


def _batches(run: Run, seed: int, size: int, start: int) -> Generator[Batch]:
    """Inputs and rows of test events in random order, processes mixed, from batch `start` on.

    In the order of the sample a batch would hold one process, and say nothing of what tells it from the others.
    """
    names = tuple(tensor.name for tensor in run.model.inputs)
    stream = EventStream(run.sample, run.table.census, run.config.data, "test", names, size, shuffle_seed=seed)
    for inputs, _, _, rows in stream.batches(start):
        yield inputs, rows


def _summary(
    first: Run, second: Run, settings: CkaSettings, sums: AlignmentSums, names: tuple[tuple[str, ...], ...]
) -> dict[str, Any]:
    size, number = batches_of(len(first.table.rows("test")), _most(first, settings), settings.batch_size)
    value, error = sums.value(), sums.error()
    spreads = [sums.sums[name][0].sum(axis=0) for name in ("first", "second")]
    return {
        "runs": [_origin(run, own) for run, own in zip((first, second), names, strict=True)],
        "events": size * number,
        "batches": number,
        "batch_size": size,
        "test_events": dict(zip(first.table.processes, _counts(first), strict=True)),
        "settings": asdict(settings),
        "constant": [
            [name for name, spread in zip(own, of, strict=True) if not spread > 0]
            for own, of in zip(names, spreads, strict=True)
        ],
        "rbf_width": [sums.sums[name].tolist() for name in ("width", "other_width")],
        "versions": library_versions(),
        **{
            kernel: {"value": _plain(value[place]), "error": _plain(error[place])}
            for place, kernel in enumerate(KERNELS)
        },
    }


def _origin(run: Run, layers: tuple[str, ...]) -> dict[str, Any]:
    made = {name: value for name, value in run.origin.items() if name != "configuration"}
    return {**made, "name": label(run), "layers": list(layers)}


def _counts(run: Run) -> list[int]:
    process = run.table.process[run.table.rows("test")]
    return [int(count) for count in np.bincount(process, minlength=len(run.table.processes))]


def _plain(values: Floats) -> list[list[float | None]]:
    """Rows of numbers, None for NaN."""
    return [[float(value) if np.isfinite(value) else None for value in row] for row in values]
