"""`ScoreEvents` on plain awkward arrays: what it gives, what does not change it, and how it travels to workers."""

import ast
import pickle
import subprocess
import sys

import awkward as ak
import cloudpickle
import numpy as np
import pytest
import vector

from mscat_tf.analysis import Columns, ScoreEvents, score_events
from mscat_tf.analysis.worker_network import WorkerNetwork
from mscat_tf.config import DataSettings
from mscat_tf.errors import ConfigError, InputError, MissingExtraError
from mscat_tf.inference.scorer import EnsembleScorer, NetworkScorer, TreesScorer, score_of
from mscat_tf.inference.signature import Signature
from mscat_tf.physics import add_four_vectors
from tests.analysis.toys import toy_jets
from tests.inference.conftest import numpy_forward, signature, tensor

COUNTS = (2, 0, 3, 1, 2, 4, 2)
SCORED = [count > 1 for count in COUNTS]


@pytest.fixture
def jets():
    return toy_jets(COUNTS, np.random.default_rng(8))


@pytest.fixture
def score(onnx_file):
    return ScoreEvents(onnx_file)


def test_events_with_fewer_than_two_jets_have_no_score(score, jets):
    found = score(jets)
    assert ak.to_list(~ak.is_none(found)) == SCORED
    assert str(found.type) == "7 * ?float32"
    alone = [score(jets[index : index + 1])[0] for index in range(len(jets))]
    assert ak.to_list(found) == pytest.approx(alone, abs=1e-6)


def test_momenta_are_those_of_a_plain_sum(score, jets):
    """Jets by decreasing transverse momentum, and the sum of the first two: one event after the other."""
    inputs = score.inputs(jets)
    assert inputs["event"].tolist() == np.flatnonzero(SCORED).tolist()
    for tokens, event in zip(inputs["kinematics"], inputs["event"], strict=True):
        columns = [[np.array([c[name] for c in jet["constituents"]]) for name in ("pt", "eta", "phi", "mass")]
                   for jet in ak.to_list(jets[event])]  # fmt: skip
        order = sorted(columns, key=lambda jet: -add_four_vectors(*jet).pt)[:2]
        both = [np.concatenate(values) for values in zip(*order, strict=True)]
        for token, members in zip(tokens, [*order, both], strict=True):
            expected = add_four_vectors(*members)
            np.testing.assert_allclose(token[[3, 1, 2, 0]], expected, rtol=2e-5, atol=1e-5)


def test_order_pieces_and_what_is_missing_change_nothing(score, jets, monkeypatch):
    expected = ak.to_list(score(jets))
    turned = ak.zip({"constituents": jets.constituents[:, ::-1, ::-1]}, depth_limit=2)
    assert ak.to_list(score(turned)) == pytest.approx(expected, abs=1e-6)
    for nothing in ({"constituents": []}, None):
        more = ak.concatenate([ak.Array([[nothing]] * 7), jets], axis=1)
        assert ak.to_list(score(more)) == pytest.approx(expected, abs=1e-6)
    without = ak.to_list(score(ak.mask(jets, np.arange(7) != 2)))
    assert without == pytest.approx([*expected[:2], None, *expected[3:]], abs=1e-6)
    monkeypatch.setattr(score_events, "EVENTS_AT_ONCE", 2)
    assert ak.to_list(score(jets)) == pytest.approx(expected, abs=1e-6)
    assert len(score(jets[:0])) == 0
    assert ak.to_list(score(jets[1:2])) == [None]


def test_columns_of_any_name_and_momenta_of_any_coordinates(onnx_file, score, jets):
    expected = pytest.approx(ak.to_list(score(jets)), abs=1e-5)
    named = toy_jets(COUNTS, np.random.default_rng(8), ("PT", "Eta", "Phi", "M"))
    named = ak.zip({"parts": named.constituents}, depth_limit=2)
    columns = Columns(constituents="parts", pt="PT", eta="Eta", phi="Phi", mass="M")
    assert ak.to_list(ScoreEvents(onnx_file, columns)(named)) == expected
    vector.register_awkward()
    polar = ak.with_name(jets.constituents, "Momentum4D")
    cartesian = ak.zip({name: getattr(polar, name) for name in ("px", "py", "pz", "E")}, with_name="Momentum4D")
    assert ak.to_list(score(ak.zip({"constituents": cartesian}, depth_limit=2))) == expected
    massless = ScoreEvents(onnx_file, Columns(mass=None)).inputs(jets)["kinematics"]
    assert (massless[:, 0, 0] < score.inputs(jets)["kinematics"][:, 0, 0]).all()


def test_own_momenta_of_the_jets_where_asked(onnx_file, jets):
    own = {"pt": [[9.0, 8.0, 10.0]], "eta": [[0.1, 0.2, 0.3]], "phi": [[1.0, 2.0, -3.0]], "mass": [[1.0, 2.0, 3.0]]}
    calibrated = ak.zip({**own, "constituents": jets.constituents[2:3]}, depth_limit=2)
    tokens = ScoreEvents(onnx_file, momenta="jets").inputs(calibrated)["kinematics"]
    np.testing.assert_allclose(tokens[0, :2, :4], [[3.0, 0.3, -3.0, 10.0], [1.0, 0.1, 1.0, 9.0]], rtol=1e-6)
    with pytest.raises(ConfigError, match="momenta 'calo': unknown; choose from constituents, jets"):
        ScoreEvents(onnx_file, momenta="calo")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda jets: [[1.0]], "jets are a builtins.list, but an awkward array is wanted"),
        (lambda jets: jets.constituents, r"jets have no column 'constituents' \(they have pt, eta, phi, mass\)"),
        (lambda jets: ak.zip({"constituents": jets.constituents.pt[..., 0]}), "'constituents' of jets has 2 axes"),
        (
            lambda jets: ak.zip({"constituents": jets.constituents[["pt", "eta", "phi"]]}, depth_limit=2),
            r"constituents have no column 'mass' .*say in Columns",
        ),
        (
            lambda jets: ak.with_field(jets, ak.with_field(jets.constituents, np.nan, "pt"), "constituents"),
            "holds NaN or infinity",
        ),
    ],
)
def test_arrays_that_cannot_be_read_are_one_sentence(score, jets, spoil, message):
    with pytest.raises(InputError, match=message):
        score(spoil(jets[[0, 2]]))


def test_networks_of_other_inputs(score, jets, monkeypatch):
    def use(scorer):
        monkeypatch.setattr(WorkerNetwork, "scorer", lambda _: scorer)

    expected = numpy_forward(signature().inputs(score.inputs(jets)))
    other = NetworkScorer(signature(), lambda inputs: numpy_forward(inputs) + 1.0, 64)
    use(EnsembleScorer([NetworkScorer(signature(), numpy_forward, 64), other]))
    mean = (score_of(expected) + score_of(expected + 1.0)) / 2.0
    np.testing.assert_allclose(ak.drop_none(score(jets)), mean, rtol=1e-5)

    shapes = Signature.of(
        [tensor("event_shapes", 6), tensor("kinematics", 3, 6)], DataSettings(event_shapes=("sphericity",))
    )
    use(NetworkScorer(shapes, lambda inputs: inputs["event_shapes"][:, 0], 64))
    with pytest.raises(InputError, match="the network reads event_shapes besides jets; give them by name"):
        score(jets)
    with pytest.raises(InputError, match="'event_shapes' has 3 rows, but there are 7 events"):
        score(jets, {"event_shapes": np.zeros((3, 6))})

    use(NetworkScorer(signature(tokens=4), numpy_forward, 64))
    with pytest.raises(InputError, match="4 kinematic tokens of 2 jets, so leptons or missing momentum"):
        score(jets)
    use(TreesScorer.__new__(TreesScorer))
    with pytest.raises(InputError, match="boosted trees are not applied to arrays of jets"):
        score(jets)


def test_run_folder_is_loaded_by_keras(run, jets):
    """Against the network itself, called without compilation."""
    score = ScoreEvents(run)
    assert score.network == ScoreEvents(run.path).network
    assert len(cloudpickle.dumps(score)) < 1000
    inputs = signature().inputs(score.inputs(jets))
    expected = np.asarray(run.model([inputs[tensor.name] for tensor in run.model.inputs]))[:, 0]
    np.testing.assert_allclose(ak.drop_none(score(jets)), expected, rtol=0, atol=1e-6)


ELSEWHERE = """
import pickle, sys
import numpy as np
from tests.analysis.toys import toy_jets
from mscat_tf.analysis import worker_network
score = pickle.loads(bytes.fromhex(sys.stdin.read()))
assert not worker_network._LOADED
print(score(toy_jets({counts}, np.random.default_rng(8))).to_list())
assert len(worker_network._LOADED) == 1
assert "tensorflow" not in sys.modules
"""


def test_another_process_gets_path_and_digest_and_gives_the_same(score, jets):
    expected = score(jets)  # it is loaded here, and must not travel all the same
    sent = cloudpickle.dumps(score)
    assert len(sent) < 1000
    assert score.network.digest.encode() in sent
    program = [sys.executable, "-c", ELSEWHERE.format(counts=COUNTS)]
    found = subprocess.run(program, input=sent.hex(), capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert ast.literal_eval(found.stdout) == pytest.approx(ak.to_list(expected), abs=1e-6)


def test_copies_share_one_network_and_other_weights_are_refused(onnx_file, jets, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_file.read_bytes())
    score = ScoreEvents(path)
    first, second = (pickle.loads(pickle.dumps(score)) for _ in range(2))
    assert first.network.scorer() is second.network.scorer()
    fresh = ScoreEvents(path, batch_size=7)
    assert ak.to_list(fresh(jets)) == pytest.approx(ak.to_list(score(jets)), abs=1e-6)
    changed = ScoreEvents(path, batch_size=8)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(InputError, match=r"model\.onnx: holds other weights than when the analysis was set up"):
        changed(jets)
    path.unlink()
    with pytest.raises(InputError, match=r"model\.onnx: no such file"):
        ScoreEvents(path)
    with pytest.raises(InputError, match="no run here"):
        ScoreEvents(tmp_path / "none")


def test_without_awkward_the_extra_is_named(score, monkeypatch):
    monkeypatch.setitem(sys.modules, "awkward", None)
    with pytest.raises(MissingExtraError, match=r"awkward is not installed.*'mscat-tf\[analysis\]'"):
        score([])
