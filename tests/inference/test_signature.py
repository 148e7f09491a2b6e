"""What a network says about a sample, and how arrays of another length become its inputs."""

import json

import numpy as np
import pytest

from mscat_tf.config import DataSettings
from mscat_tf.data import Sample
from mscat_tf.data.mock import write_mock_sample
from mscat_tf.errors import InputError
from mscat_tf.inference.edge_inputs import HUGE, edge_inputs
from mscat_tf.inference.signature import Signature
from tests.inference.conftest import signature, tensor


@pytest.fixture(scope="module")
def sample(mock_folder):
    with Sample(mock_folder) as opened:
        yield opened


def test_columns_and_units_are_those_of_the_schema():
    fields = {field.name: field for field in signature().fields}
    assert dict(zip(fields["kinematics"].columns, fields["kinematics"].units, strict=True)) == {
        "m": "GeV", "eta": "1", "phi": "rad", "pt": "GeV", "energy": "GeV", "theta": "rad"
    }  # fmt: skip
    assert (fields["mask_2"].dtype, fields["mask_2"].shape, fields["mask_2"].columns) == ("bool", (8,), ())


def test_survives_json():
    assert Signature.from_json(json.loads(json.dumps(signature().to_json()))) == signature()


def test_longer_jets_are_cut_and_shorter_ones_padded(sample):
    arrays = sample.read(sample.blocks[0], ("constituents", "constituents_mask", "kinematics"))
    full = signature(8).inputs(arrays)
    cut, padded = signature(5).inputs(arrays), signature(11).inputs(arrays)
    np.testing.assert_array_equal(cut["constituents_2"], full["constituents_2"][:, :5])
    np.testing.assert_array_equal(padded["constituents_2"][:, :8], full["constituents_2"])
    assert not padded["mask_2"][:, 8:].any()
    assert not padded["constituents_2"][:, 8:].any()
    assert padded["mask_2"].sum() == full["mask_2"].sum() > cut["mask_2"].sum()


def test_a_network_that_reads_any_number_of_constituents_gets_them_all(sample):
    """With `train.length_buckets` above 1."""
    arrays = sample.read(sample.blocks[0], ("constituents", "constituents_mask", "kinematics"))
    read, full = signature(None), signature(8).inputs(arrays)
    assert read.check(sample) == ()
    assert read.token_settings == ()
    assert Signature.from_json(json.loads(json.dumps(read.to_json()))) == read
    for name, values in read.checked(read.inputs(arrays)).items():
        np.testing.assert_array_equal(values, full[name])
    with pytest.raises(InputError, match=r"'mask_1' has shape \(100, 8, 1\), the network reads \(100, None\)"):
        read.checked({**full, "mask_1": full["mask_1"][..., None]})
    for inputs in edge_inputs(read).values():
        read.checked(inputs)


def test_padding_of_a_tree_has_no_parent(tmp_path):
    with Sample(write_mock_sample(tmp_path, events=30, shards=1, declusterings=4)) as opened:
        names = [tensor("lund_1", 6, 3), tensor("lund_parent_1", 6, dtype="int32"), tensor("kinematics", 3, 6)]
        read = Signature.of(names, signature().data)
        found = read.inputs(opened.read(opened.blocks[0], read.data_sets))
        np.testing.assert_array_equal(found["lund_parent_1"][:, 4:], -1)
        np.testing.assert_array_equal(found["lund_parent_1"][:, :4], opened.column("lund/parent")[:, 0])


def test_what_is_made_to_fit_is_said(sample):
    assert signature(8).check(sample) == ()
    assert signature(5).check(sample) == ("8 constituents a jet, the network reads 5: the first 5 are kept",)
    assert signature(jets=1).check(sample) == ("2 jets in every event: the network reads the leading 1 alone",)
    assert len(notes := signature(50).check(sample)) == 1
    assert "trained with up to 50" in notes[0]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (signature(jets=3), "2 jets in every event, but the network reads 3"),
        (signature(tokens=5), "3 kinematic tokens in every event, but the network reads 5"),
        (Signature.of([tensor("event_shapes", 2)], signature().data), r"no data set 'event_shapes'.*event_shapes=true"),
        (
            Signature.of([tensor("subjets_2", 4, 6)], signature().data),
            r"no data set 'subjets/subjets'.*`mscat prepare`",
        ),
        (Signature.of([tensor("lund_mask_2", 9)], signature().data), r"no data set 'lund/mask'.*declusterings=50"),
    ],
)
def test_a_sample_that_cannot_be_read_is_one_sentence(sample, other, message):
    with pytest.raises(InputError, match=message):
        other.check(sample)


def test_edges_are_what_they_are_called():
    cases = edge_inputs(signature())
    assert {len(case["kinematics"]) for case in cases.values()} == {64, 7, 1}
    assert not cases["only padding"]["mask_1"].any()
    np.testing.assert_array_equal(cases["one constituent"]["mask_2"].sum(axis=1), 1)
    assert cases["no padding"]["mask_1"].all()
    assert np.median(cases["huge momenta"]["kinematics"][..., 3]) > HUGE
    cloud, mask = (cases["64 random events"][name] for name in ("constituents_1", "mask_1"))
    assert not cloud[~mask].any()
    np.testing.assert_allclose(cloud[mask][:, 3], np.log(cloud[mask][:, 2]), rtol=1e-5)
    assert all(case[f.name].dtype == f.dtype for case in cases.values() for f in signature().fields)


def test_edges_of_trees_and_event_shapes():
    names = [tensor("lund_1", 6, 3), tensor("lund_mask_1", 6, dtype="bool"), tensor("lund_parent_1", 6, dtype="int32")]
    data = signature().data.model_copy(update={"event_shapes": ("sphericity", "missing_pt")})
    case = edge_inputs(Signature.of([*names, tensor("event_shapes", 2)], data))["64 random events"]
    parent, mask = case["lund_parent_1"], case["lund_mask_1"]
    assert (parent[~mask] == -1).all()
    assert (parent < np.arange(6)).all()
    assert case["event_shapes"].shape == (64, 2)


def test_mass_hypothesis_is_put_into_every_token(sample):
    told = DataSettings(kinematic_features=("pt", "m_H"))
    read = Signature.of([tensor("kinematics", 3, 2)], told)
    assert read.fields[0].units == ("GeV", "GeV")
    arrays = sample.read(sample.blocks[0], ("kinematics",))
    for refuse in (lambda: read.check(sample), lambda: read.inputs(arrays)):
        with pytest.raises(InputError, match=r"mass hypothesis m_H; say which .* --mass-hypothesis 1000"):
            refuse()
    found = read.at_mass(1500.0).inputs(arrays)["kinematics"]
    np.testing.assert_array_equal(found[..., 1], 1500.0)
    np.testing.assert_array_equal(found[..., 0], arrays["kinematics"][..., 3])
    assert read.at_mass(1500.0).check(sample) == ()
    with pytest.raises(InputError, match="does not read the mass hypothesis"):
        signature().at_mass(1500.0)
