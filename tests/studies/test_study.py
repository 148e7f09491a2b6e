"""Studies that ship, and wrong ones."""

import pytest

from mscat_tf.config.study import CommonScale, Study, load_study, studies
from mscat_tf.data.symmetries import check_exact
from mscat_tf.errors import ConfigError


@pytest.mark.parametrize("name", studies())
def test_shipped_studies_name_trainings_by_what_decides_them(name):
    study = load_study(name)
    for scale in study.scales:
        plan = study.configurations(scale)
        assert len({config.name for config in plan.values()}) == len(plan)
        assert {config.train.repeats for config in plan.values()} == {study.scales[scale].seeds}
        for config in (config for config in plan.values() if config.train.symmetries):
            check_exact(config.data)
        more = next(iter(plan.values())).updated(["train.repeats=77", "train.strategy=one_device"])
        assert more.decisive_digest == next(iter(plan.values())).decisive_digest
        assert more.updated(["seed=9"]).decisive_digest != more.decisive_digest


def test_two_studies_share_what_is_the_same_training():
    table, theta = (load_study(name).configurations("demo") for name in ("main_table", "theta"))
    assert table["mscat"].name == theta["mscat, theta"].name
    assert table["mscat"].name != theta["mscat, no theta"].name


@pytest.mark.parametrize("scale", ["demo", "paper"])
def test_trainings_of_one_name_may_be_resumed_by_every_study_that_asks_for_them(scale):
    """Settings of networks that are not trained differ between the bases of studies."""
    asked = [load_study(name) for name in studies()]
    plans = [study.configurations(scale) for study in asked if scale in study.scales]
    found = {}
    for config in (config for plan in plans for config in plan.values()):
        settings = config.decisive()
        settings["train"].pop("repeats")
        assert found.setdefault(config.name, settings) == settings, config.name
    assert len(found) < sum(map(len, plans))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reference": "gone"}, "no row 'gone'"),
        ({"rows": {"a": {"against": "b"}}}, "no row 'b'"),
        ({"rows": {"a": {"sets": []}}}, "unknown key 'sets'; did you mean 'set'"),
    ],
)
def test_wrong_study(changes, words):
    right = {"name": "s", "title": "", "question": "", "reference": "a", "scales": {"demo": {"seeds": 1}}}
    with pytest.raises(ValueError, match=words):
        Study(**{**right, "rows": {"a": {}}, **changes})


def test_settings_of_a_base_stand_beside_or_instead_of_those_of_the_scale():
    scale = CommonScale(set=("a=1",), of_base={"more": ("b=2",)}, instead={"other": ("c=3",), "nothing": ()})
    assert [scale.settings_on(base) for base in ("demo", "more", "other", "nothing")] == [
        ("a=1",),
        ("a=1", "b=2"),
        ("c=3",),
        (),
    ]
    with pytest.raises(ValueError, match="masses: in of_base and in instead"):
        CommonScale(of_base={"masses": ()}, instead={"masses": ()})


def test_what_does_not_exist_is_named():
    with pytest.raises(ConfigError, match="unknown key 'main_tabel'; did you mean 'main_table'"):
        load_study("main_tabel")
    with pytest.raises(ConfigError, match="study theta: unknown key 'big'"):
        load_study("theta").configurations("big")


@pytest.mark.parametrize("name", studies())
def test_paper_scale_has_one_large_sample(name):
    study = load_study(name)
    for row, config in study.configurations("paper").items():
        parent = study.rows[row].trained_as
        masses = "masses" in (study.base, study.rows[row].base, study.rows[parent].base if parent else None)
        wanted = ("paper-masses", 2_000_000) if masses else ("paper", 1_000_000)
        if (base := study.rows[row].base or study.base).startswith("jet_tagging"):
            assert (config.sample.name, config.sample.events) == (f"{base}-paper", 2_000_000)
            continue
        assert (config.sample.name, config.sample.events) == wanted
        assert config.sample.processes["4b"].files == ("4b-14TeV", "4b-paper.lhe.gz")
