"""Yields against the event table and arithmetic by hand."""

import pytest

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample, event_table
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.errors import InputError
from mscat_tf.evaluation.evaluate import yields
from mscat_tf.reach import Rate, sample_rates
from mscat_tf.reach.rates import check_rates


def test_rates_of_a_sample_are_those_of_its_events(tmp_path):
    with Sample(write_mock_sample(tmp_path / "mock")) as sample:
        table = event_table(sample, DataSettings(), seed=1)
        rates = sample_rates(sample, table.census)
        weights = sample.column("weights").astype(float)
    expected = yields(table, 3000.0)
    assert list(rates) == ["signal", "4b", "ttbar"]
    for index, (name, rate) in enumerate(rates.items()):
        at = rate.at(3000.0)
        for key in ("expected", "error", "effective_events"):
            assert at[key] == pytest.approx(expected[name][key])
        # the mock sample: 10 fb from 3 shards of 1000 generated events of weight one
        by_hand = weights[table.process == index].prod(axis=1).sum() / 3000.0
        assert rate.acceptance == pytest.approx(by_hand)
        assert rate.cross_section_error == pytest.approx(0.01)


def test_unit_signal():
    rate = Rate(1, cross_section_fb=4.0, selected_fb=1.0, sum_of_squares=0.01)
    at = rate.at(3000.0, signal_fb=1.0)
    assert at["expected"] == pytest.approx(750.0)
    assert at["error"] == pytest.approx(3000 * 0.1 / 4)
    assert at["effective_events"] == rate.effective_events == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("rates", "sentence"),
    [
        ({}, "s.h5: process '4b' has no cross-section"),
        ({"4b": Rate(0, 0.0, 1.0)}, "process '4b' has no cross-section"),
        ({"4b": Rate(0, float("nan"), 1.0)}, "process '4b' has no cross-section"),
        ({"4b": Rate(0, 5.0, -1.0)}, "process '4b' has a selected cross-section of -1.0 fb"),
    ],
)
def test_a_process_that_cannot_be_counted(rates, sentence):
    with pytest.raises(InputError, match=sentence):
        check_rates(rates, ("4b",), "s.h5")
