"""`mscat prepare`, and what the other commands say about samples that it has not made."""

import pytest

from mscat_tf.data import Sample
from mscat_tf.errors import InputError
from tests.cli.test_errors import check_sentence
from tests.data_prep.toy_samples import write_toy_sample


def test_prepare_makes_the_sample_once_and_says_what_it_did(mscat, tmp_path):
    folder = write_toy_sample(tmp_path / "toy", events=(6, 5))
    wanted = ("smoke", "--set", f"data.path={folder}", "--set", "data.preparation.theta=zero")
    with pytest.raises(
        InputError, match="toy-prepared-x: no such file or folder; derive it from its source with `mscat"
    ):
        Sample(tmp_path / "toy-prepared-x")
    status, said, _ = mscat("prepare", *wanted)
    assert (status, "11 events; 2 files made now, 0 were there" in said) == (0, True)
    status, said, _ = mscat("prepare", *wanted)
    assert (status, "0 files made now, 2 were there" in said) == (0, True)
    (made,) = tmp_path.glob("toy-prepared-*")
    assert (Sample(made).column("kinematics")[..., 5] == 0.0).all()


def test_nothing_to_prepare(mscat):
    status, said, _ = mscat("prepare", "smoke")
    assert (status, "departs in nothing" in said) == (0, True)


def test_source_is_missing(mscat):
    check_sentence(mscat("prepare", "smoke", "--set", "data.preparation.theta=zero"), "data/smoke", "mscat generate")
