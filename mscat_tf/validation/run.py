"""Check a sample, fill its distributions, compare them with a reference, and write page, numbers and figures."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from mscat_tf.data.sample import Sample
from mscat_tf.errors import InputError
from mscat_tf.files import make_folder, write_json, write_text
from mscat_tf.validation.blocks import EventBlock, read_blocks
from mscat_tf.validation.checks import Checker
from mscat_tf.validation.compare import compare
from mscat_tf.validation.figures import draw
from mscat_tf.validation.histograms import Distributions
from mscat_tf.validation.numbers import Report, add_reference, report_of
from mscat_tf.validation.page import markdown_page
from mscat_tf.validation.quantities import Quantity, quantities_of
from mscat_tf.validation.sample_checks import Ledger, shared

FOLDER = Path("validation")
FIGURES = "figures"
PAGE, NUMBERS = "validation.md", "validation.json"

Progress = Callable[[int], None]
"""Called with the events that are done, of the sample and then of the reference."""


def validate(
    path: str | Path,
    out: str | Path | None = None,
    reference: str | Path | None = None,
    progress: Progress = lambda _: None,
) -> Report:
    """Validate a sample and write `validation.md`, `validation.json` and `figures/` into a folder.

    Args:
        path: file or folder of files. out: default `validation/<name>/`.
        reference: another sample to compare with. progress: called now and then.

    Returns:
        What `validation.json` holds, see `mscat_tf.validation.numbers`.

    Raises:
        InputError, SchemaError: a sample cannot be opened at all, or has no events, or the two cannot be compared.
        OutputError: the folder cannot be written.
    """
    path = Path(path)
    with Sample(path) as sample, nullcontext() if reference is None else Sample(reference) as other:
        quantities = _quantities(sample, other)
        folder = make_folder(out or default_folder(path))
        checker = Checker(sample)
        found = _filled(sample, quantities, [checker.add], progress)
        report = report_of(sample, _name(path), checker.results(), found)
        if other is None:
            return _written(report, draw(sample, found, folder / FIGURES), folder)
        ledger = Ledger()
        theirs = _filled(other, quantities, [ledger.add], lambda done: progress(len(sample) + done))
        comparisons = compare(found, theirs)
        overlap = shared(checker.ledger.column("content"), ledger.column("content"))
        add_reference(report, other, comparisons, overlap)
        return _written(report, draw(sample, found, folder / FIGURES, theirs, comparisons), folder)


def default_folder(path: str | Path) -> Path:
    """`validation/<name of the file or folder>/`."""
    return FOLDER / _name(Path(path))


def _quantities(sample: Sample, other: Sample | None) -> list[Quantity]:
    """What both samples hold, after a look at whether they can be compared."""
    for opened in (sample, other):
        if opened is not None and len(opened) == 0:
            raise InputError(f"{opened.path}: holds no event, so there is nothing to validate; make the sample again")
    if other is not None:
        for name in ("jets", "tokens"):
            own, theirs = getattr(sample.header, name), getattr(other.header, name)
            if own != theirs:
                raise InputError(
                    f"{other.path}: has {theirs} {name} an event, but {sample.path} has {own}; choose another"
                )
        if not set(sample.header.processes) & set(other.header.processes):
            raise InputError(
                f"{other.path}: has processes {', '.join(other.header.processes)}, none of those of {sample.path} "
                f"({', '.join(sample.header.processes)}); choose a reference with a process of the same name"
            )
    return [quantity for quantity in quantities_of(sample) if other is None or other.has(quantity.needs)]


def _filled(
    sample: Sample,
    quantities: list[Quantity],
    others: list[Callable[[EventBlock], None]],
    progress: Callable[[int], None],
) -> Distributions:
    """One pass over a sample: distributions, and whatever else wants to see the blocks."""
    found = Distributions(quantities, sample.header.processes, sample.header.jets)
    done = 0
    for block in read_blocks(sample):
        for see in others:
            see(block)
        found.add(block)
        done += len(block)
        progress(done)
    return found


def _written(report: Report, figures: list[Path], folder: Path) -> Report:
    relative = [str(path.relative_to(folder)) for path in figures]
    report["figures"] = relative
    write_json(folder / NUMBERS, report)
    write_text(folder / PAGE, markdown_page(report, relative))
    return report


def _name(path: Path) -> str:
    whole = path.resolve()
    return whole.stem if whole.is_file() else whole.name
