from importlib import resources

import pytest
import yaml

from data_prep.detector_card import DetectorCard, load_card, shipped_cards, stored_card
from data_prep.shard import stored_digest
from mscat_tf.errors import ConfigError
from tests.data_prep.conftest import quick_settings

TEXT = (resources.files("data_prep.cards") / "atlas_like.yaml").read_text()


def write(folder, change=None):
    """The shipped card in a file, changed."""
    values = yaml.safe_load(TEXT)
    if change is not None:
        change(values)
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(values))
    return str(path)


@pytest.mark.parametrize("name", ["atlas_like", "cms_like"])
def test_shipped_cards_are_valid_and_say_where_their_numbers_come_from(name):
    assert name in shipped_cards()
    assert isinstance(load_card(name), DetectorCard)
    assert "arXiv:1307.6346" in (resources.files("data_prep.cards") / f"{name}.yaml").read_text()


def test_no_card_means_particle_level():
    assert load_card("none") is None
    assert stored_card("none") == "none"


def test_the_content_of_the_card_makes_the_sample_not_its_name(tmp_path):
    shipped = stored_digest(quick_settings())
    same = write(tmp_path)
    assert stored_digest(quick_settings(detector=same)) == shipped
    write(tmp_path, lambda card: card["hadronic"].update(energy_min=1.5))
    assert stored_digest(quick_settings(detector=same)) != shipped
    assert stored_digest(quick_settings(detector="none")) != shipped


def wrong_key(card):
    card["hadronic"]["enrgy_min"] = card["hadronic"].pop("energy_min")


def wrong_value(card):
    card["tracker"]["muons"]["efficiency"][0]["value"][1] = 1.2


def odd_thresholds(card):
    card["tracker"]["hadrons"]["efficiency"][1]["pt_above"] = [0.1]


def inwards(card):
    card["electromagnetic"]["resolution"].reverse()


def broken_cells(card):
    card["hadronic"]["cells"][1]["eta_width"] = 0.25


def blind_edge(card):
    card["hadronic"]["resolution"].pop()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (wrong_key, "mine.yaml: hadronic: unknown key 'enrgy_min'; did you mean 'energy_min'"),
        (wrong_value, r"muons.efficiency.0.value.1: .*less than or equal to 1 \(found 1.2\)"),
        (odd_thresholds, "pt_above has 1 entries and value 2; give one value per threshold"),
        (inwards, "abs_eta_below of resolution = 5, 3.2 does not increase"),
        (broken_cells, "eta_width = 0.25 does not divide the region from 2.6 to 3.2"),
        (blind_edge, r"resolution ends at \|eta\| = 3.2, but something is measured up to 4.9"),
    ],
)
def test_a_wrong_card_is_refused_with_a_sentence(tmp_path, change, message):
    with pytest.raises(ConfigError, match=message):
        load_card(write(tmp_path, change))


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        ("atlas_lik", "neither a .yaml file nor a shipped card; .*did you mean 'atlas_like'"),
        ("nowhere/mine.yaml", "nowhere/mine.yaml: cannot be read .*check the path"),
    ],
)
def test_a_missing_card_is_one_sentence(detector, message):
    with pytest.raises(ConfigError, match=message):
        load_card(detector)
