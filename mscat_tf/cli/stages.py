"""The stages that commands are made of: resolve a configuration, generate, train, evaluate, explain."""

import logging
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mscat_tf.cli.console import Reporter, duration, out, quiet_start, table
from mscat_tf.cli.extras import sentence
from mscat_tf.cli.profile import train_profiled
from mscat_tf.cli.repeats import print_repeats
from mscat_tf.cli.results import print_metrics
from mscat_tf.config import Config, Settings, load_config
from mscat_tf.config.cluster import load_cluster
from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.errors import MissingExtraError
from mscat_tf.run_folder import DATA, RUNS, Run, load_run


def resolve(
    source: str,
    overrides: Sequence[str] | None,
    events: int | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    logical_devices: int | None = None,
    name: str | None = None,
) -> Config:
    """Configuration with overrides; `events`, `epochs` and `seed` also name sample and runs, so nothing collides.

    Args:
        name: of the run, instead of the configuration's.
    """
    config = load_config(source, overrides or [])
    changes: dict[str, Any] = {"train.logical_devices": logical_devices} if logical_devices else {}
    sample_ending = run_ending = ""
    if events is not None and events != config.sample.events:
        changes["sample.events"] = events
        sample_ending += f"-events{events}"
    if seed is not None and (seed, seed) != (config.seed, config.sample.seed):
        changes |= {"seed": seed, "sample.seed": seed}
        sample_ending += f"-seed{seed}"
    if epochs is not None and epochs != config.train.epochs:
        changes["train.epochs"] = epochs
        run_ending = f"-epochs{epochs}"
    changes["sample.name"] = f"{config.sample.name}{sample_ending}"
    changes["name"] = f"{name or config.name}{sample_ending}{run_ending}"
    return config.replaced(changes, source)


def open_run(path: Path, overrides: Sequence[str] | None) -> tuple[Run, Config]:
    """A finished run, and its configuration with overrides."""
    run = load_run(path).need_finished()
    return run, run.config.updated(overrides or [])


def dry(config: Settings, asked: bool) -> bool:
    """Print the resolved configuration if that was all that was asked for."""
    if asked:
        out.print(config.to_yaml(), soft_wrap=True)
    return asked


def generate(
    config: Config,
    workers: int | None = None,
    scheduler: str | None = None,
    cluster: str | None = None,
    memory: str | None = None,
) -> None:
    """Make what is missing of the sample."""
    batch_system = load_cluster(cluster) if cluster else None
    preparation = find("data_prep.run", "generate")
    where = {"workers": workers, "scheduler": scheduler, "cluster": batch_system, "memory": memory}
    folder = DATA / config.sample.name
    beside = sorted(other for other in DATA.glob("*/") if other.name != folder.name)
    with Reporter("simulating", config.sample.events, "selected events") as reporter:

        def show(progress: Any) -> None:
            detail = f"{progress.generated} generated"
            reporter.update(progress.selected, detail, progress.remaining_seconds)

        summary = preparation.generate(config.sample, folder, progress=show, others=beside, **where)
    peak = f", each within {summary.peak_memory_bytes / 2**20:.0f} MiB" if summary.made else ""
    taken = f", {summary.taken} were taken from samples beside it" if summary.taken else ""
    out.print(
        f"sample: {folder}, {summary.events} selected events; {summary.made} files made now, {summary.kept} were "
        f"there{taken}; {summary.generated} events generated in {duration(summary.seconds)} by {summary.workers} "
        f"worker(s){peak}",
        soft_wrap=True,
    )


def make_4b(path: Path, events: int, seed: int, sqrt_s: float, sherpa: str | None, work: Path) -> None:
    """Parton-level events of the four-b matrix element."""
    maker = find("data_prep.matrix_element_4b", "generate")
    out.print(f"Sherpa integrates and makes events; its progress is in {work / 'sherpa.log'}", soft_wrap=True)
    made = maker.make(path, events, seed, sqrt_s, sherpa, work)
    out.print(
        f"{made.path}: {made.kept} of {made.made} events kept, "
        f"{made.cross_section_pb:.4g} ± {made.cross_section_error_pb:.2g} pb",
        soft_wrap=True,
    )


def train(config: Config, profile: bool = False) -> Run:
    """Train into `runs/<name>`, resume, or say that it is done; `profile` also measures where the time goes."""
    start_tensorflow()
    folder = RUNS / config.name
    done = (folder / "training.json").is_file()
    run = train_profiled(config, folder, train_one) if profile else train_seeds(config, folder)
    if not done:
        _print_splits(run.training["splits"])
    return run


def train_seeds(config: Config, folder: Path) -> Run:
    """One seed, or as many as `train.repeats` asks for, in turn."""
    if config.train.repeats == 1:
        return train_one(config, folder)
    from mscat_tf.training.repeats import train_repeats

    run = train_repeats(config, folder, train_one)
    print_repeats(run)
    return run


def train_free_seeds(config: Config) -> None:
    """Of `runs/<name>`, where another process is at work: the seeds that nobody trains."""
    start_tensorflow()
    if config.train.repeats > 1:
        from mscat_tf.training.repeats import train_free_members

        train_free_members(config, RUNS / config.name, train_one)


def train_one(config: Config, folder: Path, callbacks: Sequence[Any] = ()) -> Run:
    """One network with one seed; `callbacks` are Keras callbacks besides that of the progress."""
    from mscat_tf.cli.progress import TrainingProgress
    from mscat_tf.training.run import train as run_training

    done = (folder / "training.json").is_file()
    with TrainingProgress(config.name, config.train.epochs) as progress:
        run = run_training(config, folder, [progress, *callbacks])
    summary = run.training
    if done or not (progress.begun or config.model.name == BOOSTED_TREES):
        out.print(f"{folder}: already trained with these settings; nothing to do")
    out.print(
        f"{folder}: {summary['network']}, {summary['parameters']} parameters, best epoch {summary['best_epoch']} of "
        f"{summary['epochs_trained']}, validation AUC {summary['best_validation_auc']:.4f}, "
        f"{summary['events_per_second']:.0f} events/s, {duration(summary['seconds'])}, "
        f"{summary['replicas']} replica(s)",
        soft_wrap=True,
    )
    return run


def evaluate(run: Run, config: Config) -> dict[str, Any]:
    """Metrics of the test split, printed and written."""
    start_tensorflow()
    from mscat_tf.evaluation.run import evaluate as run_evaluation

    metrics = run_evaluation(run, config.evaluate)
    print_metrics(run, metrics)
    return metrics


def explain(run: Run, config: Config) -> dict[str, Any]:
    """Attention maps, attributions and their checks, written and drawn."""
    start_tensorflow()
    find("tf_keras_vis", "train")
    from mscat_tf.interpretation.run import explain as run_explanation

    with Reporter("explaining", 1, "steps") as reporter:
        result = run_explanation(run, config.explain, reporter.show)
    for jet, shares in result.get("all_zero", {}).items():
        zero = ", ".join(f"{name} {share:.1%}" for name, share in shares.items() if share is not None)
        out.print(f"Grad-CAM of {jet}: share of events whose map is zero everywhere: {zero}", soft_wrap=True)
    for path in result["figures"]:
        out.print(f"figure: {path}", soft_wrap=True)
    return result


def _print_splits(splits: dict[str, Any]) -> None:
    rows = [
        [split, name, part["events"], f"{part['effective_events']:.1f}"]
        for split, processes in splits.items()
        for name, part in processes.items()
    ]
    table("events per split; effective = (sum w)^2 / sum w^2", ["split", "process", "events", "effective"], rows)


def start_tensorflow() -> None:
    """Load TensorFlow without its greeting, and keep its advice to programmers from users."""
    find("tensorflow", "train").get_logger().setLevel(logging.ERROR)


def find(module: str, extra: str) -> Any:
    """Import a module that an extra installs."""
    try:
        with quiet_start():
            return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(sentence(error.name or module, extra)) from error
