"""Configuration: strict keys, values and overrides, each error one sentence that says how to mend it."""

import pytest
import yaml

from mscat_tf.config import digest, load_config, shipped_configurations
from mscat_tf.errors import ConfigError


@pytest.mark.parametrize("name", shipped_configurations())
def test_shipped_configurations_are_valid_and_survive_yaml(name, tmp_path):
    config = load_config(name)
    (tmp_path / "again.yaml").write_text(config.to_yaml())
    assert load_config(tmp_path / "again.yaml") == config


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("train.epoks=3", "unknown key 'epoks'; did you mean 'epochs'"),
        ("sample.processes.signal.mH=3", "unknown key 'mH'; did you mean 'm_H'"),
        ("sample.selection.mass_min=300", "no jet can pass; lower mass_min"),
        ("sample.selection.subleading_pt_min=500", "leading cut would do nothing"),
        ("sample.fat_jets.pt_min=300", "jets would be lost before the cut"),
        ("seed=abc", "valid integer"),
        ("train.epochs=0", "train.epochs.*greater than 0.*found 0"),
        ("data.kinematic_features=[m,zz]", "zz.*choose from m, eta"),
        ("data.train_fraction=0.9", "leave nothing for the test split"),
        ("sample.events=1", "leaves none for process"),
        ("sample.processes.other.kind=foo", "does not match any of the expected tags"),
        ("train.epochs", "not of the form section.key=value"),
        ("train.epochs.more=1", "is a value, not a section"),
        ("name=a/b", "name: String should match pattern"),
        ("sample.fat_jets.number=0", "number: Input should be greater than or equal to 1"),
        ("sample.fat_jets.number=9", "number: Input should be less than or equal to 8"),
        ("sample.b_tagging={tags_per_jet: 0, random: true}", "nothing to throw dice for with tags_per_jet = 0"),
        ("sample.leptons.number=-1", "number: Input should be greater than or equal to 0"),
        ("sample.leptons.pt=20", "unknown key 'pt'; did you mean 'pt_min'"),
    ],
)
def test_wrong_values_are_refused_with_a_sentence(override, sentence):
    with pytest.raises(ConfigError, match=sentence):
        load_config("demo", [override])


@pytest.mark.parametrize("cut", ["x_hh_max", "abs_delta_eta_max"])
def test_a_cut_on_two_jets_is_refused_for_other_numbers(cut):
    with pytest.raises(ConfigError, match=f"{cut} is a cut on two fat jets, but fat_jets.number = 3; leave it out"):
        load_config("three_jets_and_lepton", [f"sample.selection.{cut}=1.6"])


def test_unknown_names_and_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'demo'"):
        load_config("dmo")
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1\nb: 2")
    with pytest.raises(ConfigError, match="not valid YAML at line"):
        load_config(tmp_path / "bad.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(ConfigError, match="not a mapping"):
        load_config(tmp_path / "list.yaml")


def test_settings_that_are_none_can_be_replaced_and_unknown_ones_cannot():
    config = load_config("smoke")
    changed = config.replaced({"data.high_level_features": ["tau_1"], "data.preparation.subjets.number": 3}, "here")
    assert changed.data.high_level_features == ("tau_1",)
    assert changed.data.preparation.subjets.number == 3
    with pytest.raises(ConfigError, match="here: model: unknown key 'mixr'; did you mean 'mixer'"):
        config.replaced({"model.mixr.width": 3}, "here")


def test_digest_ignores_the_order_of_keys_and_sees_every_value():
    config = load_config("demo")
    values = yaml.safe_load(config.to_yaml())
    turned = dict(reversed(values.items()))
    assert digest(turned) == digest(config)
    assert digest(config.updated(["sample.b_tagging.c_mistag=0.2"])) != digest(config)


def test_shares_of_processes():
    """Half signal, the rest shared equally (DESIGN 3)."""
    assert load_config("demo").sample.events_per_process() == {"signal": 6000, "4b": 3000, "ttbar": 3000}


def test_a_k_factor_needs_a_source():
    key = "sample.processes.ttbar.k_factor"
    with pytest.raises(ConfigError, match=r"k_factor = 1\.6 has no source; cite one"):
        load_config("demo", [f"{key}=1.6"])
    config = load_config("demo", [f"{key}_source=arXiv:1112.5675", f"{key}=1.6"])
    assert config.sample.processes["ttbar"].k_factor == 1.6


def write(folder, **files):
    """YAML files of these names."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_a_base_gives_what_the_file_does_not(tmp_path):
    """Sections are merged key by key, lists replaced; a base may have one of its own, by a path from the file."""
    write(
        tmp_path,
        one="base: demo\nname: one\nmodel: {width: 8, head_units: [3, 2]}\ntrain: {epochs: 2}",
        two="base: one.yaml\nname: two\nmodel: {head_units: [5]}",
    )
    demo, two = load_config("demo"), load_config(tmp_path / "two.yaml")
    assert (two.name, two.model.width, two.model.head_units, two.train.epochs) == ("two", 8, (5,), 2)
    assert two == demo.updated(["name=two", "model.width=8", "model.head_units=[5]", "train.epochs=2"])
    assert load_config(tmp_path / "two.yaml", ["model.width=9"]).model.width == 9


def test_a_section_of_another_kind_replaces_that_of_the_base(tmp_path):
    write(tmp_path, fast="base: demo\nname: fast\nsample: {processes: {4b: {kind: collinear_4b}}}")
    processes = load_config(tmp_path / "fast.yaml").sample.processes
    assert processes["4b"].kind == "collinear_4b"
    assert processes["ttbar"] == load_config("demo").sample.processes["ttbar"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("base: dmo", r"new\.yaml: base: dmo: neither .* did you mean 'demo'"),
        ("base: gone.yaml", r"new\.yaml: base: .*gone\.yaml: cannot be read"),
        ("base: new.yaml", r"new\.yaml: base: .* goes in a circle"),
        ("base: [demo]", r"must be one name or path, not \['demo'\]; write for example base: demo"),
        ("base: demo\nmodel: {widht: 3}", r"new\.yaml: model: unknown key 'widht'; did you mean 'width'"),
    ],
)
def test_an_impossible_base_is_refused_with_a_sentence(text, sentence, tmp_path):
    write(tmp_path, new=text)
    with pytest.raises(ConfigError, match=sentence):
        load_config(tmp_path / "new.yaml")


def test_ablations_ship_and_the_nearest_is_named():
    assert load_config("ablations/pooling_mean").model.pooling == "mean"
    with pytest.raises(ConfigError, match="did you mean 'ablations/pooling_mean'"):
        load_config("ablations/poolingmean")


def test_what_decides_no_training_changes_no_digest():
    config = load_config("networks")
    for setting in ("model.particle_net.neighbours=5", "model.lund_net.fusion_units=7", "train.strategy=one_device"):
        assert config.updated([setting]).decisive_digest == config.decisive_digest
    for name, setting in (
        ("particle_net", "model.particle_net.neighbours=5"),
        ("deep_sets_energy_flow", "model.deep_sets.f_units=[7]"),
        ("mscat", "train.epochs=4"),
    ):
        net = config.updated([f"model.name={name}"])
        assert net.updated([setting]).decisive_digest != net.decisive_digest


@pytest.mark.parametrize(
    "value", ["[" * 20_000, "9" * 10_000, "2026-99-99", "!!python/object/apply:os.getcwd []", "# " * 2**20]
)
def test_hostile_yaml_is_a_sentence(value, tmp_path):
    (tmp_path / "a.yaml").write_text(f"base: smoke\nname: {value}")
    with pytest.raises(ConfigError, match=r"a\.yaml: not valid YAML"):
        load_config(tmp_path / "a.yaml")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_config("smoke", [f"name={value}"])


@pytest.mark.parametrize(
    "override",
    [
        "train.learning_rate=.inf",
        "model.width=1000000000",
        "model.mixer.width=1000000000",
        "model.particle_transformer.particle_blocks=1000000000",
        "sample.tokens.constituents=1000000000",
        "sample.events=1000000000000000000000000000000",
        "train.batch_size=1000000000000",
    ],
)
def test_absurd_numbers_are_refused(override):
    with pytest.raises(ConfigError, match=override.partition("=")[0].rpartition(".")[2]):
        load_config("smoke", [override])
