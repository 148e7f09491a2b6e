"""Columns of fixed length: what they cannot be is a sentence."""

import pytest

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample
from mscat_tf.data.flat import flat_columns
from mscat_tf.errors import InputError


@pytest.mark.parametrize("column", ["m_H", "known_logit"])
def test_columns_of_whole_events_are_refused(mock_folder, column):
    settings = DataSettings(kinematic_features=("pt", column))
    with Sample(mock_folder) as sample, pytest.raises(InputError, match=f"cannot read {column}, .* choose a network"):
        flat_columns(sample, settings, "both")
