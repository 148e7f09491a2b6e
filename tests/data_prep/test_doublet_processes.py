"""The potential's masses, widths and couplings as Pythia 8 sees them; its own partial widths are the outside check."""

import pytest

from data_prep import extras
from data_prep.processes import pythia_lines
from mscat_tf.physics.heavy_higgs_decays import partial_widths
from tests.data_prep.conftest import quick_settings

POTENTIAL = {
    "lambda_1": 5.25,
    "lambda_2": 0.0352,
    "lambda_3": 5.855,
    "lambda_4": 0.167,
    "lambda_5": -0.459,
    "m12_squared": 154_950.0,
    "tan_beta": 6.334,
}


@pytest.fixture(scope="module")
def process():
    signal = {"kind": "heavy_higgs", "two_higgs_doublet": POTENTIAL}
    return quick_settings(processes={"signal": signal}).processes["signal"]


def started(lines):
    pythia = extras.pythia8().Pythia("", False)
    for line in (*lines, "PartonLevel:all = off"):
        assert pythia.readString(line, False), line
    assert pythia.init()
    return pythia


def test_masses_and_width_reach_pythia(process):
    data = started(pythia_lines(process, 14_000.0, 1)).particleData
    masses = process.two_higgs_doublet.model().masses
    assert (data.m0(25), data.m0(35), data.m0(36), data.m0(37)) == pytest.approx(masses)
    assert data.mWidth(35) == pytest.approx(process.relative_width * process.m_H)


def test_pythia_finds_the_same_partial_widths(process):
    """Its own leading order, width not forced. It takes running alpha and top mass, so a few per cent (tt: more)."""
    lines = [line for line in pythia_lines(process, 14_000.0, 1) if "doForceWidth" not in line and "mWidth" not in line]
    entry = started(lines).particleData.particleDataEntryPtr(35)
    channels = [entry.channel(index) for index in range(entry.sizeChannels())]
    found = {abs(channel.product(0)): channel.bRatio() * entry.mWidth() for channel in channels if channel.bRatio() > 0}
    widths = partial_widths(process.two_higgs_doublet.model(), "II")
    for name, identity in (("hh", 25), ("bb", 5), ("tautau", 15), ("WW", 24), ("ZZ", 23)):
        assert widths[name] == pytest.approx(found[identity], rel=0.05), name
    assert found[6] < widths["tt"] < 1.5 * found[6], "the running mass of the top quark is the lower one"
    assert sum(widths.values()) == pytest.approx(entry.mWidth(), rel=0.06)
