"""From HDF5 to batches: reading, splits, weights, normalisation, tf.data. Only `pipeline` loads TensorFlow."""

from mscat_tf.data.events import EventTable, event_table
from mscat_tf.data.sample import Sample

__all__ = ["EventTable", "Sample", "event_table"]
