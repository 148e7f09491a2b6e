"""Shards of other samples that hold the same events, taken instead of being simulated again.

What is in a shard follows from its process, its number and the settings that all shards share. A sample that differs in
another process, or has more of them, so shares the rest. Only the list of processes is written into every shard, and
the place in it into the events: where that differs the shard is written anew.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from data_prep.shard import ShardJob, event_ids, process_names, shard_configuration, versions
from mscat_tf import schema
from mscat_tf.config import SampleSettings
from mscat_tf.errors import MscatError
from mscat_tf.files import atomic_path


def take_shard(settings: SampleSettings, job: ShardJob, path: Path, folders: Sequence[Path]) -> bool:
    """Put the shard of this job at `path` if one of the folders holds its events; whether it did.

    Args:
        settings: of the sample. job: which shard. path: of the file. folders: of other samples, finished or not.

    Raises:
        OutputError: the file cannot be written.
    """
    wanted = shard_configuration(settings, job.process)
    for folder in folders:
        for other in sorted(folder.glob(f"{job.process}-*-{job.number:04d}{schema.EXTENSION}")):
            try:
                header = schema.read_header(other)
            except MscatError:  # one that cannot be read is none
                continue
            if (header.configuration, header.events) == (wanted, job.events) and _made_alike(header.versions):
                _take(settings, job, header, other, path)
                return True
    return False


def _made_alike(then: dict[str, str]) -> bool:
    """Whether the libraries that have a hand in the events are the same now; the version of Python has none."""
    now = versions()
    return all(then.get(name) == now[name] for name in now if name != "python")


def _take(settings: SampleSettings, job: ShardJob, header: schema.Header, other: Path, path: Path) -> None:
    names = process_names(settings)
    labels = tuple(settings.processes[name].label for name in names)
    if (header.processes, header.labels) == (names, labels):
        with atomic_path(path) as temporary:
            try:
                os.link(other, temporary)
            except OSError:  # another file system, or one without links
                shutil.copyfile(other, temporary)
        return
    with schema.open_sample(other) as file:
        arrays = {name: file[name][()] for name in schema.DATA_SETS if name in file}
    new = event_ids(settings, job)
    alone = arrays["group_id"] == arrays["event_id"]  # an event of a file has a group that is the file's, not ours
    arrays |= {
        "group_id": np.where(alone, new, arrays["group_id"]),
        "event_id": new,
        "process": np.full_like(arrays["process"], names.index(job.process)),
    }
    schema.write_sample(path, replace(header, processes=names, labels=labels), arrays)
