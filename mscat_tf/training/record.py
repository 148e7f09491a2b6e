"""Which events a training was made of."""

from typing import Any

from mscat_tf.config import digest
from mscat_tf.data import Sample


def sample_digest(sample: Sample) -> str:
    """Identifies the events: settings, seed, and number of events of every file."""
    content: dict[str, Any] = {
        "configuration": sample.header.digest,
        "seed": sample.header.seed,
        "files": [[file.name, header.events] for file, header in zip(sample.files, sample.headers, strict=True)],
    }
    return digest(content)
