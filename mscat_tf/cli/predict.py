"""`mscat predict`: scores of any sample by a run, or by an exported network without TensorFlow."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from mscat_tf.cli.console import Reporter, duration, out
from mscat_tf.cli.stages import find, start_tensorflow
from mscat_tf.config import DataSettings
from mscat_tf.config.preparation import Preparation
from mscat_tf.config.subjets import SubjetSettings
from mscat_tf.data import Sample
from mscat_tf.data.features import SUBJETS
from mscat_tf.data.splits import SPLITS
from mscat_tf.errors import ConfigError
from mscat_tf.files import temporary_folder
from mscat_tf.inference import friend_tree
from mscat_tf.inference.onnx_network import metadata, onnx_scorer, open_session
from mscat_tf.inference.predict import predict as write_scores
from mscat_tf.inference.score_files import check_ending
from mscat_tf.presets.library import Preset, load_preset
from mscat_tf.run_folder import load_run

BACKENDS = ("keras", "onnx")
ONNX = ".onnx"
DELPHES = "delphes"

PROCESS = "unknown"
"""Name of the process of files that do not say it."""


def predict(
    network: Path | Preset,
    events: Sequence[Path],
    target: Path | None,
    backend: str | None,
    batch_size: int,
    format: str | None,
    mass: float | None = None,
    friend_of: Path | None = None,
) -> None:
    """Write the scores of a sample.

    Args:
        network: run folder, ONNX file or preset.
        events: sample file or folder, or files of others; ROOT files are Delphes' where no `format` is given.
        target: file of the scores; default `scores-NAME.h5` beside the network (for a preset here), NAME being that of
            the sample.
        backend: `keras` (default of a run) or `onnx`. batch_size: events at a time.
        format: that `mscat import` knows; None for our own. mass: hypothesis for all events [GeV].
        friend_of: imported file, for each of whose entries there is to be one, in a ROOT file.

    Raises:
        ConfigError: no such backend, or one that cannot read the network; several samples.
        InputError: the network or the sample cannot be read, or they do not go together.
    """
    folder = _beside(network)
    ending = ".h5" if friend_of is None else friend_tree.ENDING
    target = target or folder / f"scores-{(friend_of or events[0]).resolve().stem}{ending}"
    check_ending(target)
    if friend_of is not None:
        friend_tree.check_friend(target, friend_of)
    if format is None and all(file.suffix == friend_tree.ENDING for file in events):
        format = DELPHES
    if format is None and len(events) > 1:
        raise ConfigError(
            f"{events[1]}: a second sample; give one file or folder, or say with --import which format the files have"
        )
    with ExitStack() as stack:
        sample = stack.enter_context(Sample(events[0])) if format is None else None
        scorer, about, data = _open(network, backend, batch_size)
        if mass is not None:
            scorer, about["mass_hypothesis"] = scorer.at_mass(mass), mass
        if sample is None:
            tokens = (*_subjet_settings(scorer.data_sets, data, about), *scorer.token_settings)
            sample = stack.enter_context(_imported(str(format), events, tokens, target.parent))
        write = write_scores
        if friend_of is not None:
            write = partial(friend_tree.write_friend, of=friend_tree.imported_file(sample, friend_of))
        if data.preparation.subjets and not all(sample.has(name) for name in {*SUBJETS} & {*scorer.data_sets}):
            sample = stack.enter_context(_with_subjets(sample, data.preparation.subjets, target.parent))
        about["sample"] = f"{events[0]} and {len(events) - 1} more" if len(events) > 1 else str(events[0])
        for note in scorer.check(sample):
            out.print(f"note: {sample.path}: {note}", soft_wrap=True)
        started = time.perf_counter()
        with Reporter("predicting", len(sample), "events") as reporter:
            count = write(scorer, sample, target, about, data, reporter.update)
        if about["data_digest"] == sample.digest:
            out.print(
                f"note: the network was trained on this sample; only events with split {SPLITS.index('test')} (test) "
                "tell how good it is",
                soft_wrap=True,
            )
    seconds = duration(time.perf_counter() - started)
    out.print(f"{target}: scores of {count} events, made in {seconds}", soft_wrap=True)


def _subjet_settings(data_sets: Sequence[str], data: DataSettings, about: Mapping[str, Any]) -> tuple[str, ...]:
    """How the subjets that the network reads were found in training, as settings of `mscat import`, where it is known.

    Args:
        data_sets: that the network reads. data: settings of its training. about: what made it.
    """
    made = about.get("configuration", {}).get("sample", {}).get("tokens", {}).get("subjets")
    found = data.preparation.subjets.model_dump(mode="json") if data.preparation.subjets else made
    return (f"tokens.subjets={json.dumps(found)}",) if found and {*SUBJETS} & {*data_sets} else ()


@contextmanager
def _imported(format: str, files: Sequence[Path], tokens: Sequence[str], beside: Path) -> Iterator[Sample]:
    """A sample of ours made of files of others, as long as the block lasts."""
    from mscat_tf.cli import importing

    tells_nothing = format == DELPHES and files[0].suffix not in importing.YAML
    own = {"name": PROCESS, "cross_section_fb": 1.0} if tells_nothing else {}
    settings = importing.settings_of(format, [str(file) for file in files], None, PROCESS, own, list(tokens))
    with temporary_folder(beside) as folder:
        importing.import_files(settings, folder / PROCESS, None, None, None, None)
        with Sample(folder / PROCESS) as sample:
            yield sample


@contextmanager
def _with_subjets(sample: Sample, settings: SubjetSettings, beside: Path) -> Iterator[Sample]:
    """The same events with the subjets that the network was trained on, as long as the block lasts."""
    maker = find("data_prep.prepare", "generate")
    out.print(f"note: {sample.path}: holds no subjets, which the network reads; they are found now", soft_wrap=True)
    with temporary_folder(beside) as folder, Reporter("finding subjets", len(sample), "events") as reporter:
        maker.prepare(sample.path, Preparation(subjets=settings), folder / PROCESS, reporter.show)
        with Sample(folder / PROCESS) as prepared:
            yield prepared


def chosen(preset: str | None, network: Path | None, events: Sequence[Path]) -> tuple[Path | Preset, list[Path]]:
    """The network and the files of events that a command line names.

    Args:
        preset: its name; then `network` is the first file of events.

    Raises:
        ConfigError: one of them is missing, or there is no such preset.
    """
    named = load_preset(preset) if preset is not None else None
    files = [*([network] if named and network else []), *events]
    found = named or network
    if found is None or not files:
        raise ConfigError(
            "mscat predict: name a network and events, for example `mscat predict runs/demo-mscat data/demo` or "
            "`mscat predict --preset mscat-small data/demo`"
        )
    return found, files


def _beside(network: Path | Preset) -> Path:
    """Where scores go unless told otherwise."""
    if isinstance(network, Preset):
        return Path()
    return network.parent if network.suffix == ONNX else network


def _open(network: Path | Preset, backend: str | None, batch_size: int) -> tuple[Any, dict[str, Any], DataSettings]:
    """What gives logits, what the file of scores will say about it, and how it was trained to read events."""
    if backend not in (None, *BACKENDS):
        raise ConfigError(f"--backend {backend}: unknown; choose from {', '.join(BACKENDS)}")
    if isinstance(network, Path) and network.suffix == ONNX:
        if backend == "keras":
            raise ConfigError(f"{network}: an ONNX file is read by onnxruntime; leave --backend out, or give the run")
        session = open_session(network)
        scorer, about = onnx_scorer(network, batch_size, session), metadata(network, session)
        about = {key: value for key, value in about.items() if key not in ("inputs", "outputs", "data")}
        return scorer, {**about, "backend": "onnx"}, scorer.signature.data
    run = network if isinstance(network, Preset) else load_run(network).need_finished()
    if backend == "onnx":
        find("onnxruntime", "export")
    start_tensorflow()
    about = {**run.origin, "backend": backend or "keras"}
    return run.scorer(backend or "keras", batch_size), about, run.config.data
