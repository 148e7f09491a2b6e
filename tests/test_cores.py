"""Cores, also where the system does not tell which."""

import os

from mscat_tf.cores import usable_cores


def test_cores_are_those_of_the_process_or_all(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {7, 4})
    assert usable_cores() == [4, 7]
    monkeypatch.delattr(os, "sched_getaffinity")  # macOS
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert usable_cores() == [0, 1, 2]
