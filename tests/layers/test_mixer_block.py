"""The mixer block and the order in which it is given its tokens."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mscat_tf.errors import ConfigError
from mscat_tf.layers import HardestFirst, MixerBlock
from tests.layer_checks import check_layer

COLUMNS = ("eta", "phi", "pt")
PLACES, TOKENS, FEATURES = 8, 5, 6


def jets(real=TOKENS, features=FEATURES):
    """Three jets of five tokens, of which the first `real` are no padding."""
    tokens = np.random.default_rng(3).normal(size=(3, TOKENS, features)).astype("float32")
    return {"tokens": tokens, "token_mask": np.broadcast_to(np.arange(TOKENS) < real, (3, TOKENS)).copy()}


@pytest.fixture(scope="module")
def block():
    """With weights away from their start."""
    block = MixerBlock(PLACES, 7, 4)
    block(**jets())
    rng = np.random.default_rng(4)
    block.set_weights([weight + rng.normal(0, 0.3, weight.shape) for weight in block.get_weights()])
    return block


def test_contract_of_the_block(tmp_path):
    arguments = {"places": 8, "token_units": 7, "feature_units": 4, "dropout_rate": 0.1}
    check_layer(MixerBlock, {**arguments, "activation": "relu", "normalisation": "root_mean_square"}, jets(3), tmp_path)


def test_contract_of_the_order(tmp_path):
    inputs = jets(3, len(COLUMNS))
    inputs["tokens"][..., 2] = np.abs(inputs["tokens"][..., 2])
    check_layer(HardestFirst, {"columns": COLUMNS, "tokens": 4}, inputs, tmp_path)


def test_the_block_by_its_formula(block):
    """Equation 1 of arXiv:2105.01601 in NumPy, on the real tokens alone, with the first rows of the weights."""
    real = 3
    weights = {weight.path.removeprefix(f"{block.name}/"): np.asarray(weight) for weight in block.weights}

    def normalise(x, place):
        spread = x - x.mean(axis=-1, keepdims=True)
        return (
            spread / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-3) * weights[f"{place}/gamma"]
            + weights[f"{place}/beta"]
        )

    def gelu(x):
        return np.asarray(keras.activations.gelu(x, approximate=False))

    x = jets()["tokens"][:, :real]
    columns = normalise(x, "norm").transpose(0, 2, 1)
    hidden = gelu(columns @ weights["hidden_kernel"][:real] + weights["hidden_bias"])
    y = x + (hidden @ weights["out_kernel"][:, :real] + weights["out_bias"][:real]).transpose(0, 2, 1)
    inner = {name.removeprefix("feed_forward/"): value for name, value in weights.items() if "feed_forward" in name}
    hidden = gelu(normalise(y, "feed_forward/norm") @ inner["hidden/kernel"] + inner["hidden/bias"])
    expected = y + hidden @ inner["out/kernel"] + inner["out/bias"]
    found = np.asarray(block(**jets(real)))
    np.testing.assert_allclose(found[:, :real], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found[:, real:], 0.0)


@pytest.mark.parametrize("junk", [np.nan, np.inf, 1e6])
def test_padding_gives_nothing_and_is_nothing(block, junk):
    clean, dirty = jets(2), jets(2)
    dirty["tokens"][:, 2:] = junk
    np.testing.assert_array_equal(block(**clean), block(**dirty))
    assert np.all(np.asarray(block(**jets(0))) == 0)


def test_more_padding_changes_nothing(block):
    inputs = jets(4)
    padded = {name: np.pad(a, ((0, 0), (0, 3), (0, 0))[: a.ndim]) for name, a in inputs.items()}
    np.testing.assert_allclose(block(**padded)[:, :TOKENS], block(**inputs), atol=1e-5)


def test_the_block_sees_the_order(block):
    """Else nothing would have to be put in order."""
    inputs = jets()
    turned = block(inputs["tokens"][:, ::-1], inputs["token_mask"])
    assert np.abs(np.asarray(turned)[:, ::-1] - np.asarray(block(**inputs))).max() > 0.1


@settings(max_examples=30, deadline=None)
@given(
    order=st.permutations(range(TOKENS)),
    momenta=st.lists(st.sampled_from([0.5, 7.0, np.nextafter(np.float32(7), np.float32(8))]), min_size=5, max_size=5),
    real=st.integers(0, TOKENS),
)
def test_any_order_becomes_the_same(order, momenta, real):
    """Also with equal momenta, and with neighbouring ones in float32: hardest first, then by direction."""
    inputs = jets(real, len(COLUMNS))
    inputs["tokens"][..., 2] = momenta
    layer = HardestFirst(COLUMNS, 4)
    tokens, mask = (np.asarray(part) for part in layer(**inputs))
    moved = layer(inputs["tokens"][:, order], inputs["token_mask"][:, order])
    for one, other in zip((tokens, mask), moved, strict=True):
        np.testing.assert_array_equal(one, other)
    eta, phi, pt = inputs["tokens"][:, :real].transpose(2, 0, 1)
    wanted = np.lexsort((-(eta + np.sqrt(2) * phi), -pt), axis=-1)[:, :4]
    np.testing.assert_array_equal(tokens[:, : min(real, 4)], np.take_along_axis(inputs["tokens"], wanted[..., None], 1))
    assert mask.sum(axis=1).tolist() == [min(real, 4)] * 3
    assert np.all(tokens[~mask] == 0)


def test_momenta_may_be_logarithms():
    inputs = jets(features=3)
    tokens, _ = HardestFirst(("eta", "phi", "log_pt"), 9)(**inputs)
    assert tokens.shape[1] == TOKENS
    assert np.all(np.diff(np.asarray(tokens)[..., 2], axis=1) <= 0)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: HardestFirst(("eta", "pt"), 4), "columns phi of the constituents are missing; data.constituent"),
        (lambda: HardestFirst(COLUMNS, 0), "tokens is 0 but must be positive"),
        (lambda: MixerBlock(0, 3, 3), "places is 0 but must be positive"),
        (lambda: MixerBlock(3, 3, 3, 1.0), "dropout_rate is 1.0 but must lie in"),
    ],
)
def test_impossible_arguments_are_refused(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()
