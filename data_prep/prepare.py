"""`mscat prepare`: a sample derived from another by making its tokens anew, file by file, in memory of one file.

Files are named by what decides their content, so after an interruption, or after the source has grown, only what is
missing is made. The manifest is written last.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from data_prep.dask_cluster import Report, Workplace, compute
from data_prep.event_files import checksum
from data_prep.known_score import known_file
from data_prep.prepared_shard import Maker, prepared_configuration, prepared_digest
from data_prep.theta_origin import check_possible, dealt
from mscat_tf import files, schema
from mscat_tf.config import digest
from mscat_tf.config.preparation import Preparation
from mscat_tf.data.sample import Sample
from mscat_tf.errors import InputError, OutputError, SchemaError
from mscat_tf.lock import locked
from mscat_tf.physics.four_vectors import Floats
from mscat_tf.schema import MANIFEST

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparationSummary:
    """What a preparation did.

    Attributes:
        folder: of the derived sample. events, dropped: that it holds, and that fail the selection now.
        made, kept: files made now, and of an earlier run.
    """

    folder: Path
    events: int
    dropped: int
    made: int
    kept: int


def prepare(
    source: str | Path,
    settings: Preparation,
    folder: str | Path,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> PreparationSummary:
    """Make all files of a derived sample that `folder` does not hold yet.

    Args:
        source: the sample to derive from, a folder or a file. settings: what departs from it.
        folder: receives the files and `sample.json`.
        progress: called after each file with the events of the source that are done, and all of them.
        workers: processes; by default all cores where jets change or variables of jets are found, else one.

    Raises:
        InputError: the source is missing, or has no raw constituents, no signal or no second jet where they are needed;
            or no event of it passes the selection any more.
        MissingExtraError: fastjet is not installed, and variables of jets, subjets or changed jets need it.
        OutputError: the folder cannot be written, another process writes it, or it holds another kind of sample.
    """
    with Sample(source) as sample:
        check_possible(settings.theta, sample.header.jets)
        folder = files.make_folder(folder).resolve()
        with locked(folder):
            files.remove_leftovers(folder)
            former, interrupted = _former(folder), (folder / schema.UNFINISHED).exists()
            names = file_names(sample, settings)
            missing = [
                number for number, name in enumerate(names) if not _is_finished(folder / name, sample, number, settings)
            ]
            if missing:
                (folder / schema.UNFINISHED).touch()
                _make(sample, settings, folder, names, missing, workers, progress)
            made = set(names) if interrupted else {names[number] for number in missing}
            known = {name: sha256 for name, sha256 in former.items() if name not in made}
            events = _write_manifest(sample, settings, folder, names, known)
            for surplus in former.keys() - set(names):
                (folder / surplus).unlink(missing_ok=True)
            (folder / schema.UNFINISHED).unlink(missing_ok=True)
        return PreparationSummary(folder, events, len(sample) - events, len(missing), len(names) - len(missing))


def file_names(sample: Sample, settings: Preparation) -> list[str]:
    """Of the derived files, in the order of those that they come from; equal names mean equal content."""
    checksums = _checksums(sample)
    whole = checksums if settings.reads_other_events else []
    if settings.known is not None:
        whole = [*whole, checksum(known_file(settings.known))]
    content = [digest({"preparation": settings.digest, "file": own, "all": whole}) for own in checksums]
    return [f"{file.stem}-{own[:10]}{schema.EXTENSION}" for file, own in zip(sample.files, content, strict=True)]


def _checksums(sample: Sample) -> list[str]:
    """Of the files of the source: those that its manifest names, else computed."""
    manifest = _manifest(sample.path)
    known = {entry["file"]: entry.get("sha256") for entry in manifest.get("shards", [])}
    return [known.get(file.name) or checksum(file) for file in sample.files]


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / MANIFEST).read_text()))
    except (OSError, ValueError):
        return {}


def _former(folder: Path) -> dict[str, str | None]:
    """Files of an earlier preparation in the folder, with their checksums."""
    manifest = _manifest(folder)
    if manifest and "preparation" not in manifest:  # its files would be deleted
        raise OutputError(f"{folder}: holds another kind of sample; choose another folder")
    return {entry["file"]: entry.get("sha256") for entry in manifest.get("shards", [])}


def _is_finished(path: Path, sample: Sample, number: int, settings: Preparation) -> bool:
    """True where the file is there, whole, and what its name says."""
    if not path.is_file():
        return False
    try:
        right = schema.read_header(path).configuration == prepared_configuration(sample, number, settings)
    except SchemaError as error:
        logger.warning("%s; it is made again", error)
        return False
    return right


def _make(
    sample: Sample,
    settings: Preparation,
    folder: Path,
    names: list[str],
    missing: list[int],
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    maker = Maker(sample, settings)
    angles = _dealt_angles(maker, len(names)) if settings.theta == "shuffled_events" else [None] * len(names)
    done = len(sample) - sum(sample.headers[number].events for number in missing)
    finished: dict[str, int] = {}

    def report(job: str, events: int) -> None:
        finished[job] = events
        if progress is not None:
            progress(done + sum(finished.values()), len(sample))

    files_of = {number: (str(folder / names[number]), angles[number]) for number in missing}
    quick = not settings.varies_detector and settings.subjets is None and not settings.high_level
    workplace = Workplace(workers or (1 if quick else None)).for_jobs(len(missing))
    if workplace.here:
        _make_files(maker, files_of, lambda events: report("here", events))
        return
    parts = [missing[first :: workplace.workers] for first in range(workplace.workers or 1)]
    jobs = {
        str(part[0]): partial(_job, str(sample.path), settings, {number: files_of[number] for number in part})
        for part in parts
    }
    for _ in compute(jobs, workplace, report, lambda _: None):
        continue


def _job(source: str, settings: Preparation, files_of: dict[int, tuple[str, Floats | None]], report: Report) -> None:
    """A part of the files, in a process of its own."""
    with Sample(source) as sample:
        _make_files(Maker(sample, settings), files_of, report)


def _make_files(maker: Maker, files_of: dict[int, tuple[str, Floats | None]], report: Report) -> None:
    """Make files by number, given path and angles of other events; report the events of the source that are done."""
    done = 0
    for number, (path, angles) in files_of.items():
        schema.write_sample(path, *maker.make(number, angles))
        done += maker.sample.headers[number].events
        report(done)


def _dealt_angles(maker: Maker, number: int) -> list[Floats]:
    """A pass of its own over all events: the angles are few numbers."""
    theta, event_id = zip(*(maker.angles(file) for file in range(number)), strict=True)
    return dealt(theta, event_id, maker.settings.seed)


def _write_manifest(
    sample: Sample, settings: Preparation, folder: Path, names: list[str], known: dict[str, str | None]
) -> int:
    """Write it, with checksums by name that are known already; return the events."""
    of_source = {entry["file"]: entry for entry in _manifest(sample.path).get("shards", [])}
    events = [schema.read_header(folder / name).events for name in names]
    if sum(events) == 0:
        raise InputError(f"{sample.path}: none of {len(sample)} events pass the selection now; vary the detector less")
    shards = [
        {
            **{key: value for key, value in of_source.get(file.name, {}).items() if key == "process"},
            "file": name,
            "events": count,
            "sha256": known.get(name) or checksum(folder / name),
        }
        for file, name, count in zip(sample.files, names, events, strict=True)
    ]
    manifest = {
        "name": folder.name,
        "seed": sample.header.seed,
        "digest": prepared_digest(sample, settings),
        "events": sum(events),
        "source": {"path": str(sample.path), "digest": sample.digest, "events": len(sample)},
        "preparation": settings.model_dump(mode="json"),
        "shards": shards,
    }
    files.write_json(folder / MANIFEST, manifest)
    return sum(events)
