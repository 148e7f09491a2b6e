import pytest

from data_prep import extras
from data_prep.collinear_4b import FourBGenerator
from data_prep.generator import Generator
from data_prep.processes import pythia_lines
from data_prep.shard import ShardJob, make_shard
from mscat_tf.errors import ConfigError, GenerationError, MissingExtraError
from tests.data_prep.conftest import quick_settings


def process(**values):
    return quick_settings(processes={"mine": values}).processes["mine"]


def test_masses_widths_and_users_lines_reach_pythia():
    """Read back from Pythia itself."""
    settings = process(kind="heavy_higgs", m_H=700.0, relative_width=0.02, pythia=("25:m0 = 125.5",))
    pythia = extras.pythia8().Pythia("", False)
    for line in pythia_lines(settings, 13_500.0, 42):
        assert pythia.readString(line, False), line
    data = pythia.particleData
    assert (data.m0(35), data.mWidth(35), data.mMin(35), data.mMax(35)) == pytest.approx((700.0, 14.0, 630.0, 770.0))
    assert data.m0(25) == 125.5, "the user's lines come last"
    assert data.m0(6) == 172.5
    assert pythia.settings.parm("Beams:eCM") == 13_500.0
    assert pythia.settings.mode("Random:seed") == 42


def test_an_unknown_setting_is_named():
    settings = quick_settings(processes={"mine": {"kind": "ttbar", "pythia": ("Top:gg2tbar = on",)}})
    with pytest.raises(GenerationError, match=r"process 'mine'.*does not know the setting 'Top:gg2tbar = on'"):
        make_shard(settings, ShardJob("mine", 0, 1))


def test_no_process_switched_on_is_a_sentence():
    with pytest.raises(GenerationError, match="process 'mine': Pythia 8 cannot start"):
        Generator(pythia_lines(process(kind="pythia"), 14_000.0, 1), "process 'mine'")


def test_pairs_too_heavy_for_the_gluons_are_refused():
    settings = process(kind="collinear_4b", pt_hat_min=300.0, pair_mass_max=400.0)
    with pytest.raises(ConfigError, match="pair_mass_max = 400, pt_hat_min = 300"):
        FourBGenerator(settings, 14_000.0, (1, 2), None, "process 'mine'")


def test_a_missing_generator_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pythia8mc", None)
    with pytest.raises(MissingExtraError, match=r"pythia8mc.*mscat-tf\[generate\]"):
        extras.pythia8()
