"""`mscat explain RUN --cka`: which layers, which events, files, resumption, faults of the user."""

from pathlib import Path

import keras
import numpy as np
import pytest

from mscat_tf.cli.cka import align
from mscat_tf.config import load_config
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.errors import ConfigError, InputError
from mscat_tf.files import write_json
from mscat_tf.interpretation import cka_run
from mscat_tf.interpretation.cka_file import comparisons
from mscat_tf.interpretation.cka_run import CkaSettings, batches_of, cka
from mscat_tf.interpretation.layer_outputs import LayerOutputs, rows_of_events
from mscat_tf.models import registry
from mscat_tf.models.inputs import InputSpecification
from mscat_tf.run_folder import Run
from mscat_tf.run_start import start_run
from tests.interpretation.test_attention_maps import network
from tests.models.mock_inputs import SIZES, mock_inputs, moved_weights, tiny

MSCAT = (
    *("constituents_embedding", "constituents_1_block_1", "constituents_2_block_1"),
    *("kinematics_embedding", "kinematics_block_1", "cross_block_1", "event", "head_1", "logit"),
)
FEW = CkaSettings(events=20, batch_size=10, layers=("kinematics_embedding", "kinematics_block_1", "event", "logit"))
JETS_SHAPE = (7, 2, SIZES.constituents, 12)


def test_layers_of_mscat_and_what_they_say():
    model = network("mscat", jets_at_once=True)
    outputs, inputs = LayerOutputs(model), mock_inputs(7, least=0)
    assert outputs.names == MSCAT
    found = dict(zip(outputs.names, outputs(inputs), strict=True))
    for jet in (1, 2):
        name = f"constituents_{jet}_block_1"
        tokens = keras.Model(model.inputs, model.get_layer(name).output)(inputs).numpy()
        wanted = np.where(inputs[f"mask_{jet}"][..., None], tokens, 0)
        assert (np.abs(tokens - wanted) > 0.01).any()  # a network writes something where padding stands
        np.testing.assert_allclose(found[name], wanted.reshape(7, -1), atol=1e-5)
    logit = keras.Model(model.inputs, model.get_layer("logit").output)(inputs)
    np.testing.assert_allclose(found["logit"], logit, atol=1e-5)
    assert found["event"].shape == (7, 36)
    both = found["constituents_embedding"].reshape(JETS_SHAPE)
    assert (both != 0).any(axis=(0, 2, 3)).all()


def test_a_layer_that_serves_all_jets_counts_once():
    outputs, inputs = LayerOutputs(network("particle_transformer")), mock_inputs(7, least=0)
    assert outputs.names.count("particle_block_1") == 1
    assert "pair_interactions" not in outputs.names
    assert not any("norm" in name for name in outputs.names)
    padding = ~np.stack([inputs["mask_1"], inputs["mask_2"]], axis=1)
    found = dict(zip(outputs.names, outputs(inputs), strict=True))
    for name in ("constituent_embedding_1", "particle_block_1"):
        zero = (found[name].reshape(*padding.shape, -1) == 0).all(axis=-1)
        assert (zero[:, ::-1] == padding).all() or (zero == padding).all()  # whichever jet comes first


def test_rows_of_events():
    values = np.arange(2 * 3 * 2 * 2.0).reshape(6, 2, 2) + 1  # two jets one behind the other, two tokens, two features
    mask = np.array([[True, True], [True, False], [False, False]] * 2)
    flat = rows_of_events(values, mask, 3)
    assert flat.tolist() == [
        [1, 2, 3, 4, 13, 14, 15, 16],
        [5, 6, 0, 0, 17, 18, 0, 0],
        [0] * 8,
    ]
    assert rows_of_events(values, mask, 3, "mean").tolist() == [[2, 3, 14, 15], [5, 6, 17, 18], [0] * 4]
    assert rows_of_events(values, mask, 3, "feature_mean")[:2].tolist() == [[1.5, 3.5, 13.5, 15.5], [5.5, 0, 17.5, 0]]
    assert rows_of_events(values[:, 0], None, 3).shape == (3, 4)
    image = np.ones((3, 4, 5, 2))
    assert rows_of_events(image, None, 3).shape == (3, 40)
    assert rows_of_events(image, None, 3, "mean").shape == (3, 2)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    return [write_mock_sample(folder / name, events=400, shards=3, seed=seed) for seed, name in enumerate("ab")]


def untrained(folder, sample, seed, name="kinematics_only"):
    """A finished run of a network that was never trained."""
    config = load_config("smoke", [f"data.path={sample}", f"seed={seed}"])
    config = config.model_copy(update={"model": tiny(name)})
    keras.utils.set_random_seed(seed)
    run = start_run(config, folder, "0" * 16)
    moved_weights(registry.build(config.model, InputSpecification(constituents=8))).save(run.path / "model.keras")
    write_json(run.path / "training.json", {})
    return run


@pytest.fixture(scope="module")
def runs(samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [untrained(folder / str(seed), samples[0], seed) for seed in (1, 2)]


def draw_nothing(patch):
    patch.setattr(cka_run, "save_figure", lambda *_: [])
    patch.setattr(cka_run, "draw_cka", lambda *_: None)


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    """They are drawn in a test without TensorFlow."""
    draw_nothing(monkeypatch)


@pytest.fixture(scope="module")
def compared(runs):
    """A run with itself, and with another seed."""
    with pytest.MonkeyPatch.context() as patch:
        draw_nothing(patch)
        return cka(runs[0], settings=FEW), cka(*runs, FEW)


def test_one_network_is_itself_and_two_seeds_are_not(runs, compared):
    itself, other = compared
    assert itself["runs"][0]["layers"] == list(FEW.layers)
    for kernel in ("linear", "rbf"):
        own, seeds = np.array(itself[kernel]["value"]), np.array(other[kernel]["value"])
        np.testing.assert_allclose(np.diagonal(own), 1)
        np.testing.assert_allclose(own, own.T)
        assert (np.diagonal(seeds) < 0.999).all()
    assert other["events"] == other["batches"] * other["batch_size"] == 60
    assert [run["seed"] for run in other["runs"]] == [1, 2]
    assert {run["weights"] for run in itself["runs"]} < {run["weights"] for run in other["runs"]}
    assert [one["runs"][1]["name"] for one in comparisons(runs[0].path)] == ["1", "2"]


def test_the_same_bytes_after_an_interruption_and_none_of_it_twice(runs, compared, monkeypatch):
    first, second = runs
    monkeypatch.setattr(cka_run, "SAVED_EVERY", 1)
    file = Path(compared[1]["file"])
    straight = file.read_bytes()
    file.unlink()

    def killed(done, _):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cka(first, second, FEW, killed)
    shown = []
    cka(first, second, FEW, lambda done, _: shown.append(done))
    assert shown == [4, 5, 6]
    assert file.read_bytes() == straight
    cka(first, second, FEW, lambda *_: pytest.fail("done already"))
    assert not (first.path / "cka" / ".explaining").exists()


def test_batches_mix_the_processes(runs):
    """Those of one process alone would say nothing of what tells processes apart."""
    run = runs[0]
    rows = [rows for _, rows in cka_run._batches(run, 1, 20, 0)]
    assert all(len(np.unique(run.table.process[own])) == 3 for own in rows[:-1])
    together = np.concatenate(rows)
    assert sorted(together[together >= 0]) == run.table.rows("test").tolist()


@pytest.mark.parametrize(
    ("events", "most", "size", "wanted"), [(2476, 9999, 250, (247, 10)), (100, 60, 10, (10, 6)), (7, 9, 250, (7, 1))]
)
def test_batches_of_one_size_leave_next_to_nothing_over(events, most, size, wanted):
    assert batches_of(events, most, size) == wanted


@pytest.mark.parametrize(("events", "size"), [(100, 3), (3, 250), (0, 250)])
def test_too_small_batches(events, size):
    with pytest.raises(InputError, match=r"unbiased HSIC needs 4; set explain.batch_size"):
        batches_of(events, 1000, size)


def test_layers_that_are_not_there(runs):
    with pytest.raises(ConfigError, match="'kinematics_only': unknown layer 'kinematics_block_7'; did you mean 'kin"):
        cka(runs[0], settings=CkaSettings(layers=("event", "kinematics_block_7")))
    with pytest.raises(ConfigError, match="--tokens sum: choose from flatten, mean, feature_mean"):
        cka(runs[0], settings=CkaSettings(tokens="sum"))
    with pytest.raises(ConfigError, match="a second run and --layer go with --cka"):
        align(runs[0], runs[0].config, runs[1].path, (), "flatten", asked=False)


def test_runs_that_cannot_be_compared(runs, samples, tmp_path):
    other = untrained(tmp_path / "other", samples[1], 1)
    with pytest.raises(InputError, match="other events; compare runs of one sample"):
        cka(runs[0], other)
    config = runs[0].config.model_dump(mode="json")
    config["data"]["validation_fraction"] = 0.3
    write_json(other.path / "config.yaml", config)
    with pytest.raises(InputError, match="have different test events"):
        cka(runs[0], Run(other.path))
    (other.path / "training.json").unlink()
    with pytest.raises(InputError, match="not finished"):
        cka(runs[0], Run(other.path))
