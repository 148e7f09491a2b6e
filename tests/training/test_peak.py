"""The measured peak of a device against another library's product, and what it refuses."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from mscat_tf.errors import ConfigError
from mscat_tf.training import peak
from mscat_tf.training.peak import matmul_peak


def test_numpy_is_not_ten_times_faster_or_slower():
    """A wrong count of operations or of seconds is off by more than that; the machine may be busy with other work."""
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(2, 1024, 1024)).astype("float32")
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - started)
    ours = matmul_peak("float32", "CPU:0")
    assert 0.1 < ours * min(seconds) / (2 * 1024**3) < 20.0


def test_measured_once_in_a_process():
    assert matmul_peak("float32", "CPU:0") == matmul_peak("float32", "CPU:0")


@pytest.mark.parametrize(
    ("precision", "device", "sentence"),
    [
        ("float99", None, "'float99' is unknown; choose from float32"),
        ("float32", "GPU:77", "there is no 'GPU:77' here; choose from CPU:0"),
    ],
)
def test_what_cannot_be_measured_is_refused(precision, device, sentence):
    with pytest.raises(ConfigError, match=sentence):
        matmul_peak(precision, device)


def test_of_several_workers_the_one_here_is_measured(monkeypatch):
    """Under a cluster TensorFlow lists the devices of all workers, by their full names."""
    names = [f"/job:worker/replica:0/task:{task}/device:CPU:0" for task in (0, 1)]
    listed = [SimpleNamespace(name=name) for name in names]
    monkeypatch.setattr(peak.tf.config, "list_logical_devices", lambda kind=None: [] if kind == "GPU" else listed)
    monkeypatch.setattr(peak, "_rate", lambda size, work: float(size))
    assert matmul_peak.__wrapped__("float32") == 2048.0
