"""Scores inside an analysis of awkward arrays: eager, in coffea processors, on other machines. Needs `awkward`."""

from mscat_tf.analysis.delphes import delphes_fat_jets
from mscat_tf.analysis.jets import Columns
from mscat_tf.analysis.score_events import ScoreEvents

__all__ = ["Columns", "ScoreEvents", "delphes_fat_jets"]
