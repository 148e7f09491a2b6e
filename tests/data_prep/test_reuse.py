"""Shards that are taken from other samples."""

import pytest

from data_prep.plan import shard_names
from data_prep.reuse import take_shard
from data_prep.shard import ShardJob, make_shard
from mscat_tf import schema
from mscat_tf.errors import OutputError
from tests.data_prep.conftest import quick_settings

JOB = ShardJob("signal", 0, 2)


def with_processes(**changes):
    """Quick settings with other processes too, or other settings of one."""
    processes = quick_settings().model_dump(mode="json")["processes"]
    names = {*processes, *changes}
    return quick_settings(processes={name: processes.get(name, {}) | changes.get(name, {}) for name in names})


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """A sample that has the shard."""
    folder = tmp_path_factory.mktemp("there")
    settings = quick_settings()
    schema.write_sample(folder / shard_names(settings, [JOB])[JOB], *make_shard(settings, JOB))
    (folder / "signal-0123456789-0001.h5").write_text("no sample")
    return folder


def test_equal_events_are_taken_as_if_made_here(there, tmp_path):
    """Byte for byte what the simulation gives, under another list of processes too."""
    assert take_shard(quick_settings(), JOB, tmp_path / "same.h5", [tmp_path / "nowhere", there])
    assert (tmp_path / "same.h5").samefile(next(there.glob("*-0000.h5")))

    more = with_processes(a_third={"kind": "ttbar"})
    assert take_shard(more, JOB, tmp_path / "more.h5", [there])
    schema.write_sample(tmp_path / "simulated.h5", *make_shard(more, JOB))
    assert (tmp_path / "more.h5").read_bytes() == (tmp_path / "simulated.h5").read_bytes()
    assert schema.read_header(tmp_path / "more.h5").processes == ("4b", "a_third", "signal")


def test_a_shard_that_cannot_be_written_is_told(there, tmp_path):
    """Not taken for one that is not there, or hours of simulation would end in the same error."""
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file: the folder cannot be made"):
        take_shard(quick_settings(), JOB, tmp_path / "file" / "same.h5", [there])


@pytest.mark.parametrize(
    ("settings", "job"),
    [
        (quick_settings(seed=7), JOB),
        (with_processes(signal={"m_H": 1200.0}), JOB),
        (quick_settings(), ShardJob("signal", 1, 2)),
        (quick_settings(), ShardJob("signal", 0, 1)),
        (quick_settings(), ShardJob("4b", 0, 2)),
    ],
)
def test_other_events_are_not_taken(there, tmp_path, settings, job):
    assert not take_shard(settings, job, tmp_path / "new.h5", [there])
    assert not list(tmp_path.iterdir())
