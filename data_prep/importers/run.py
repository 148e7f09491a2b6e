"""`mscat import`: the job graph, one job per range of entries of a file, on local processes or any dask scheduler.

The sample in a folder grows process by process: a later import adds to it. Shards are named by what decides their
content, so the same command makes only what is missing, and neither the order of imports nor the number of workers
changes a byte. The manifest is written last: until then the folder holds the sample of before.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from data_prep.dask_cluster import Report, Workplace, compute
from data_prep.importers import base, inventory, shards
from data_prep.importers.inventory import Inventory
from data_prep.importers.plan import Work, plan_files, plan_work
from data_prep.importers.shards import ImportJob, ImportRecord
from data_prep.records import add_run
from mscat_tf import files, schema
from mscat_tf.config import digest
from mscat_tf.config.cluster import ClusterSettings
from mscat_tf.config.importing import ImportSettings
from mscat_tf.errors import InputError
from mscat_tf.lock import locked

RECORD = "import.json"


@dataclass(frozen=True)
class ImportProgress:
    """How far an import is: entries read so far and to be read by this run, and events selected from them."""

    entries: int
    total: int
    events: int


@dataclass(frozen=True)
class ImportSummary:
    """What an import did.

    Attributes:
        folder: of the sample. events: that it holds now, all processes.
        entries: of the files that were named. made, kept: their shards read now, and there before.
        seconds: that it took. workers: processes that it used. notes: sentences that the user should read.
    """

    folder: Path
    events: int
    entries: int
    made: int
    kept: int
    seconds: float
    workers: int
    notes: tuple[str, ...]


def import_sample(
    settings: ImportSettings,
    folder: str | Path,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    cluster: ClusterSettings | None = None,
    memory: str | None = None,
    progress: Callable[[ImportProgress], None] | None = None,
) -> ImportSummary:
    """Add the files of these settings to the sample in `folder`.

    Args:
        settings: what to import and how.
        folder: receives the shards, `sample.json` (the manifest) and `import.json` (times, hosts).
        workers, scheduler, cluster, memory: where, see `data_prep.dask_cluster.Workplace`.
        progress: called after each shard.

    Raises:
        ConfigError: the settings do not fit the format.
        InputError: a file is missing, damaged, or holds what cannot be used; or no event of a process is selected.
        MissingExtraError: uproot, fastjet or dask is not installed.
        OutputError: the folder cannot be written, another job writes it, or it holds something else.
    """
    started = time.perf_counter()
    workplace = Workplace(workers, scheduler, cluster, memory)
    readers = base.readers(settings)
    folder = files.make_folder(folder).resolve()
    with locked(folder):
        files.remove_leftovers(folder)
        earlier = inventory.load(folder, digest(readers[0].configuration))
        planned = plan_files(readers)
        work = plan_work(planned, settings.chunk_entries, folder, earlier)
        for new, old in work.renewals.items():
            shards.renew(folder / old, folder / new, work.inventory.all_labels)
        if earlier is None:
            (folder / schema.UNFINISHED).touch()
        workplace = workplace.for_jobs(len(work.jobs))
        records = _run(work, folder, workplace, progress)
        _check_selected(folder, work.inventory)
        events = inventory.write(folder, settings.name, work.inventory)
        (folder / schema.UNFINISHED).unlink(missing_ok=True)
        seconds = time.perf_counter() - started
        add_run(folder / RECORD, [asdict(record) for record in records], seconds, workplace)
    notes = [note for file in planned for note in file.plan.notes] + [note for one in records for note in one.notes]
    entries = sum(file.plan.entries for file in planned)
    once = tuple(dict.fromkeys(notes))
    used = workplace.workers or 1
    return ImportSummary(folder, events, entries, len(records), work.kept, seconds, used, once)


def _run(
    work: Work,
    folder: Path,
    workplace: Workplace,
    progress: Callable[[ImportProgress], None] | None,
) -> list[ImportRecord]:
    """All jobs; the first error ends the others."""
    total = sum(job.chunk.stop - job.chunk.start for job in work.jobs)
    records: list[ImportRecord] = []
    work_of = {job.file_name: partial(_job, job, str(folder)) for job in work.jobs}
    for _, record in compute(work_of, workplace, lambda *_: None, lambda _: None):
        records.append(record)
        if progress is not None:
            done, events = sum(one.entries for one in records), sum(one.events for one in records)
            progress(ImportProgress(done, total, events))
    return records


def _job(job: ImportJob, folder: str, _: Report) -> ImportRecord:
    """Quick enough to say only when it is done."""
    return shards.run_job(job, folder)


def _check_selected(folder: Path, sample: Inventory) -> None:
    """A sample in which a process has no events is of no use, and most likely a cut in the wrong unit."""
    flows: dict[str, list[tuple[str, int]]] = {}
    for shard in sample.shards:
        for name, rows in schema.read_header(folder / shard.file).cut_flow.items():
            before = flows.get(name, [(row["cut"], 0) for row in rows])
            flows[name] = [(cut, old + row["raw"]) for (cut, old), row in zip(before, rows, strict=True)]
    for name, flow in flows.items():
        counts = np.array([count for _, count in flow])
        if counts[-1] == 0:
            cut = flow[1 + int(np.argmax(counts[:-1] - counts[1:]))][0]
            raise InputError(
                f"process '{name}': none of {counts[0]} entries pass the selection, most are lost at the cut '{cut}'; "
                "loosen it, or check that these are the right files"
            )
