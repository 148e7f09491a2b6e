"""Simulation and data preparation, one module per stage. Never imports TensorFlow."""
