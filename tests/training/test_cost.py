"""The cost model against times worked out by hand, and what must scale as it says."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mscat_tf.models.count import Cost
from mscat_tf.training.cost import DEVICES, Constants, Device, Plan, estimate, memory_bandwidth

DEVICE = Device("toy", {"float32": 1e12, "bfloat16": 4e12}, 1e11, 1e10, 1e9, "made up")
CONSTANTS = Constants(
    product_share=0.25, memory_passes=4.0, step_seconds=0.01, kept_activations=0.5, input_rate=1e5,
    first_pass_rate=1e6, sample_bytes=5000.0,
)  # fmt: skip
PLAN = Plan(
    parameters=1_000_000, cost=Cost(10**7, 10**6), events=1_000_000, batch_size=1000, epochs=10,
    train_fraction=0.6, validation_fraction=0.2,
)  # fmt: skip


def test_one_device_by_hand():
    found = estimate(PLAN, DEVICE, CONSTANTS)
    assert found.products == pytest.approx(1000 * 3e7 / 0.25e12)  # 0.12 s
    assert found.memory == pytest.approx(1000 * 4e6 / 1e11)  # 0.04 s
    assert found.reduction == 0.0
    assert found.step == pytest.approx(0.12 + 0.04 + 0.01)
    assert found.steps == 6000
    assert found.first_pass == pytest.approx(1.0)
    assert found.validation == pytest.approx(2e6 * (0.04 / 1000 + 0.04 / 3000))  # 2e6 forward passes
    assert found.seconds == pytest.approx(1 + 6000 * 0.17 + found.validation)
    assert found.device_bytes == pytest.approx(16e6 + 0.5 * 1e6 * 1000)
    assert found.sample_bytes == 5e9
    assert found.checkpoint_bytes == 12e6


def test_eight_devices_share_a_batch_and_sum_their_gradients():
    one, eight = estimate(PLAN, DEVICE, CONSTANTS), estimate(replace(PLAN, devices=8, workers=8), DEVICE, CONSTANTS)
    assert (eight.products, eight.memory) == pytest.approx((one.products / 8, one.memory / 8))
    assert eight.reduction == pytest.approx(2 * 7 / 8 * 4e6 / 1e9)
    assert eight.device_bytes == pytest.approx(16e6 + 0.5 * 1e9 / 8)


def test_the_input_decides_where_it_is_slower():
    slow = estimate(PLAN, DEVICE, replace(CONSTANTS, input_rate=1000.0))
    assert slow.step == pytest.approx(1.0)
    assert estimate(replace(PLAN, workers=4), DEVICE, replace(CONSTANTS, input_rate=1000.0)).step == pytest.approx(0.25)


def test_accumulation_saves_memory_and_costs_starts():
    whole, parts = estimate(PLAN, DEVICE, CONSTANTS), estimate(replace(PLAN, accumulation=4), DEVICE, CONSTANTS)
    assert parts.device_bytes - 16e6 == pytest.approx((whole.device_bytes - 16e6) / 4)
    assert parts.step - whole.step == pytest.approx(3 * 0.01)


def test_half_precision_halves_traffic_and_activations():
    half = estimate(replace(PLAN, precision="bfloat16"), DEVICE, CONSTANTS)
    assert half.products == pytest.approx(0.12 / 4)
    assert half.memory == pytest.approx(0.02)
    assert half.device_bytes == pytest.approx(16e6 + 0.25e9)


@given(factor=st.integers(2, 1000))
def test_more_events_take_as_much_longer(factor):
    one, many = (estimate(replace(PLAN, events=n * PLAN.events), DEVICE, CONSTANTS) for n in (1, factor))
    assert many.seconds == pytest.approx(factor * one.seconds)
    assert many.device_bytes == one.device_bytes


def test_devices_have_the_ratios_of_their_data_sheets():
    for device in DEVICES.values():
        assert device.products["bfloat16"] == pytest.approx(2 * device.products["float32"], rel=1e-3)


def test_memory_moves_at_a_rate_that_a_machine_can_have():
    assert 1e8 < memory_bandwidth(megabytes=8, rounds=2) < 1e13
