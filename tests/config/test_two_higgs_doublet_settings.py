"""The potential in the configuration: what follows from it, what contradicts it, what is refused."""

from pathlib import Path

import pytest
import yaml

from mscat_tf.config import digest, load_config
from mscat_tf.errors import ConfigError
from mscat_tf.physics.doublet_potential import Quartics
from mscat_tf.physics.two_higgs_doublet import TwoHiggsDoubletModel

STANDARD = (5.25, 0.0352, 5.855, 0.167, -0.459, 0.01, -0.02)
POTENTIAL = {
    **{f"lambda_{index}": value for index, value in enumerate(STANDARD, start=1)},
    "m12_squared": 154_950.0,
    "tan_beta": 6.334,
}


def override(**values):
    signal = {"kind": "heavy_higgs", **values}
    return load_config("demo", [f"sample.processes={yaml.safe_dump({'signal': signal}, default_flow_style=True)}"])


def signal(**changes):
    block = {name: value for name, value in {**POTENTIAL, **changes}.items() if value is not None}
    return override(two_higgs_doublet=block).sample.processes["signal"]


def test_mass_and_width_follow():
    model = TwoHiggsDoubletModel(Quartics(*STANDARD), 154_950.0, 6.334)
    process = signal()
    assert process.m_H == model.masses.H
    assert 900.0 < process.m_H < 1_100.0
    assert process.relative_width == pytest.approx(0.005, rel=0.3)
    assert signal(yukawa="I").relative_width < process.relative_width, "tan beta enhances bb in type II"


def test_the_three_ways_to_give_a_potential_agree():
    m11, m22, _ = TwoHiggsDoubletModel(Quartics(*STANDARD), 154_950.0, 6.334).mass_parameters
    by_masses = signal(tan_beta=None, m11_squared=m11, m22_squared=m22)
    assert by_masses.m_H == pytest.approx(signal().m_H)
    printed = [value * factor for value, factor in zip(STANDARD, (0.5, 0.5, 1, 1, 1, 2, 2), strict=True)]
    talk = {f"lambda_{index}": value for index, value in enumerate(printed, start=1)}
    assert signal(convention="talk", **talk).m_H == pytest.approx(signal().m_H)


def test_the_resolved_configuration_loads_again_and_can_be_changed():
    """A mass that follows isn't written: else it would contradict the changed potential."""
    config = override(two_higgs_doublet=POTENTIAL)
    assert config.updated([]) == config
    changed = config.updated(["sample.processes.signal.two_higgs_doublet.m12_squared=160000"])
    assert changed.sample.processes["signal"].m_H > config.sample.processes["signal"].m_H
    assert digest(changed) != digest(config)
    plain = override(m_H=800.0)
    assert "m_H: 800.0" in plain.to_yaml()
    explicit = override(two_higgs_doublet=POTENTIAL, m_H=round(signal().m_H, 1))
    assert explicit.updated([]) == explicit


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tan_beta": None}, "give either tan_beta, or both m11_squared and m22_squared"),
        ({"m11_squared": 1e5}, "give either tan_beta"),
        ({"tan_beta": None, "m11_squared": 9e5, "m22_squared": -1e4}, "v = .* instead of 246.22; multiply m11_squared"),
        ({"lambda_1": -1.0}, "not bounded from below"),
        ({"m12_squared": -1e4}, "no minimum of the potential"),
        ({"lambda_3": 26.0, "m12_squared": 3e5}, "tree-level unitarity is broken"),
        ({"m12_squared": 1e7}, "m_H = .* not above 5000"),
        ({"m12_squared": float("nan")}, "finite number"),
        ({"convention": "other"}, "'standard' or 'talk'"),
        ({"yukawa": "III"}, "'I', 'II', 'X' or 'Y'"),
    ],
)
def test_wrong_potentials_are_refused_with_a_sentence(changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        signal(**changes)


def test_light_uncoupled_and_broad_resonances_are_refused():
    quartics = dict(zip((f"lambda_{n}" for n in range(1, 8)), (1.0, 0.26, 0.3, 0.1, 0.1, 0, 0), strict=True))
    with pytest.raises(ConfigError, match="m_H must lie above 2 m_h and 251"):
        signal(**quartics, m12_squared=1e4, tan_beta=3.0)
    with pytest.raises(ConfigError, match="does not couple to hh"):
        signal(**{**quartics, "lambda_2": 1.0, "lambda_3": 0.8}, m12_squared=4e5, tan_beta=2.0)
    with pytest.raises(ConfigError, match=r"of its mass wide, more than 0\.2"):
        signal(**quartics, m12_squared=1e6 * 0.0999, tan_beta=0.1)


@pytest.mark.parametrize(("name", "value"), [("m_H", 800.0), ("relative_width", 0.05)])
def test_an_explicit_value_may_not_contradict(name, value):
    with pytest.raises(ConfigError, match=f"{name} = {value:g} contradicts two_higgs_doublet, which gives .* leave"):
        override(two_higgs_doublet=POTENTIAL, **{name: value})


def test_the_example_of_the_documentation():
    """docs/two_higgs_doublet.md: the YAML block gives the masses that the page states."""
    page = (Path(__file__).parents[2] / "docs" / "two_higgs_doublet.md").read_text()
    block = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])["signal"]
    process = override(**{name: value for name, value in block.items() if name != "kind"}).sample.processes["signal"]
    assert process.m_H == pytest.approx(1_000.0, rel=1e-5)
    assert process.two_higgs_doublet.model().masses.h == pytest.approx(125.11, rel=1e-5)
    assert process.relative_width * process.m_H == pytest.approx(1.17, abs=0.005)
