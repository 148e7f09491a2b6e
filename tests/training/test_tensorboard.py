"""Curves for TensorBoard, and a disk that takes no more of them."""

import shutil
import time

import pytest

from mscat_tf.errors import OutputError
from mscat_tf.training import run as training
from mscat_tf.training.tensorboard import TensorBoardScalars


def test_a_folder_that_takes_nothing_more_is_one_sentence(tmp_path):
    """TensorFlow raises errors of its own there, which are no OSError."""
    scalars = TensorBoardScalars(tmp_path / "curves")
    scalars.on_train_begin()
    scalars.on_epoch_end(0, {"loss": 0.5})
    shutil.rmtree(tmp_path / "curves")
    (tmp_path / "curves").write_text("no folder any more")
    scalars.on_train_end()
    with pytest.raises(OutputError, match=r"curves: cannot be written \([^{}]*\); free space and repeat"):
        scalars.on_train_begin()


def test_networks_are_not_stored_before_1980(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 86_400.0)
    with pytest.raises(OutputError, match="cannot be written in 1970; set the clock"):
        training._save(None, tmp_path / "model.keras")
