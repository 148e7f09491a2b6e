"""Parquet by awkward: nested records, names of vectors included. One row group for each group of events."""

from pathlib import Path

import awkward as ak

from data_prep import extras
from data_prep.writers.records import records
from mscat_tf.config import DataSettings
from mscat_tf.data import Sample


def write(sample: Sample, settings: DataSettings, path: Path) -> None:
    """Write the events of a sample; `ak.from_parquet(path)` reads them.

    Raises:
        InputError: a value is not finite.
        MissingExtraError: pyarrow is not installed.
    """
    extras.pyarrow()
    ak.to_parquet_row_groups(records(sample, settings), str(path))
