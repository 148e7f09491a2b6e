"""`mscat convert`: a sample of ours as one file of another format, and a JSON file with its header beside it."""

import importlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.files import atomic_path, write_json

FORMATS = {
    "npz": "data_prep.writers.npz",
    "parquet": "data_prep.writers.parquet",
    "root": "data_prep.writers.root",
}
"""Name of each format and the module that writes it."""


def convert(source: str | Path, format: str, out: str | Path, settings: DataSettings) -> int:
    """Write a sample as another format; memory does not grow with the sample.

    Args:
        source: sample file or folder. format: one of `FORMATS`. out: the file to write; `<out>.json` receives the
            header (processes, cross-sections, cut flow, configuration, versions). settings: how the sample is split.

    Returns:
        The number of events.

    Raises:
        ConfigError: no such format.
        InputError: there is no sample, it is empty, or a value is not finite.
        MissingExtraError: a library of the format is not installed.
        OutputError: the file cannot be written.
        SchemaError: a file of the sample is damaged.
    """
    if format not in FORMATS:
        raise ConfigError(f"format '{format}': samples cannot be written so; choose from {', '.join(FORMATS)}")
    out = Path(out)
    with Sample(source) as sample:
        if len(sample) == 0:
            raise InputError(f"{source}: holds no events, so there is nothing to write; check the path")
        with atomic_path(out) as temporary:
            importlib.import_module(FORMATS[format]).write(sample, settings, temporary)
        write_json(out.with_name(f"{out.name}.json"), _header(sample))
        return len(sample)


def _header(sample: Sample) -> dict[str, Any]:
    header = asdict(sample.header)
    return {
        **{name: header[name] for name in ("processes", "labels", "configuration", "digest", "seed", "versions")},
        "events": len(sample),
        "normalisation": {name: asdict(value) for name, value in sample.normalisation.items()},
        "cut_flow": sample.cut_flow,
    }
