"""Cascading randomisation: the order of the layers, and attributions that do and do not depend on weights."""

import random

import keras
import numpy as np

from mscat_tf.interpretation.attributors import Attribution, Attributor, copy_weights
from mscat_tf.interpretation.randomisation import randomisation, untrained

RNG = np.random.default_rng(3)
INPUTS = {"x": RNG.normal(size=(50, 8))}
EVERY = np.ones((50, 8), bool)


def small_network():
    tensor = keras.Input((8,), name="x")
    hidden = keras.layers.Dense(8, name="below")(tensor)
    return keras.Model(tensor, keras.layers.Dense(1, name="logit")(keras.layers.Dropout(0.1)(hidden)))


def test_only_what_depends_on_a_weight_falls_when_it_is_randomised():
    model = small_network()
    model.set_weights([RNG.normal(size=weight.shape) for weight in model.get_weights()])
    before, own = model.get_weights(), small_network()

    def of_layer(name):
        return lambda inputs: Attribution(inputs["x"] * own.get_layer(name).get_weights()[0][:, 0], EVERY)

    copy_weights(model, own)
    attributors = {name: Attributor(of_layer(name), [own]) for name in ("logit", "below")}
    attributors["inputs alone"] = Attributor(lambda inputs: Attribution(inputs["x"], EVERY), [])
    steps: list[tuple[int, int]] = []
    found = randomisation(model, attributors, INPUTS, 2, lambda *step: steps.append(step))
    assert steps == [(1, 2), (2, 2)]
    assert found["layers"] == ["logit", "below"]
    values = {name: [stage["value"] for stage in stages] for name, stages in found["methods"].items()}
    assert values["inputs alone"] == [1.0, 1.0]
    assert values["below"][0] == 1.0
    assert max(values["logit"][0], values["below"][1]) < 0.8
    assert 0 < found["methods"]["logit"][0]["error"] < 0.1
    for explained in (model, own):  # left alone, and explained as trained again
        for old, new in zip(before, explained.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)


def test_untrained_weights_are_repeatable_and_disturb_no_random_numbers():
    model = small_network()
    random.seed(5)
    first, after = untrained(model, 7).get_weights(), random.random()
    random.seed(5)
    assert random.random() == after
    second, third = untrained(model, 7).get_weights(), untrained(model, 8).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, third, strict=True))
