"""A network whose score depends on one constituent and one kinematic number alone: who finds them?

Of `concatenation`; of `mscat` too with MSCAT_ALL_NETWORKS=1 (half a minute more).
"""

import os

import keras
import numpy as np
import pytest

from mscat_tf.interpretation.attributors import attributors_of
from mscat_tf.interpretation.integrated_gradients import IntegratedGradients, coordinates_of, summed
from mscat_tf.interpretation.stream_importance import Events, Settings, batched_logits, features_of, importance
from mscat_tf.models.inputs import Statistics
from mscat_tf.models.predictor import logit_model
from mscat_tf.models.registry import build
from mscat_tf.schema import CONSTITUENT_COLUMNS, KINEMATIC_COLUMNS
from tests.models.mock_inputs import SIZES, tiny

MARK = 4.0
"""eta of the one constituent, in a random place of jet 1, whose phi counts."""
KINEMATIC = 1
"""Column of the first kinematic token that counts."""
PLANTED = {"constituents: eta", "constituents: phi", f"kinematics: {KINEMATIC_COLUMNS[KINEMATIC]}"}

pytestmark = pytest.mark.slow


def events(count, seed, marked=1.0):
    """Inputs by name, the score `2 phi + 2 x` and the place of the constituent.

    Only a share `marked` has one, else the score is `2 x`: a network that never saw events without may say anything of
    the baseline, which has none.
    """
    rng, inputs = np.random.default_rng(seed), {}
    for jet in (1, 2):
        mask = np.arange(SIZES.constituents) < rng.integers(4, SIZES.constituents + 1, (count, 1))
        cloud = rng.normal(size=(count, SIZES.constituents, 4))
        inputs[f"constituents_{jet}"], inputs[f"mask_{jet}"] = cloud, mask
    phi, x = rng.choice([-1, 1], (2, count)) * rng.uniform(0.7, 1.3, (2, count))
    place, every = rng.integers(0, 4, count), np.arange(count)
    inputs["constituents_1"][..., 0] = rng.uniform(-1, 1, (count, SIZES.constituents))
    has_one = rng.random(count) < marked
    phi *= has_one
    inputs["constituents_1"][every[has_one], place[has_one], 0] = MARK
    inputs["constituents_1"][every[has_one], place[has_one], 1] = phi[has_one]
    inputs["kinematics"] = rng.normal(size=(count, SIZES.tokens, len(KINEMATIC_COLUMNS)))
    inputs["kinematics"][:, 0, KINEMATIC] = x
    for name in ("constituents_1", "constituents_2"):
        inputs[name] = inputs[name] * inputs[name.replace("constituents", "mask")][..., None]
    inputs = {name: inputs[name].astype(bool if "mask" in name else "f4") for name in sorted(inputs)}
    return inputs, (2 * phi + 2 * x).astype("f4"), place


NETWORKS = ("concatenation", *(("mscat",) if os.environ.get("MSCAT_ALL_NETWORKS") else ()))


@pytest.fixture(scope="module", params=NETWORKS)
def trained(request):
    """A small network that was taught the score, and mean and width of the training set."""
    keras.utils.set_random_seed(1)
    inputs, score, _ = events(4000, 0, marked=0.6)
    real = np.concatenate([inputs[f"constituents_{jet}"][inputs[f"mask_{jet}"]] for jet in (1, 2)])
    kinematics = inputs["kinematics"]
    moments = [real.mean(0), real.std(0), kinematics.mean(0), kinematics.std(0)]
    statistics = Statistics(*(array.tolist() for array in moments))
    settings = tiny(request.param, width=8, num_heads=1, dropout_rate=0.0, log_features=False)
    model = build(settings, SIZES, statistics)
    taught = logit_model(model)
    taught.compile(keras.optimizers.Adam(0.01), "mse")
    history = taught.fit(inputs, score, batch_size=256, epochs=9, verbose=0).history["loss"]
    assert history[-1] < 0.05 * np.var(score)
    return model, coordinates_of(SIZES, statistics, log_features=False)


def test_integrated_gradients_rank_the_planted_inputs_first(trained):
    inputs, _, place = events(500, 1)
    found, difference = IntegratedGradients(*trained, steps=20)(inputs)
    missed = np.abs(summed(found) - difference)
    assert np.mean(missed <= 0.01 * np.abs(difference)) > 0.99  # a few differences are about 0
    assert np.linalg.norm(missed) < 0.01 * np.linalg.norm(difference)
    numbers = [found[f"constituents_{jet}"].sum(axis=-1) for jet in (1, 2)]
    numbers = np.abs(np.concatenate([*numbers, found["kinematics"].reshape(500, -1)], axis=1))
    first = np.sort(np.argsort(-numbers, axis=1)[:, :2], axis=1)
    planted = np.stack([place, np.full(500, 2 * SIZES.constituents + KINEMATIC)], axis=1)
    assert np.mean((first == planted).all(axis=1)) > 0.95


def test_permutation_importance_ranks_them_first_overall(trained):
    inputs, score, _ = events(1000, 2)
    count = np.arange(1000)
    sample = Events(inputs, (score > 0).astype(int), np.ones(1000), count.astype(np.uint64), 0 * count)
    columns = features_of(list(inputs), {"constituents": CONSTITUENT_COLUMNS}, KINEMATIC_COLUMNS)
    found = importance(batched_logits(trained[0]), sample, columns, Settings(permutations=2, replicas=20))["streams"]
    ranked = sorted(found, key=lambda name: -found[name]["lost"])
    assert set(ranked[:3]) == PLANTED
    worst, best_other = found[ranked[2]], found[ranked[3]]
    assert worst["lost"] - best_other["lost"] > 5 * np.hypot(worst["error"], best_other["error"])


def test_grad_cam_is_above_chance_where_tokens_are_pooled_and_rollout_is_only_compared(trained):
    """The rates are printed: neither Grad-CAM nor attention is bound to find it.

    Where the head reads the mean token, every token has the same gradient, and Grad-CAM finds the constituent where its
    features and that gradient agree, in up to half of the events. In cross-attention gradients differ from token to
    token, and the mean that Grad-CAM takes says little: in `mscat` its rate is above or below chance, as the weights
    began.
    """
    inputs, _, place = events(2000, 3)
    raises = inputs["constituents_1"][np.arange(2000), place, 1] > 0
    for name, attributor in attributors_of(trained[0], ("grad_cam", "attention_rollout"), trained[1]).items():
        values, mask = attributor(inputs)
        some = values.max(axis=1) > 0
        hits, chance = values.argmax(axis=1) == place, (1 / mask.sum(axis=1))[some].mean()
        rate, error = hits[some].mean(), hits[some].std() / np.sqrt(some.sum())
        print(  # noqa: T201  the rates are what a reader of this test wants, and only some are asserted
            f"{trained[0].name}, {name}: first in {rate:.3f} +- {error:.3f} of {some.sum()} of 2000 events whose map "
            f"is not all zero (where it raises the score: {hits[some & raises].mean():.3f}), chance {chance:.3f}"
        )
        if (trained[0].name, name) == ("concatenation", "grad_cam"):
            assert rate - chance > 3 * error
