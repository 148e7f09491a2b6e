"""From HDF5 to batches: reading, splits, weights, normalisation, tf.data."""
