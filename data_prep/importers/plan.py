"""What an import has to do: files into chunks, chunks into shards, and which of them are there already."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from data_prep import event_files
from data_prep.importers import shards
from data_prep.importers.base import Chunk, FilePlan, Reader
from data_prep.importers.inventory import Input, Inventory, Shard
from data_prep.importers.shards import ImportJob
from mscat_tf import schema
from mscat_tf.config import digest
from mscat_tf.errors import ConfigError, InputError, OutputError, SchemaError

PLANNING_THREADS = 8
WILDCARDS = frozenset("*?[")


@dataclass(frozen=True)
class PlannedFile:
    """One file of a reader: its path, the SHA-256 of its content, and what the reader found in it."""

    reader: Reader
    path: Path
    checksum: str
    plan: FilePlan

    def chunks(self, entries: int) -> list[Chunk]:
        """Ranges of so many entries."""
        starts = range(0, self.plan.entries, entries)
        return [
            Chunk(self.path, self.checksum, self.plan, number, start, min(start + entries, self.plan.entries))
            for number, start in enumerate(starts)
        ]


@dataclass(frozen=True)
class Work:
    """What the sample will be, and how to get there.

    Attributes:
        inventory: of the finished sample.
        renewals: shards that only have to learn of other processes, by their new name: the old one.
        jobs: shards to be read from files. kept: shards of these files that need no job.
    """

    inventory: Inventory
    renewals: dict[str, str]
    jobs: list[ImportJob]
    kept: int


def plan_files(readers: Sequence[Reader]) -> list[PlannedFile]:
    """Look into every file.

    Raises:
        InputError: a file is missing or cannot be used, or two have the same content.
    """
    pairs = [(reader, path) for reader in readers for path in expanded(reader.files)]
    with ThreadPoolExecutor(PLANNING_THREADS) as pool:
        planned = list(pool.map(lambda pair: _plan_file(*pair), pairs))
    first: dict[str, PlannedFile] = {}
    for file in planned:
        twin = first.setdefault(file.checksum, file)
        if twin is not file:
            raise InputError(
                f"{file.path}: has the same content as {twin.path}, so its events would count twice; name it once"
            )
    return planned


def expanded(paths: Sequence[Path]) -> list[Path]:
    """Paths in their order, each with wildcards replaced by what it matches, in alphabetical order.

    Raises:
        InputError: a pattern matches nothing.
    """
    found: list[Path] = []
    for path in paths:
        matches = [path]
        if WILDCARDS & set(str(path)) and not path.exists():  # a name may hold brackets
            matches = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        if not matches:
            raise InputError(f"{path}: matches no file; check the pattern")
        found += matches
    return found


def plan_work(planned: list[PlannedFile], entries: int, folder: Path, earlier: Inventory | None) -> Work:
    """What is to be done for these files, in a folder that may hold an earlier import.

    Args:
        planned: the files. entries: of one chunk. folder: of the sample. earlier: what it holds.

    Raises:
        InputError: files differ in what was found in them, or a file belongs to two processes.
        OutputError: files of an earlier import of the same process are missing, or shards of another process.
    """
    before = _without(earlier, {file.reader.name for file in planned})
    _check_agreement(planned, before)
    _check_inputs(planned, earlier, before)
    labels = before.all_labels | {name: label for file in planned for name, label in file.reader.labels.items()}
    jobs = [
        ImportJob(file.reader, chunk, labels, shards.content_digest(file.reader, chunk))
        for file in planned
        for chunk in file.chunks(entries)
    ]
    by_file = {job.file_name: job for job in jobs}
    wanted = [
        Shard(shards.shard_name(one.reader, one.content, labels, one.number), one.reader, one.content, one.number)
        for one in before.shards
    ] + [Shard(job.file_name, job.reader.name, job.content, job.chunk.number) for job in jobs]
    sources = {shard.content: shard.file for shard in (earlier.shards if earlier else [])}
    renewals, missing = {}, []
    for shard in wanted:
        if is_whole(folder / shard.file):
            continue
        source = sources.get(shard.content)
        if source is not None and is_whole(folder / source):
            renewals[shard.file] = source
        elif shard.file in by_file:
            missing.append(by_file[shard.file])
        else:
            raise OutputError(
                f"{folder}: shard {source} of '{shard.reader}' is missing or damaged; import "
                f"'{shard.reader}' again first"
            )
    inventory = Inventory(
        digest=digest(planned[0].reader.configuration),
        found=planned[0].plan.found,
        labels=before.labels | {file.reader.name: file.reader.labels for file in planned},
        inputs=before.inputs | _inputs(planned),
        shards=sorted(wanted, key=lambda shard: shard.reader),
    )
    return Work(inventory, renewals, missing, len(jobs) - len(missing))


def is_whole(path: Path) -> bool:
    """True where a shard is there and can be read; its name says that it is the right one."""
    if not path.is_file():
        return False
    try:
        schema.read_header(path)
    except SchemaError:
        return False
    return True


def _plan_file(reader: Reader, path: Path) -> PlannedFile:
    plan = reader.plan(path)
    shards.check_numbering(path, plan.entries)
    return PlannedFile(reader, path.absolute(), event_files.checksum(path), plan)


def _without(earlier: Inventory | None, names: set[str]) -> Inventory:
    """The earlier inventory without these readers."""
    if earlier is None:
        return Inventory("", {}, {}, {}, [])
    return Inventory(
        earlier.digest,
        earlier.found,
        {name: own for name, own in earlier.labels.items() if name not in names},
        {name: own for name, own in earlier.inputs.items() if name not in names},
        [shard for shard in earlier.shards if shard.reader not in names],
    )


def _check_agreement(planned: list[PlannedFile], before: Inventory) -> None:
    """Files prepared differently would make a network tell the files apart, not the processes."""
    known = {key: (value, "the sample so far") for key, value in before.found.items()} if before.shards else {}
    for file in planned:
        for key, value in file.plan.found.items():
            other, where = known.setdefault(key, (value, str(file.path)))
            if other != value:
                raise InputError(
                    f"{file.path}: {key}: {value}, but {where}: {other}; all files of a sample must be read alike, so "
                    "choose in the settings what all of them have"
                )


def _check_inputs(planned: list[PlannedFile], earlier: Inventory | None, before: Inventory) -> None:
    now = {file.checksum: file for file in planned}
    for name, inputs in before.inputs.items():
        for one in inputs:
            if one.sha256 in now:
                raise InputError(
                    f"{now[one.sha256].path}: has the content of {one.file}, which was imported as '{name}'; a file "
                    "can be of one process only"
                )
    labels: dict[str, str] = {process: name for name, own in before.labels.items() for process in own}
    for file in planned:
        for process in file.reader.labels.keys() & labels.keys():
            raise ConfigError(f"process '{process}' is in the sample already, from '{labels[process]}'; rename it")
        for one in (earlier.inputs if earlier else {}).get(file.reader.name, []):
            if one.sha256 not in now:
                raise OutputError(
                    f"'{file.reader.name}' was imported from {one.file} too, which is not among the files now; name "
                    "all files of the process, or choose another folder"
                )


def _inputs(planned: list[PlannedFile]) -> dict[str, list[Input]]:
    inputs: dict[str, list[Input]] = {}
    for file in planned:
        inputs.setdefault(file.reader.name, []).append(Input(file.path.name, file.checksum, file.plan.entries))
    return inputs
