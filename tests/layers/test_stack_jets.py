"""Jets stacked in the batch and taken apart again."""

import numpy as np
import pytest

from mscat_tf.errors import ConfigError
from mscat_tf.layers import SplitJets, StackJets
from tests.layer_checks import check_layer


def test_contract(tmp_path):
    check_layer(SplitJets, {"jets": 3}, {"stacked": np.arange(30, dtype="float32").reshape(6, 5)}, tmp_path)


@pytest.mark.parametrize("shape", [(2, 5), (2, 4, 5), (2, 3, 4, 5)])
def test_apart_again(shape):
    jets = [np.random.default_rng(jet).normal(size=shape).astype("float32") for jet in range(3)]
    for found, jet in zip(SplitJets(3)(StackJets()(jets)), jets, strict=True):
        np.testing.assert_array_equal(found, jet)


def test_a_number_of_jets_that_cannot_be():
    with pytest.raises(ConfigError, match="jets is 0 but must be positive"):
        SplitJets(0)
