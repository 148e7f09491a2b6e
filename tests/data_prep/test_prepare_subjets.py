"""Subjets of derived samples: in the frame of the constituents, kept or found again."""

import numpy as np
import pytest

from data_prep.prepare import prepare
from data_prep.prepared_shard import Maker
from mscat_tf.config.preparation import Preparation
from mscat_tf.data import Sample
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.errors import InputError
from tests.data_prep.toy_samples import KEEP, columns, derived

SINGLE = {"algorithm": "kt", "radius": 0.011, "pt_min": 0.0, "number": KEEP}
"""Subjets of one constituent each: they must stand where the constituents do."""


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"shift": "none"},
        {"rotate": "half_wrong", "flip": "opposite"},
        {"rotate": "none", "flip": "none", "constituents": 3},
        {"background_phi": "signal"},
        {"energy_scale": 1.1},
    ],
)
def test_subjets_stand_in_the_frame_of_the_constituents(source, switches):
    arrays = derived(source, subjets=SINGLE, **switches)
    keep = switches.get("constituents", KEEP)
    table, mask = arrays["subjets/subjets"][:, :, :keep], arrays["subjets/mask"][:, :, :keep]
    alone = table[..., 4] == 1.0
    assert alone[mask].mean() > 0.9
    same = np.cumprod(alone, axis=-1).astype(bool)  # up to the first that two constituents share
    np.testing.assert_array_equal(mask[same], arrays["constituents_mask"][same])
    np.testing.assert_allclose(table[same][:, [1, 2, 0]], arrays["constituents"][same][:, :3], rtol=1e-5, atol=2e-5)


def test_subjets_of_the_source_stay_or_are_found_again(tmp_path, source):
    """By the settings that its header names, whether they were made with the events or by a preparation."""
    subjets = {"algorithm": "anti_kt", "number": 4}
    names = ("subjets/subjets", "subjets/mask")
    for start, switches, made in (
        (source, {"subjets": subjets}, "first"),
        (tmp_path / "first", {"theta": "zero"}, "third"),
        (tmp_path / "third", {"shift": "none"}, "second"),
        (source, {"shift": "none", "subjets": subjets}, "direct"),
    ):
        prepare(start, Preparation(**switches), tmp_path / made, workers=1)
    first, second, third, direct = (columns(tmp_path / made, names) for made in ("first", "second", "third", "direct"))
    for name in names:
        np.testing.assert_array_equal(second[name], direct[name])
        np.testing.assert_array_equal(third[name], first[name])
    assert not np.array_equal(first[names[0]], second[names[0]])
    with Sample(tmp_path / "second") as sample:
        assert sample.header.subjets == 4
    with Sample(source) as sample:
        assert (sample.header.subjets, sample.has("subjets/mask")) == (0, False)


def test_subjets_that_do_not_say_how_they_were_found(tmp_path):
    folder = write_mock_sample(tmp_path, events=8, shards=1, subjets=3)
    with (
        Sample(folder) as sample,
        pytest.raises(InputError, match=r"mock-0000.h5: does not say how its subjets were .* data.preparation.subjets"),
    ):
        Maker(sample, Preparation(rotate="none")).make(0)
