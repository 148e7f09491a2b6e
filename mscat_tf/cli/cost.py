"""`mscat cost`: what a training would take, before it is begun."""

from typing import Any

from mscat_tf.cli.console import duration, out, table
from mscat_tf.cli.stages import start_tensorflow
from mscat_tf.config import Config
from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.errors import ConfigError

HERE = "here"


def show(config: Config, device: str, devices: int, workers: int | None) -> None:
    """Print hours, memory and disk of a training.

    Args:
        config: resolved; `sample.events` says how many events. device: a name of `training.cost.DEVICES`, or `here`.
        devices: how many of them. workers: processes; None means one for each device.

    Raises:
        ConfigError: unknown device, or a batch that the devices cannot share.
    """
    start_tensorflow()
    from mscat_tf.models.count import cost_per_event, model_at_default_size, parameters
    from mscat_tf.training.cost import DEVICES, Plan, estimate, this_device

    if config.model.name == BOOSTED_TREES:
        raise ConfigError(f"model.name: {BOOSTED_TREES} are grown in memory, without steps; choose a network")
    if device != HERE and device not in DEVICES:
        raise ConfigError(f"--device {device}: unknown; choose from {', '.join([*DEVICES, HERE])}")
    if config.train.batch_size % devices:
        raise ConfigError(
            f"train.batch_size = {config.train.batch_size} cannot be shared by {devices} devices; set it to a multiple"
        )
    model = model_at_default_size(config.model)
    plan = Plan.of(config, parameters(model), cost_per_event(model), devices, workers or devices)
    chosen = this_device(config.train.precision) if device == HERE else DEVICES[device]
    _print(plan, chosen, estimate(plan, chosen))


def _print(plan: Any, device: Any, found: Any) -> None:
    gib = 2**30
    share = f"{100 * found.device_bytes / device.memory:.1f}% of a device"
    bound = "the input decides" if found.input >= found.step else "beside the devices"
    rows = [
        ["network", f"{plan.parameters} parameters", f"{plan.cost.flops / 1e6:.1f} MFLOP an event, forward"],
        ["events", f"{plan.events:.3g}", f"{plan.train_fraction:.0%} trained on, {plan.epochs} epochs"],
        ["steps", str(found.steps), f"of {plan.batch_size} events on {plan.devices} devices"],
        ["one step", f"{1e3 * found.step:.2f} ms", f"{plan.batch_size / found.step:.3g} events/s"],
        [
            "  matrix products",
            f"{1e3 * found.products:.2f} ms",
            f"{device.products[plan.precision] / 1e12:.4g} TFLOP/s",
        ],
        ["  memory traffic", f"{1e3 * found.memory:.2f} ms", f"{device.bandwidth / 1e9:.4g} GB/s"],
        ["  starting operations", f"{1e3 * found.starting:.2f} ms", ""],
        ["  summing gradients", f"{1e3 * found.reduction:.3f} ms", ""],
        ["  reading events", f"{1e3 * found.input:.2f} ms", f"{plan.workers} processes, {bound}"],
        ["before the first step", duration(found.first_pass), "weights, splits, normalisation"],
        ["validation", duration(found.validation), "of all epochs"],
        ["whole training", f"{found.seconds / 3600:.2f} h", f"{found.seconds / 3600 * plan.devices:.1f} device-hours"],
        ["memory of a device", f"{found.device_bytes / gib:.2f} GiB", share],
        [
            "memory of a process",
            f"{found.process_bytes / gib:.2f} GiB",
            "beside it, above what TensorFlow takes itself",
        ],
        ["sample on disk", f"{found.sample_bytes / 1e9:.1f} GB", f"a checkpoint {found.checkpoint_bytes / 1e6:.1f} MB"],
    ]
    table(f"{plan.devices} x {device.name}, {plan.precision}: an estimate", ["", "estimate", ""], rows)
    out.print(f"figures of the device: {device.source}; how good the estimate is: docs/scale.md", soft_wrap=True)
