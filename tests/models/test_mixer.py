"""What the mixer promises beyond what every network does (`test_models`)."""

import numpy as np
import pytest

from mscat_tf.config import ModelSettings
from mscat_tf.config.networks.mixer import MixerSettings
from mscat_tf.errors import ConfigError
from mscat_tf.layers import MixerBlock
from mscat_tf.models.count import parameters
from mscat_tf.models.inputs import InputSpecification
from mscat_tf.models.predictor import logit_model
from mscat_tf.models.registry import build, streams
from tests.models.mock_inputs import FAMILIES, inputs_of, mock_inputs, moved_weights, tiny

SINGLE = InputSpecification(jets=1, constituents=100, tokens=1, subjets=10)
SMALL = InputSpecification(jets=1, constituents=6, tokens=1, subjets=4)
FORMS = {"subjets read": {}, "no subjets": {"subjets": False}, "side by side": {"joining": "concatenate"}}


def mixer(sizes=SMALL, **changes):
    return moved_weights(build(tiny("mixer", mixer={**FAMILIES["mixer"], **changes}), sizes))


def logits(model, inputs):
    return np.asarray(logit_model(model)(inputs_of(model, inputs)))


@pytest.mark.parametrize("sizes", [SINGLE, InputSpecification(subjets=10)], ids=["single jets", "events"])
def test_default_size(sizes):
    """The talk has 94 K parameters; the same weights for both jets."""
    assert 80_000 <= parameters(build(ModelSettings(name="mixer"), sizes)) <= 110_000


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("jets", [1, 2])
def test_every_form_is_invariant_and_uses_what_it_reads(form, jets):
    sizes = InputSpecification(jets=jets, constituents=6, tokens=3, subjets=4)
    model, inputs = mixer(sizes, **FORMS[form]), mock_inputs(5, sizes=sizes, least=2)
    names = {tensor.name for tensor in model.inputs}
    assert ("subjets_1" in names) == (form != "no subjets")
    assert ("kinematics" in names) == (jets == 2)
    own = logits(model, inputs)
    order = np.random.default_rng(1).permutation(6)
    moved = inputs | {name: inputs[name][:, order] for name in ("constituents_1", "mask_1")}
    np.testing.assert_allclose(logits(model, moved), own, atol=1e-5)
    for name in names - {name for name in names if "mask" in name}:
        assert np.abs(logits(model, inputs | {name: inputs[name] * np.float32(1.3)}) - own).min() > 1e-6, name


def test_both_jets_go_through_the_same_layers():
    events = build(tiny("mixer"), InputSpecification(constituents=6, subjets=4))
    assert sum(isinstance(layer, MixerBlock) for layer in events.layers) == FAMILIES["mixer"]["blocks"]


def test_equal_momenta_may_stand_in_any_order():
    model, inputs = mixer(), mock_inputs(4, sizes=SMALL)
    inputs["constituents_1"][..., 2:] = inputs["mask_1"][..., None]
    turned = inputs | {name: inputs[name][:, ::-1] for name in ("constituents_1", "mask_1")}
    np.testing.assert_allclose(logits(model, turned), logits(model, inputs), atol=1e-5)


def test_softer_constituents_than_it_mixes_are_left_out():
    model, inputs = mixer(tokens=4), mock_inputs(4, sizes=SMALL, least=6)
    changed = inputs | {"constituents_1": inputs["constituents_1"].copy()}
    changed["constituents_1"][:, 4:, :2] += 0.5
    np.testing.assert_array_equal(logits(model, changed), logits(model, inputs))
    changed["constituents_1"][:, 3, :2] += 0.5
    assert np.abs(logits(model, changed) - logits(model, inputs)).min() > 1e-6


def test_odd_jets_have_a_score():
    """A single constituent, all in one direction, none at all, no subjet: finite, and none is like another."""
    model, inputs = mixer(), mock_inputs(5, sizes=SMALL, least=4)
    inputs["mask_1"][0, 1:] = False
    inputs["constituents_1"][1, :, :2] = 0.1
    inputs["mask_1"][2] = False
    inputs["subjets_mask_1"][3] = False
    found = logits(model, inputs)
    assert np.isfinite(found).all()
    assert len(np.unique(found)) == 5


def test_the_streams_follow_the_settings():
    assert streams(ModelSettings(name="mixer")) == ("constituents", "subjets")
    assert streams(ModelSettings(name="mixer", mixer=MixerSettings(subjets=False))) == ("constituents",)


def test_columns_that_it_cannot_order_are_refused():
    sizes = InputSpecification(jets=1, constituents=6, constituent_features=("eta", "phi"), subjets=4)
    with pytest.raises(ConfigError, match=r"columns log_pt of the constituents are missing; data.constituent_features"):
        build(tiny("mixer"), sizes)
