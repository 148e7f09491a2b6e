"""Curves of a score that is a sum over constituents: what remains is known."""

import numpy as np
import pytest

from mscat_tf.interpretation.insertion_deletion import FRACTIONS, insertion_deletion

EVENTS, PLACES = 400, 10


@pytest.fixture(scope="module")
def found():
    """Each constituent adds its number; 20 real ones of which an order by number is the best, by minus it the worst."""
    rng = np.random.default_rng(4)
    inputs = {f"constituents_{jet}": rng.exponential(size=(EVENTS, PLACES, 1)) for jet in (1, 2)}
    inputs |= {f"mask_{jet}": np.ones((EVENTS, PLACES), bool) for jet in (1, 2)}
    numbers = np.concatenate([inputs["constituents_1"], inputs["constituents_2"]], axis=1)[..., 0]

    def logits(seen):
        return sum((seen[f"constituents_{jet}"][..., 0] * seen[f"mask_{jet}"]).sum(axis=1) for jet in (1, 2))

    orders = {"best": numbers, "worst": -numbers, "transverse momentum": numbers}
    return numbers, insertion_deletion(logits, inputs, orders, seed=5)


def test_curves_are_sums_of_what_is_left(found):
    numbers, result = found
    ranked = -np.sort(-numbers, axis=1)
    removed = [round(share * 2 * PLACES) for share in FRACTIONS]
    expected = [ranked[:, count:].sum(axis=1).mean() for count in removed]
    np.testing.assert_allclose(result["methods"]["best"]["deletion"]["logit"], expected)
    expected = [ranked[:, :count].sum(axis=1).mean() for count in removed]
    np.testing.assert_allclose(result["methods"]["best"]["insertion"]["logit"], expected)
    assert result["whole"]["value"] == pytest.approx(numbers.sum(axis=1).mean())
    assert result["empty"]["value"] == 0
    linear = (1 - np.array(FRACTIONS)) * result["whole"]["value"]
    np.testing.assert_allclose(result["methods"]["random"]["deletion"]["logit"], linear, atol=0.6)


def test_areas_tell_good_orders_from_bad_ones(found):
    methods = found[1]["methods"]
    for kind in ("deletion", "insertion"):
        good, bad = (methods[name][kind]["better_than_random"] for name in ("best", "worst"))
        assert good["value"] > 30 * good["error"] > 0
        assert bad["value"] < -30 * bad["error"]
        assert methods["best"][kind]["better_than_transverse_momentum"]["value"] == pytest.approx(0, abs=1e-9)
        against = methods["random"][kind]["better_than_transverse_momentum"]["value"]
        assert methods["transverse momentum"][kind]["better_than_random"]["value"] == pytest.approx(-against)


def test_padding_is_never_removed_nor_brought_in():
    seen = []

    def logits(inputs):
        seen.append(inputs["mask_1"])
        return inputs["mask_1"].sum(axis=1).astype(float)

    mask = np.array([[True] * 4 + [False] * 6, [False] * 10])
    insertion_deletion(logits, {"mask_1": mask}, {"some": np.arange(20.0).reshape(2, 10)}, seed=1)
    assert not np.any(np.array(seen) & ~mask)
    assert {int(m[0].sum()) for m in seen} == {0, 1, 2, 3, 4}
