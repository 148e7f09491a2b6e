"""The profile of a training: a loop with known times goes in, its shares, rates and trace come out."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from mscat_tf.config import TrainSettings
from mscat_tf.memory import peak_memory_bytes, resident_memory_bytes
from mscat_tf.training import profile as module
from mscat_tf.training.profile import TrainingProfile
from mscat_tf.training.trace import operation_shares

EVENTS, WIDTH = 32, 48


@pytest.fixture
def network(monkeypatch):
    """One matrix of WIDTH x WIDTH and one of WIDTH x 1, on a device that reaches 1 GFLOP/s."""
    monkeypatch.setattr(module, "matmul_peak", lambda precision: {"float32": 1e9}[precision])
    first = keras.Input((WIDTH,), name="a")
    return keras.Model([first], keras.layers.Dense(1, use_bias=False)(keras.layers.Dense(WIDTH, use_bias=False)(first)))


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = 100.0

    def perf_counter(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(module, "time", clock := Clock())
    return clock


def drive(profile, network, clock, steps, waits=0.001, computes=0.002, callbacks=0.001):
    """A loop as `TrainingLoop` drives it, with times of its own making and a pause between two epochs."""
    product = tf.function(lambda x: network(x))
    profile.set_model(network)
    profile.on_epoch_begin(0)
    for number in range(steps):
        product(tf.ones((EVENTS, WIDTH))).numpy()
        clock.sleep(waits + computes + callbacks)
        profile.on_train_batch_end(
            number, {"seconds": waits + computes, "input_seconds": waits, "events": EVENTS if number else 0}
        )
        if number == steps // 2:
            clock.sleep(1000.0)
            profile.on_epoch_begin(1)
    profile.on_train_end()


def test_shares_add_up_and_rates_follow_from_the_times(network, tmp_path, clock):
    profile = TrainingProfile(tmp_path, TrainSettings(batch_size=EVENTS), warm=2, measured=10, traced=0)
    drive(profile, network, clock, 20, waits=0.004, computes=0.012, callbacks=0.004)
    report = json.loads((tmp_path / "profile.json").read_text())
    assert report == profile.report
    assert report["steps_measured"] == 10
    shares = [report[f"{name}_share"] for name in ("input_wait", "compute", "elsewhere")]
    assert shares == pytest.approx([0.2, 0.6, 0.2])
    assert report["input_wait_ms_per_step"] == pytest.approx(4.0)
    assert report["seconds_per_step"] == pytest.approx(0.020)
    assert report["events_per_second"] == pytest.approx(EVENTS / 0.020)
    per_event = 3 * 2 * (WIDTH * WIDTH + WIDTH)  # two operations for each weight; backward twice forward
    assert report["flops_per_event"] == per_event
    assert report["share_of_peak"] == pytest.approx(per_event * EVENTS / 0.020 / 1e9)
    assert report["trace"] is None


def test_two_workers_have_twice_the_peak(network, clock, tmp_path):
    profile = TrainingProfile(tmp_path, TrainSettings(), workers=2, warm=1, measured=2, traced=0)
    drive(profile, network, clock, 3)
    assert (profile.report["devices"], profile.report["matmul_peak"]) == (2, 2e9)


def test_the_trace_knows_the_operations(network, clock, tmp_path):
    profile = TrainingProfile(tmp_path, TrainSettings(), warm=1, measured=2, traced=3)
    drive(profile, network, clock, 6)
    assert (tmp_path / profile.report["trace"]).is_file()
    shares = profile.report["share_of_operations"]
    assert any("MatMul" in kind for kind in shares)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert all(kind.isidentifier() for kind in shares)
    assert profile.report["slowdown_while_tracing"] > 0


def test_a_short_training_is_measured_over_what_there_is(network, clock, tmp_path, caplog):
    profile = TrainingProfile(tmp_path / "short", TrainSettings())
    drive(profile, network, clock, 4)
    assert profile.report["steps_measured"] == 3
    single = TrainingProfile(tmp_path / "one", TrainSettings())
    drive(single, network, clock, 1)
    assert single.report == {}
    assert "the first is never measured" in caplog.text


def test_buckets_of_length_have_no_count_of_operations(network, clock, tmp_path):
    profile = TrainingProfile(tmp_path, TrainSettings(length_buckets=4), warm=1, measured=2, traced=0)
    drive(profile, network, clock, 3)
    assert profile.report["share_of_peak"] is None


def test_memory_that_is_taken_and_given_back_stays_in_the_peak():
    before, megabytes = resident_memory_bytes(), 64
    taken = np.ones(megabytes * 2**20 // 8)
    assert resident_memory_bytes() - before == pytest.approx(megabytes * 2**20, rel=0.1)
    del taken
    assert peak_memory_bytes() >= before + 0.9 * megabytes * 2**20


def test_a_file_that_is_no_trace_of_the_cpu_has_no_shares(tmp_path):
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.planes.add(name="/device:GPU:0")
    tmp_path.joinpath("a.xplane.pb").write_bytes(space.SerializeToString())
    assert operation_shares(tmp_path / "a.xplane.pb") == {}
