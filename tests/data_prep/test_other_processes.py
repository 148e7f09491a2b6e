"""The two shipped configurations of other processes: their sizes follow from the YAML alone."""

import numpy as np
import pytest
import vector

from data_prep.shard import ShardJob, make_shard
from mscat_tf import schema
from mscat_tf.config import load_config

EVENTS = 6
QUICK = [f"sample.events={2 * EVENTS}", f"sample.shard_events={EVENTS}"]


def made(name, process, folder):
    """Header, as written and read again, and arrays of one small shard."""
    settings = load_config(name, QUICK).sample
    header, arrays = make_shard(settings, ShardJob(process, 0, EVENTS))
    schema.write_sample(folder / "x.h5", header, arrays)
    return schema.read_header(folder / "x.h5"), arrays


@pytest.mark.parametrize("process", ["top", "W"])
def test_three_jets_and_a_lepton(process, tmp_path):
    header, arrays = made("three_jets_and_lepton", process, tmp_path)
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

    m, eta, phi, pt, energy, theta = np.moveaxis(arrays["kinematics"], -1, 0)
    objects = vector.array({"pt": pt[:, :4], "eta": eta[:, :4], "phi": phi[:, :4], "mass": m[:, :4]})
    for found, component in ((pt * np.cos(phi), "px"), (pt * np.sin(phi), "py"), (pt * np.sinh(eta), "pz")):
        np.testing.assert_allclose(found[:, 5], getattr(objects, component).sum(axis=1), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(energy[:, 5], objects.E.sum(axis=1), rtol=1e-9)
    assert np.all(np.diff(pt[:, :3], axis=1) <= 0.0)
    assert np.all(theta[:, 3:] == 0.0)
    assert np.all(pt[:, 3] > 30.0)
    assert set(m[:, 3].round(4)) <= {0.0005, 0.1057}, "electrons and muons"

    jet = np.repeat(np.arange(3 * EVENTS), arrays["multiplicity"].ravel())
    own = np.round(arrays["raw/constituents"][:, [0, 1]], 9).tolist()
    leptons = np.round(np.stack([pt[:, 3], eta[:, 3]], axis=-1), 9).tolist()
    assert len(jet) == len(own)
    assert not any(lepton in own for lepton in leptons), "no lepton is a constituent of a jet"


def test_one_jet_with_event_shapes(tmp_path):
    header, arrays = made("jet_and_event_shapes", "higgs", tmp_path)
    assert (header.jets, header.tokens, header.token_names) == (1, 1, ("jet 1",))
    assert "event_shapes" in header.optional
    shapes = dict(zip(schema.EVENT_SHAPE_COLUMNS, arrays["event_shapes"].T, strict=True))
    assert arrays["event_shapes"].shape == (EVENTS, 6)
    assert np.all((shapes["transverse_thrust"] > 2.0 / np.pi) & (shapes["transverse_thrust"] < 1.0))
    assert np.all((shapes["aplanarity"] <= shapes["sphericity"] / 2.0 + 1e-12) & (shapes["sphericity"] < 1.0))
    pt = arrays["kinematics"][:, 0, 3]
    assert np.all(shapes["scalar_sum_pt"] > 1.5 * pt), "the jet recoils against something"
    assert np.all(shapes["missing_pt"] < shapes["scalar_sum_pt"])
