"""`mscat`: one command per stage. `mscat --help` answers at once, since every command imports what it needs itself."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from mscat_tf.cli import outcome
from mscat_tf.cli.options import (
    Cluster,
    Configuration,
    DryRun,
    Epochs,
    Events,
    LogicalDevices,
    Memory,
    RunFolder,
    Scheduler,
    Seed,
    Set,
    Workers,
)

app = typer.Typer(
    name="mscat",
    help="Multi-scale cross-attention transformers for collider events, from generation to explanation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def generate(
    config: Configuration,
    settings: Set = None,
    events: Events = None,
    epochs: Epochs = None,
    seed: Seed = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    memory: Memory = None,
    dry_run: DryRun = False,
) -> None:
    """Simulate events: hard process, shower, detector, fat jets, selection -> data/NAME/*.h5. Resumes."""
    from mscat_tf.cli import stages

    resolved = stages.resolve(config, settings, events, epochs, seed)
    if not stages.dry(resolved, dry_run):
        stages.generate(resolved, workers, scheduler, cluster, memory)


@app.command("make-4b")
def make_4b(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Les Houches file to write, .lhe.gz.")],
    events: Annotated[int, typer.Option(min=1, help="Events that Sherpa makes; about one in five is kept.")] = 10_000,
    seed: Annotated[int, typer.Option(min=1, help="Of Sherpa, the colours and the thinning.")] = 1,
    sqrt_s: Annotated[float, typer.Option(min=1000.0, help="Centre-of-mass energy [GeV].")] = 14_000.0,
    sherpa: Annotated[str | None, typer.Option(help="The program; default: Sherpa on the PATH.")] = None,
    work: Annotated[Path, typer.Option(help="Folder for Sherpa's own files; its integration is used again.")] = Path(
        "sherpa-4b"
    ),
) -> None:
    """More parton-level events of the 4b matrix element, for processes of kind `lhe`; needs Sherpa, see docs."""
    from mscat_tf.cli import stages

    stages.make_4b(out, events, seed, sqrt_s, sherpa, work)


@app.command("import")
def import_samples(
    format: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT", help="What the files are: delphes, top_tagging, quark_gluon, jet_class, released_arrays."
        ),
    ],
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILES|CONFIG", help="Files, or one YAML file that lists them.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the sample, e.g. data/x; more may be added later.")
    ] = None,
    process: Annotated[str | None, typer.Option(help="Name of the process that the files hold.")] = None,
    label: Annotated[int | None, typer.Option(min=0, max=1, help="1 signal, 0 background (default).")] = None,
    cross_section: Annotated[
        float | None, typer.Option(help="Of the process, in fb; default: what the files say.")
    ] = None,
    k_factor: Annotated[float | None, typer.Option(help="Multiplies the cross-section.")] = None,
    k_factor_source: Annotated[str | None, typer.Option(help="Citation of the k-factor.")] = None,
    recluster: Annotated[bool, typer.Option("--recluster", help="Delphes: find fat jets anew in EFlow.")] = False,
    config: Annotated[Path | None, typer.Option(help="YAML of settings, with or without files.")] = None,
    settings: Set = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    cluster: Cluster = None,
    memory: Memory = None,
    dry_run: DryRun = False,
) -> None:
    """Turn samples of others (Delphes ROOT files, public sets) into ours -> data/NAME/*.h5. Resumes."""
    from mscat_tf.cli import importing

    own = {"name": process, "label": label, "cross_section_fb": cross_section, "k_factor": k_factor}
    own["k_factor_source"] = k_factor_source
    overrides = [*(settings or []), *(["delphes.recluster=true"] if recluster else [])]
    name = out.resolve().name if out else None
    resolved = importing.settings_of(format, files or [], config, name, own, overrides)
    if not importing.dry(resolved, dry_run):
        importing.import_files(resolved, out, workers, scheduler, cluster, memory)


@app.command()
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


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER|RUN", help="Sample file, sample folder, or run folder.")],
    figures: Annotated[Path | None, typer.Option(help="Also draw distributions into this folder.")] = None,
    rows: Annotated[int, typer.Option(min=0, help="Print so many events.")] = 3,
    settings: Set = None,
    dry_run: DryRun = False,
) -> None:
    """Show schema, counts, cut flow, provenance, ranges and a few events; say what is wrong if anything is."""
    from mscat_tf.cli import inspection

    inspection.inspect(path, figures, rows, settings or [], dry_run)


@app.command()
def convert(
    path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="Sample file or sample folder.")],
    to: Annotated[str, typer.Option(help="parquet (nested), root (a tree) or npz (flat arrays).")],
    out: Annotated[Path, typer.Option(help="File to write; FILE.json beside it tells what made the events.")],
    settings: Set = None,
) -> None:
    """Write a sample for analysis elsewhere: jets with all their constituents, weights, labels, splits."""
    from mscat_tf.cli import conversion

    conversion.convert(path, to, out, settings or [])


@app.command()
def validate(
    path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="Sample file or sample folder.")],
    reference: Annotated[Path | None, typer.Option(help="Another sample to compare with: ratios, chi2.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the page; default: validation/NAME/.")] = None,
) -> None:
    """Check a sample and draw its distributions per process -> validation/NAME/validation.md. Status 2 if unsound."""
    from mscat_tf.cli import validation

    validation.validate(path, reference, out)


@app.command()
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

    named = [f"name={name}"] if name else []
    resolved = stages.resolve(config, [*(settings or []), *named], logical_devices=logical_devices)
    if not stages.dry(resolved, dry_run):
        stages.train(resolved, profile=profile)


@app.command()
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


@app.command()
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

    named = [f"name={name}"] if name else []
    resolved = stages.resolve(config, [*(settings or []), *named], logical_devices=logical_devices)
    if not searching.dry(resolved, dry_run):
        searching.search(resolved)


@app.command()
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


@app.command()
def evaluate(run: RunFolder, settings: Set = None, dry_run: DryRun = False) -> None:
    """Score the test split: AUC, background rejections, all with errors and effective events; figures."""
    from mscat_tf.cli import stages

    opened, resolved = stages.open_run(run, settings)
    if not stages.dry(resolved, dry_run):
        stages.evaluate(opened, resolved)


@app.command()
def explain(run: RunFolder, settings: Set = None, dry_run: DryRun = False) -> None:
    """Attention maps and Grad-CAM of test events -> attention.h5, gradcam.h5, figures."""
    from mscat_tf.cli import stages

    opened, resolved = stages.open_run(run, settings)
    if not stages.dry(resolved, dry_run):
        stages.explain(opened, resolved)


@app.command()
def predict(
    network: Annotated[Path, typer.Argument(metavar="RUN|FILE.onnx", help="Run folder, or exported network.")],
    events: Annotated[
        list[Path], typer.Argument(metavar="FILE|FOLDER", help="Sample file or folder; with --import files of others.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="File to write: .h5, .parquet or .root; default: scores-NAME.h5 beside the network."),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(help="keras (default of a run), or onnx: onnxruntime, without TensorFlow for FILE.onnx."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Events at a time.")] = 512,
    format: Annotated[
        str | None, typer.Option("--import", metavar="FORMAT", help="Import first: a FORMAT of `mscat import`.")
    ] = None,
) -> None:
    """Scores of any sample, streaming -> HDF5, Parquet or ROOT."""
    from mscat_tf.cli import predict as command

    command.predict(network, events, out, backend, batch, format)


@app.command()
def export(
    run: RunFolder,
    format: Annotated[str, typer.Option(help="onnx or saved_model.")] = "onnx",
    out: Annotated[
        Path | None, typer.Option(help="File or folder; default: model.onnx or saved_model/ in RUN.")
    ] = None,
) -> None:
    """Write a network for other programs, normalisation inside, checked against Keras."""
    from mscat_tf.cli import export as command

    command.export(run, format, out)


@app.command("train-mirror")
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


@app.command()
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


@app.command()
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


def main() -> None:
    """Run the command line and exit with its status (see DESIGN: 0, 1, 2, 130, 143)."""
    signal.signal(signal.SIGTERM, outcome.terminated)
    outcome.start_logging(os.environ.get("MSCAT_LOG", "WARNING").upper())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(outcome.status_of(get_command(app)))


if __name__ == "__main__":
    main()
