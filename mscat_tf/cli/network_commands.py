"""Commands about networks, from training to figures. Signatures alone; each imports its work."""

from pathlib import Path
from typing import Annotated

import typer

from mscat_tf.cli.options import Configuration, DryRun, Epochs, Events, LogicalDevices, RunFolder, Seed, Set, Workers


def models(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Show the layers of this network alone.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Another size, e.g. --set model.width=32.")
    ] = None,
    figures: Annotated[Path | None, typer.Option(help="Also draw the networks into this folder.")] = None,
) -> None:
    """The registry: name, parameters, operations and memory per event at the default sizes; or one network's layers."""
    from mscat_tf.cli import registry

    registry.show(name, settings or [], figures)


def train(
    config: Configuration,
    settings: Set = None,
    name: Annotated[
        str | None, typer.Option(help="Folder of the run below runs/; default: the configuration's name.")
    ] = None,
    logical_devices: LogicalDevices = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Also measure steps: input wait, FLOP/s, memory, a TensorBoard trace.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Train one network under a tf.distribute strategy -> runs/NAME/. Resumes."""
    from mscat_tf.cli import stages

    resolved = stages.resolve(config, settings, logical_devices=logical_devices, name=name)
    if not stages.dry(resolved, dry_run):
        stages.train(resolved, profile=profile)


def cost(
    config: Configuration,
    settings: Set = None,
    events: Annotated[float | None, typer.Option(min=1, help="Events of the sample, e.g. 1e8.")] = None,
    epochs: Epochs = None,
    device: Annotated[str, typer.Option(help="h100, a100, or here: this machine, measured now.")] = "here",
    devices: Annotated[int, typer.Option(min=1, help="How many of them.")] = 1,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one for each device.")] = None,
) -> None:
    """Hours, memory and disk that a training would take, from the size of its network; nothing is trained."""
    from mscat_tf.cli import cost as estimating
    from mscat_tf.cli import stages

    resolved = stages.resolve(config, settings, int(events) if events else None, epochs)
    estimating.show(resolved, device, devices, workers)


def search(
    config: Configuration,
    settings: Set = None,
    name: Annotated[
        str | None, typer.Option(help="Folders are runs/NAME-search/trial-...; default: the configuration's name.")
    ] = None,
    logical_devices: LogicalDevices = None,
    dry_run: DryRun = False,
) -> None:
    """Search hyper-parameters within the budget of the section `search` -> runs/NAME-search/best.yaml. Resumes."""
    from mscat_tf.cli import search as searching
    from mscat_tf.cli import stages

    resolved = stages.resolve(config, settings, logical_devices=logical_devices, name=name)
    if not searching.dry(resolved, dry_run):
        searching.search(resolved)


def launch(
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND", help="What each worker runs.")],
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes on this machine; default: one for each GPU, 2 without GPUs.")
    ] = None,
    hosts: Annotated[
        str | None, typer.Option(metavar="HOST[:PORT],...", help="One worker on each; start the same command on all.")
    ] = None,
    index: Annotated[
        int | None, typer.Option(min=0, help="Which of --hosts this is; default: found by the name of the machine.")
    ] = None,
    slurm: Annotated[
        bool, typer.Option("--slurm", help="This is a task of srun: the others are its other tasks.")
    ] = False,
    port_base: Annotated[
        int | None, typer.Option(min=1024, max=65000, help="First port of a machine; default: any that is free.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=1.0, help="Seconds until a worker that does not come is given up.")
    ] = None,
) -> None:
    """One training in several processes: on this machine, on a list of hosts, or as the tasks of `srun`. Resumes."""
    from mscat_tf.cli import launch as launcher

    raise typer.Exit(launcher.launch(command, workers, hosts, index, slurm, port_base, timeout))


def evaluate(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="Folder of a run, e.g. runs/demo-mscat.")] = None,
    settings: Set = None,
    scores: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Instead of a run: columns score, label and, if any, weight, split of another tool; .npz, .npy, .csv, "
            ".parquet, .h5 or .root; may be repeated to compare.",
        ),
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="With --scores: file of the labels, 1 signal.")] = None,
    weights: Annotated[Path | None, typer.Option(help="With --scores: file of the weights.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="With --scores: folder to write; default: NAME-evaluation beside the first file."),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """AUC, background rejections, calibration with errors and figures: of a run's test split or any file of scores."""
    if run is None or scores or labels or weights or out:
        from mscat_tf.cli import plain_scores

        plain_scores.evaluate(run, scores or [], labels, weights, out, settings or [], dry_run)
        return
    from mscat_tf.cli import stages

    opened, resolved = stages.open_run(run, settings)
    if not stages.dry(resolved, dry_run):
        stages.evaluate(opened, resolved)


def cross_fit(
    run: RunFolder,
    folds: Annotated[int, typer.Option(min=2, max=100, help="Parts of the training split.")] = 5,
) -> None:
    """Scores of all events by networks that were not trained on them -> RUN/cross-fitted.h5. Resumes."""
    from mscat_tf.cli import cross_fit as command
    from mscat_tf.cli import stages

    command.cross_fit(stages.open_run(run, None)[0], folds)


def explain(
    run: RunFolder,
    other: Annotated[
        Path | None, typer.Argument(metavar="[OTHER_RUN]", help="With --cka: a second run of the same sample.")
    ] = None,
    settings: Set = None,
    cka: Annotated[
        bool, typer.Option("--cka", help="Instead: how alike the layers of both runs are, or of one -> cka/, figure.")
    ] = False,
    layers: Annotated[
        list[str] | None, typer.Option("--layer", metavar="NAME", help="With --cka: of this layer; may be repeated.")
    ] = None,
    tokens: Annotated[
        str, typer.Option(help="With --cka: how tokens become one row: flatten, mean or feature_mean.")
    ] = "flatten",
    dry_run: DryRun = False,
) -> None:
    """Attention maps, attributions and their checks on test events -> attention.h5, gradcam.h5, figures. Resumes."""
    from mscat_tf.cli import stages

    opened, resolved = stages.open_run(run, settings)
    if stages.dry(resolved, dry_run):
        return
    if cka or other or layers:
        from mscat_tf.cli import cka as aligning

        aligning.align(opened, resolved, other, tuple(layers or ()), tokens, cka)
        return
    stages.explain(opened, resolved)


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of runs; the first in full, the rest beside it.")
    ],
    out: Annotated[Path | None, typer.Option(help="File to write; default: report.html in the first run.")] = None,
    events: Annotated[
        int, typer.Option(min=0, help="Single events of each process that the page holds; most of its size.")
    ] = 20,
) -> None:
    """One interactive HTML page about a run, or several beside each other -> RUN/report.html; needs no network."""
    from mscat_tf.cli import report as reporting

    reporting.report(runs, out, events)


def train_mirror(
    config: Configuration = "demo",
    settings: Set = None,
    events: Events = None,
    epochs: Epochs = None,
    seed: Seed = None,
    workers: Workers = None,
    logical_devices: LogicalDevices = None,
    dry_run: DryRun = False,
) -> None:
    """The main job: events, three networks, evaluation, comparison, explanation. Resumes."""
    from mscat_tf.cli import pipeline, stages

    resolved = stages.resolve(config, settings, events, epochs, seed, logical_devices)
    if not stages.dry(resolved, dry_run):
        pipeline.train_mirror(resolved, workers)


def compare(
    config: Configuration,
    networks: Annotated[
        list[str] | None, typer.Argument(metavar="NETWORK", help="Default: all that the sample can serve.")
    ] = None,
    settings: Set = None,
    events: Events = None,
    epochs: Epochs = None,
    seed: Seed = None,
    workers: Workers = None,
    logical_devices: LogicalDevices = None,
    dry_run: DryRun = False,
) -> None:
    """Train each network on the same sample, evaluate -> one table in runs/NAME-comparison/. Resumes."""
    from mscat_tf.cli import pipeline, stages

    resolved = stages.resolve(config, settings, events, epochs, seed, logical_devices)
    if not stages.dry(resolved, dry_run):
        pipeline.compare(resolved, networks or [], workers)


def figures(
    config: Configuration = "demo",
    settings: Set = None,
    events: Events = None,
    epochs: Epochs = None,
    seed: Seed = None,
    dry_run: DryRun = False,
) -> None:
    """Draw every figure of `train-mirror` again, from the sample and the runs on disk."""
    from mscat_tf.cli import pipeline, stages

    resolved = stages.resolve(config, settings, events, epochs, seed)
    if not stages.dry(resolved, dry_run):
        pipeline.redraw(resolved)


def reach(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of evaluated runs.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="For example --set observable=mass, --set luminosity_fb=450."),
    ] = None,
    variations: Annotated[
        list[str] | None,
        typer.Option(
            "--variation",
            metavar="NAME=UP[,DOWN]",
            help="An uncertainty of the fit: folders in which the same network was evaluated on shifted events.",
        ),
    ] = None,
) -> None:
    """Expected yields, discovery significance and CLs limit of evaluated runs -> RUN/reach/ (docs/reach.md)."""
    from mscat_tf.cli import reach as reaching

    reaching.show(runs, settings or [], variations or [])


def reproduce(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[STUDY]...", help="Which studies; default: all that ship.")
    ] = None,
    scale: Annotated[str, typer.Option(help="demo: two cores; paper: a node with GPUs.")] = "demo",
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Gets RESULTS.md, and results/ with every number as JSON.")
    ] = Path("experiments"),
    workers: Workers = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is to be done.")] = False,
    as_it_is: Annotated[bool, typer.Option("--as-it-is", help="Train nothing; measure what is trained.")] = False,
    row: Annotated[
        list[str] | None,
        typer.Option(metavar="ROW", help="Train this row only, and measure what else is trained; may be repeated."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Trainings side by side; default: one for each GPU, or for each core up to 8."),
    ] = None,
    train_only: Annotated[
        bool, typer.Option("--train-only", help="Measure nothing: for jobs that train a row each, before --as-it-is.")
    ] = False,
    free_seeds: Annotated[
        bool, typer.Option("--free-seeds", help="Only help a job that trains these rows: train the seeds nobody is at.")
    ] = False,
) -> None:
    """Train, evaluate and measure whole studies -> RESULTS.md. Goes on where it was interrupted."""
    from mscat_tf.cli import reproduce as reproducing
    from mscat_tf.cli.side_by_side import number_of_jobs

    only = row or ([] if as_it_is else None)
    if free_seeds and not dry_run:
        reproducing.train_free_seeds(names or [], scale, only)
        return
    reproducing.reproduce(names or [], scale, folder, workers, dry_run, only, number_of_jobs(jobs), train_only)
