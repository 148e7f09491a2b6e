"""What a training needs of its events, and what `training.json` says of them, whatever is trained."""

from typing import Any

import numpy as np

from mscat_tf.config import digest
from mscat_tf.data import EventTable, Sample
from mscat_tf.data.events import effective_events
from mscat_tf.data.splits import SPLITS
from mscat_tf.errors import InputError


def sample_digest(sample: Sample) -> str:
    """Identifies the events: settings, seed, and number of events of every file."""
    content: dict[str, Any] = {
        "configuration": sample.header.digest,
        "seed": sample.header.seed,
        "files": [[file.name, header.events] for file, header in zip(sample.files, sample.headers, strict=True)],
    }
    return digest(content)


def need_both_classes(sample: Sample, table: EventTable) -> None:
    """Raise InputError unless every split holds signal and background."""
    for split in SPLITS:
        if len(np.unique(table.label[table.rows(split)])) < 2:
            raise InputError(f"{sample.path}: the {split} split does not hold both classes; generate more events")


def split_counts(table: EventTable) -> dict[str, Any]:
    """Events and effective events of every process in every split."""
    return {
        split: {
            name: {
                "events": int(np.sum(chosen := table.process[table.rows(split)] == index)),
                "effective_events": effective_events(table.weight_fb[table.rows(split)][chosen]),
            }
            for index, name in enumerate(table.processes)
        }
        for split in SPLITS
    }
