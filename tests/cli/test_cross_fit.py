"""Scores of the networks of single folds are made again where another network stands, and only there."""

import os
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from mscat_tf.cli import cross_fit
from mscat_tf.cli.cross_fit import _COLUMNS, _scored


@pytest.fixture
def scored(monkeypatch, tmp_path, mock_folder, mock_config):
    """The scores after a training that ended in these weights, and how often they were made."""
    made = []

    def predict(scorer, sample, path, about, *_):
        made.append(about["weights"])
        with h5py.File(path, "w") as file:
            file.attrs["weights"] = about["weights"]
            for name in _COLUMNS:
                file[name] = np.zeros(3)

    def after(weights):
        run = SimpleNamespace(path=tmp_path, origin={"weights": weights}, scorer=lambda: None)
        monkeypatch.setattr(cross_fit.stages, "train", lambda _: run)
        _scored(mock_config())
        return made

    monkeypatch.setattr(cross_fit, "predict", predict)
    return after


def test_scores_follow_the_network_and_not_the_clock(scored, tmp_path):
    assert scored("first") == ["first"]
    os.utime(tmp_path / "all-scores.h5", (0, 0))  # copied from elsewhere: older than what it was made with
    assert scored("first") == ["first"]
    assert scored("second") == ["first", "second"]


def test_damaged_scores_are_made_again(scored, tmp_path):
    scored("first")
    (tmp_path / "all-scores.h5").write_bytes(b"half a file")
    assert scored("first") == ["first", "first"]
