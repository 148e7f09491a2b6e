"""Commands about samples: making, importing, looking at and checking them. Signatures alone; each imports its work."""

from pathlib import Path
from typing import Annotated

import typer

from mscat_tf.cli.options import Cluster, Configuration, DryRun, Epochs, Events, Memory, Scheduler, Seed, Set, Workers


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
    from mscat_tf.cli import importing, stages

    own = {"name": process, "label": label, "cross_section_fb": cross_section, "k_factor": k_factor}
    own["k_factor_source"] = k_factor_source
    overrides = [*(settings or []), *(["delphes.recluster=true"] if recluster else [])]
    name = out.resolve().name if out else None
    resolved = importing.settings_of(format, files or [], config, name, own, overrides)
    if not stages.dry(resolved, dry_run):
        importing.import_files(resolved, out, workers, scheduler, cluster, memory)


def prepare(
    config: Configuration,
    settings: Set = None,
    events: Events = None,
    seed: Seed = None,
    workers: Workers = None,
    dry_run: DryRun = False,
) -> None:
    """Make the tokens of a sample anew as data.preparation says -> data/NAME-prepared-DIGEST/*.h5. Resumes."""
    from mscat_tf.cli import preparing, stages

    resolved = stages.resolve(config, settings, events, seed=seed)
    if not stages.dry(resolved, dry_run):
        preparing.prepare(resolved, workers)


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


def convert(
    path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="Sample file or sample folder.")],
    to: Annotated[str, typer.Option(help="parquet (nested), root (a tree) or npz (flat arrays).")],
    out: Annotated[Path, typer.Option(help="File to write; FILE.json beside it tells what made the events.")],
    settings: Set = None,
) -> None:
    """Write a sample for analysis elsewhere: jets with all their constituents, weights, labels, splits."""
    from mscat_tf.cli import conversion

    conversion.convert(path, to, out, settings or [])


def validate(
    path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="Sample file or sample folder.")],
    reference: Annotated[Path | None, typer.Option(help="Another sample to compare with: ratios, chi2.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the page; default: validation/NAME/.")] = None,
) -> None:
    """Check a sample and draw its distributions per process -> validation/NAME/validation.md. Status 2 if unsound."""
    from mscat_tf.cli import validation

    validation.validate(path, reference, out)
