from pathlib import Path

import pytest

from mscat_tf.config import load_config
from mscat_tf.config.preparation import Preparation, source_digest
from mscat_tf.errors import ConfigError
from mscat_tf.run_folder import sample_path, source_path


def test_defaults_and_what_acts_only_beside_others_depart_in_nothing():
    assert not Preparation().departs
    assert not Preparation(seed=7, soft_pt=3.0).departs
    assert Preparation().folder_of(Path("data/demo")) == Path("data/demo")


@pytest.mark.parametrize(
    "switch", ["shift=none", "theta=zero", "constituents=20", "energy_scale=1.01", "soft_particles=3"]
)
def test_every_departure_has_a_folder_of_its_own(switch):
    config = load_config("demo", [f"data.preparation.{switch}"])
    folders = {sample_path(config), sample_path(load_config("demo", ["data.preparation.rotate=none"]))}
    assert len(folders | {source_path(config)}) == 3
    assert all(folder.name.startswith("demo-prepared-") for folder in folders)


def test_folder_is_beside_the_data_of_a_path():
    config = load_config("demo", ["data.path=/somewhere/sample", "data.preparation.theta=zero"])
    assert sample_path(config).parent == Path("/somewhere")
    assert source_path(config) == Path("/somewhere/sample")


def test_run_names_stay_with_the_default_and_change_with_a_departure():
    plain, other, same = (
        load_config("demo", overrides).decisive_digest
        for overrides in ([], ["data.preparation.theta=zero"], ["data.preparation.theta=own"])
    )
    assert plain == same != other


def test_digest_of_a_derived_sample_names_its_source():
    assert source_digest("abc-prepared-12") == source_digest("abc") == "abc"


@pytest.mark.parametrize(
    ("switch", "words"),
    [("theta=random", "relative_to_beam"), ("rotat=none", "did you mean 'rotate'"), ("energy_scale=10", "less than")],
)
def test_wrong_switch(switch, words):
    with pytest.raises(ConfigError, match=words):
        load_config("demo", [f"data.preparation.{switch}"])
