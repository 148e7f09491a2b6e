"""Physics reach of a classifier at a luminosity: yields, discovery significance and limits. Needs no TensorFlow."""

from mscat_tf.reach.events import Events, Variation
from mscat_tf.reach.rates import Rate, sample_rates
from mscat_tf.reach.reach import Reach, reach, reach_of_scores
from mscat_tf.reach.settings import ReachSettings

__all__ = ["Events", "Rate", "Reach", "ReachSettings", "Variation", "reach", "reach_of_scores", "sample_rates"]
