"""One training step for every distribution strategy, checkpoints and resume."""
