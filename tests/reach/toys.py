"""Events of a classifier that is known: Gaussian log-odds, a resonance over falling backgrounds."""

import numpy as np

from mscat_tf.reach import Events, Rate

RATES = {"signal": Rate(1, 2.0, 0.2), "4b": Rate(0, 700.0, 10.0), "ttbar": Rate(0, 2500.0, 0.5)}


def toy_events(signal=1500, four_b=6000, ttbar=1500, showers=1, separation=1.0, seed=1):
    """Splits by group as in a sample; training events are there, and must not matter."""
    rng = np.random.default_rng(seed)
    counts = signal, four_b, ttbar
    process = np.repeat(["signal", "4b", "ttbar"], counts)
    score = rng.normal(np.where(process == "signal", separation, -separation), 1.2)
    falling = 900 + rng.exponential(250, len(process))
    mass = np.where(process == "signal", rng.normal(1000, 60, len(process)), falling)
    group = np.arange(len(process))
    group[signal : signal + four_b] = signal + np.arange(four_b) // showers
    u = rng.random(len(process))[group]
    split = np.where(u < 0.5, "train", np.where(u < 0.72, "validation", "test"))
    return Events(score, process, rng.uniform(0.2, 1.0, len(process)), split, mass, group)
