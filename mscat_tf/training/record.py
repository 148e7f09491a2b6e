"""Which events a training was made of."""

from mscat_tf.data import Sample


def sample_digest(sample: Sample) -> str:
    """Identifies the events: settings, seed, and number of events of every file."""
    return sample.digest
