"""Both scales as one set of tokens."""

import keras
import numpy as np

from mscat_tf.layers import JoinScales

RNG = np.random.default_rng(3)
JETS = [RNG.normal(size=(2, 5, 4)).astype("float32") for _ in range(2)]
MASKS = [RNG.random((2, 5)) < 0.5 for _ in range(2)]
KINEMATICS = RNG.normal(size=(2, 3, 4)).astype("float32")


def test_jets_come_first_and_kinematics_are_always_real():
    tokens, mask = JoinScales()(JETS, MASKS, KINEMATICS)
    for start, values in ((0, JETS[0]), (5, JETS[1]), (10, KINEMATICS)):
        np.testing.assert_array_equal(tokens[:, start : start + values.shape[1]], values)
    np.testing.assert_array_equal(mask, np.concatenate([*MASKS, np.ones((2, 3), bool)], axis=1))


def test_saved_model_agrees_exactly(tmp_path):
    jets, masks = [keras.Input((5, 4)) for _ in JETS], [keras.Input((5,), dtype="bool") for _ in JETS]
    kinematics = keras.Input((3, 4))
    model = keras.Model([*jets, *masks, kinematics], JoinScales()(jets, masks, kinematics))
    model.save(tmp_path / "join.keras")
    again = keras.models.load_model(tmp_path / "join.keras")
    given = [*JETS, *MASKS, KINEMATICS]
    for before, after in zip(model(given), again(given), strict=True):
        np.testing.assert_array_equal(before, after)
