"""The two shipped configurations of other processes: their sizes follow from the YAML alone."""

import numpy as np
import pytest
import vector

from data_prep.shard import ShardJob, make_shard
from mscat_tf import schema
from mscat_tf.config import load_config
from mscat_tf.evaluation.run import evaluate
from mscat_tf.training.run import train

EVENTS = 20
QUICK = [f"sample.events={2 * EVENTS}", f"sample.shard_events={EVENTS}"]


@pytest.fixture(scope="module", params=["three_jets_and_lepton", "jet_and_event_shapes"])
def sample(request, tmp_path_factory):
    """Name of a configuration, and a folder with one small shard of each of its processes."""
    folder = tmp_path_factory.mktemp(request.param)
    settings = load_config(request.param, QUICK).sample
    for process in settings.processes:
        schema.write_sample(folder / f"{process}.h5", *make_shard(settings, ShardJob(process, 0, EVENTS)))
    return request.param, folder


def read(folder, process):
    """Header and arrays of one shard."""
    path = folder / f"{process}.h5"
    with schema.open_sample(path) as file:
        names = [name for name in schema.DATA_SETS if name in file]
        return schema.read_header(path), {name: file[name][()] for name in names}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*softmax over axis:UserWarning")
def test_they_train_without_a_line_of_code(sample, tmp_path, monkeypatch):
    """The network finds its sizes in the file: J, K, and a token of event shapes where there are any."""
    monkeypatch.setattr("mscat_tf.evaluation.run.draw_run", lambda *_: [])  # figures of scores, drawn in other tests
    name, folder = sample
    options = [f"data.path={folder}", "train.epochs=2", "train.batch_size=8", "train.tensorboard=false"]
    run = train(load_config(name, options), tmp_path / "run")
    jets, tokens, shapes = {"three_jets_and_lepton": (3, 6, False), "jet_and_event_shapes": (1, 1, True)}[name]
    inputs = {tensor.name: tensor.shape for tensor in run.model.inputs}
    assert sum(part.startswith("constituents_") for part in inputs) == jets
    assert inputs["kinematics"][1:] == (tokens, 6)
    assert ("event_shapes" in inputs) == shapes
    metrics = evaluate(run)
    assert np.isfinite(metrics["all backgrounds"]["auc"]["value"])
    assert run.training["epochs_trained"] == 2


@pytest.mark.parametrize("process", ["top", "W"])
@pytest.mark.parametrize("sample", ["three_jets_and_lepton"], indirect=True)
def test_three_jets_and_a_lepton(sample, process):
    header, arrays = read(sample[1], process)
    assert (header.jets, header.tokens) == (3, 6)
    assert header.token_names == ("jet 1", "jet 2", "jet 3", "lepton 1", "missing momentum", "sum")
    assert arrays["constituents"].shape == (EVENTS, 3, 20, 4)
    assert "truth/track_jets" not in header.optional
    assert [row["cut"] for row in header.cut_flow[process]] == [
        *("generated", "a lepton", "three fat jets", "leading pT", "subleading pT", "|eta|", "mass window")
    ]
    raw = [row["raw"] for row in header.cut_flow[process]]
    assert raw == sorted(raw, reverse=True)
    assert raw[-1] == EVENTS
    assert np.all(arrays["weights"][:, 1] == 1.0)

    m, eta, phi, pt, energy, theta = np.moveaxis(arrays["kinematics"].astype(float), -1, 0)
    objects = vector.array({"pt": pt[:, :4], "eta": eta[:, :4], "phi": phi[:, :4], "mass": m[:, :4]})
    for found, component in ((pt * np.cos(phi), "px"), (pt * np.sin(phi), "py"), (pt * np.sinh(eta), "pz")):
        np.testing.assert_allclose(found[:, 5], getattr(objects, component).sum(axis=1), rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(energy[:, 5], objects.E.sum(axis=1), rtol=1e-5)
    assert np.all(np.diff(pt[:, :3], axis=1) <= 0.0)
    assert np.all(theta[:, 3:] == 0.0)
    assert np.all(pt[:, 3] > 30.0)
    assert set(m[:, 3].round(4)) <= {0.0005, 0.1057}, "electrons and muons"

    jet = np.repeat(np.arange(3 * EVENTS), arrays["multiplicity"].ravel())
    own = np.round(arrays["raw/constituents"][:, [0, 1]].astype(float), 6).tolist()
    leptons = np.round(np.stack([pt[:, 3], eta[:, 3]], axis=-1), 6).tolist()
    assert len(jet) == len(own)
    assert not any(lepton in own for lepton in leptons), "no lepton is a constituent of a jet"


@pytest.mark.parametrize("sample", ["jet_and_event_shapes"], indirect=True)
def test_one_jet_with_event_shapes(sample):
    header, arrays = read(sample[1], "higgs")
    assert (header.jets, header.tokens, header.token_names) == (1, 1, ("jet 1",))
    assert "event_shapes" in header.optional
    shapes = dict(zip(schema.EVENT_SHAPE_COLUMNS, arrays["event_shapes"].T, strict=True))
    assert arrays["event_shapes"].shape == (EVENTS, 6)
    assert np.all((shapes["transverse_thrust"] > 2.0 / np.pi) & (shapes["transverse_thrust"] < 1.0))
    assert np.all((shapes["aplanarity"] <= shapes["sphericity"] / 2.0 + 1e-12) & (shapes["sphericity"] < 1.0))
    pt = arrays["kinematics"][:, 0, 3]
    assert np.all(shapes["scalar_sum_pt"] > 1.5 * pt), "the jet recoils against something"
    assert np.all(shapes["missing_pt"] < shapes["scalar_sum_pt"])
