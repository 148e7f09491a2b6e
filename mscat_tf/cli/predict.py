"""`mscat predict`: scores of any sample by a run, or by an exported network without TensorFlow."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from mscat_tf.cli.console import Reporter, duration, out
from mscat_tf.cli.stages import find, start_tensorflow
from mscat_tf.config import DataSettings
from mscat_tf.data import Sample
from mscat_tf.data.splits import SPLITS
from mscat_tf.errors import ConfigError
from mscat_tf.files import make_folder
from mscat_tf.inference.onnx_network import metadata, onnx_scorer, open_session
from mscat_tf.inference.predict import predict as write_scores
from mscat_tf.inference.score_files import check_ending
from mscat_tf.run_folder import load_run
from mscat_tf.training.record import sample_digest

BACKENDS = ("keras", "onnx")
ONNX = ".onnx"

PROCESS = "unknown"
"""Name of the process of files that do not say it."""


def predict(
    network: Path,
    events: Sequence[Path],
    target: Path | None,
    backend: str | None,
    batch_size: int,
    format: str | None,
    mass: float | None = None,
) -> None:
    """Write the scores of a sample.

    Args:
        network: run folder or ONNX file. events: sample file or folder; files of others where `format` is given.
        target: file of the scores; default `scores-NAME.h5` beside the network, NAME being that of the sample.
        backend: `keras` (default of a run) or `onnx`. batch_size: events at a time.
        format: that `mscat import` knows; None for our own. mass: hypothesis for all events [GeV].

    Raises:
        ConfigError: no such backend, or one that cannot read the network; several samples.
        InputError: the network or the sample cannot be read, or they do not go together.
    """
    folder = network.parent if network.suffix == ONNX else network
    target = target or folder / f"scores-{events[0].resolve().stem}.h5"
    check_ending(target)
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
            sample = stack.enter_context(_imported(str(format), events, scorer.token_settings, target.parent))
        about["sample"] = f"{events[0]} and {len(events) - 1} more" if len(events) > 1 else str(events[0])
        for note in scorer.check(sample):
            out.print(f"note: {sample.path}: {note}", soft_wrap=True, markup=False)
        started = time.perf_counter()
        with Reporter("predicting", len(sample), "events") as reporter:
            count = write_scores(scorer, sample, target, about, data, reporter.update)
        if about["data_digest"] == sample_digest(sample):
            out.print(
                f"note: the network was trained on this sample; only events with split {SPLITS.index('test')} (test) "
                "tell how good it is",
                soft_wrap=True,
            )
    seconds = duration(time.perf_counter() - started)
    out.print(f"{target}: scores of {count} events, made in {seconds}", soft_wrap=True)


@contextmanager
def _imported(format: str, files: Sequence[Path], tokens: Sequence[str], beside: Path) -> Iterator[Sample]:
    """A sample of ours made of files of others, as long as the block lasts."""
    from mscat_tf.cli import importing

    tells_nothing = format == "delphes" and files[0].suffix not in importing.YAML
    own = {"name": PROCESS, "cross_section_fb": 1.0} if tells_nothing else {}
    settings = importing.settings_of(format, [str(file) for file in files], None, PROCESS, own, list(tokens))
    with tempfile.TemporaryDirectory(prefix=".import-", dir=make_folder(beside)) as folder:
        importing.import_files(settings, Path(folder, PROCESS), None, None, None, None)
        with Sample(Path(folder, PROCESS)) as sample:
            yield sample


def _open(network: Path, backend: str | None, batch_size: int) -> tuple[Any, dict[str, Any], DataSettings]:
    """What gives logits, what the file of scores will say about it, and how it was trained to read events."""
    if backend not in (None, *BACKENDS):
        raise ConfigError(f"--backend {backend}: unknown; choose from {', '.join(BACKENDS)}")
    if network.suffix == ONNX:
        if backend == "keras":
            raise ConfigError(f"{network}: an ONNX file is read by onnxruntime; leave --backend out, or give the run")
        session = open_session(network)
        scorer, about = onnx_scorer(network, batch_size, session), metadata(network, session)
        about = {key: value for key, value in about.items() if key not in ("inputs", "outputs", "data")}
        return scorer, {**about, "backend": "onnx"}, scorer.signature.data
    run = load_run(network).need_finished()
    if backend == "onnx":
        find("onnxruntime", "export")
    start_tensorflow()
    about = {**run.origin, "backend": backend or "keras"}
    return run.scorer(backend or "keras", batch_size), about, run.config.data
