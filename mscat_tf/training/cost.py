"""What a training will take: hours, memory of each device, disk, from the size of the network and measured constants.

The time of a step of b events on each of N devices is

    t = t_step + b (3 F / (s P) + m A / W) + 2 (N - 1) / N * 4 n / L

with F and A the operations and the bytes of activations of a forward pass of one event (`mscat_tf.models.count`), n the
number of weights, P, W and L the device's rate of matrix products, memory bandwidth and link to the other devices; the
last term is that of a ring all-reduce (Patarasu, Yuan, J. Parallel Distrib. Comput. 69 (2009) 117, section 3). The
share s of P, the passes m over the activations, and t_step, which is what TensorFlow spends on starting the operations,
are measured by `experiments/benchmarks/cost_model.py`. What reads the events works beside the devices: the slower of
the two decides.
"""

import math
import time
from dataclasses import dataclass

import tensorflow as tf

from mscat_tf.config import Config
from mscat_tf.models.count import Cost
from mscat_tf.training.peak import matmul_peak

BYTES_PER_WEIGHT = 4
COPIES_OF_A_WEIGHT = 4
"""Weight, gradient and the two moments of Adam; one more with a moving average."""


@dataclass(frozen=True)
class Device:
    """What one device does at best.

    Attributes:
        name: for tables. products: matrix products [FLOP/s] by precision. bandwidth: of its memory [B/s].
        memory: [B]. link: to the other devices [B/s]. source: of the figures.
    """

    name: str
    products: dict[str, float]
    bandwidth: float
    memory: float
    link: float
    source: str


DEVICES = {
    "a100": Device(
        "A100 SXM 80 GB", {"float32": 156e12, "bfloat16": 312e12}, 2.039e12, 80e9, 300e9,
        "NVIDIA A100 data sheet (nvidia-a100-datasheet-us-nvidia-1758950-r4); TF32 without sparsity",
    ),
    "h100": Device(
        "H100 SXM 80 GB", {"float32": 494.7e12, "bfloat16": 989.4e12}, 3.35e12, 80e9, 450e9,
        "NVIDIA H100 Tensor Core GPU data sheet; TF32 without sparsity",
    ),
}  # fmt: skip
"""By the name that `mscat cost --device` takes; links in one direction."""


@dataclass(frozen=True)
class Constants:
    """Measured on two CPU cores, `experiments/benchmarks/cost_model.py`; see docs/scale.md for how well they predict.

    Attributes:
        product_share: s. memory_passes: m. step_seconds: t_step [s].
        kept_activations: bytes in memory during a step for each byte that `cost_per_event` counts.
        process_bytes: of a process, above what it holds once everything is imported, besides activations and weights:
            the traced step, windows of events.
        input_rate: events that a process reads, mixes and hands over [1/s of one core].
        first_pass_rate: events that it counts and standardises before the first step [1/s of one core].
        sample_bytes: on disk for each event, with the raw constituents.
    """

    product_share: float = 1.0
    memory_passes: float = 8.2
    step_seconds: float = 0.012
    kept_activations: float = 0.47
    process_bytes: float = 0.21e9
    input_rate: float = 141_000.0
    first_pass_rate: float = 95_000.0
    sample_bytes: float = 5138.0


@dataclass(frozen=True)
class Plan:
    """What is to be trained on what.

    Attributes:
        parameters, cost: of the network. events: of the sample. batch_size: global.
        epochs, train_fraction, validation_fraction, precision: as in the configuration.
        devices: over all processes. workers: processes, each of which reads its own part of a batch.
        accumulation: parts of a device's share of the batch. moving_average: whether one is kept.
    """

    parameters: int
    cost: Cost
    events: int
    batch_size: int
    epochs: int
    train_fraction: float
    validation_fraction: float
    precision: str = "float32"
    devices: int = 1
    workers: int = 1
    accumulation: int = 1
    moving_average: bool = False

    @classmethod
    def of(cls, config: Config, parameters: int, cost: Cost, devices: int = 1, workers: int = 1) -> "Plan":
        """The plan of a configuration for the number of events that its sample asks for."""
        train, data = config.train, config.data
        return cls(
            parameters, cost, config.sample.events, train.batch_size, train.epochs, data.train_fraction,
            data.validation_fraction, train.precision, devices, workers, train.accumulation, train.ema > 0,
        )  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """What a plan costs.

    Attributes:
        products, memory, starting, reduction: seconds of one step. input: seconds in which the events of a step are
            read, beside them.
        steps: of all epochs. first_pass: seconds before the first step. validation: seconds of all validations.
        device_bytes: memory of each device. process_bytes: of each process beside it.
        sample_bytes: disk. checkpoint_bytes: of one checkpoint.
    """

    products: float
    memory: float
    starting: float
    reduction: float
    input: float
    steps: int
    first_pass: float
    validation: float
    device_bytes: float
    process_bytes: float
    sample_bytes: float
    checkpoint_bytes: float

    @property
    def step(self) -> float:
        """Seconds of one step."""
        return max(self.products + self.memory + self.starting + self.reduction, self.input)

    @property
    def seconds(self) -> float:
        """Of the whole training."""
        return self.first_pass + self.steps * self.step + self.validation


def this_device(precision: str = "float32") -> Device:
    """The first GPU of this machine, or its CPU, measured now; some seconds. Its memory and links are not limited."""
    gpus = tf.config.list_physical_devices("GPU")
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else "this CPU"
    products = {precision: matmul_peak(precision)}
    return Device(name, products, memory_bandwidth(), math.inf, math.inf, "measured now")


def memory_bandwidth(megabytes: int = 64, rounds: int = 5) -> float:
    """Bytes read and written per second by differences of two large arrays; the best of some rounds."""
    chain, numbers = 8, tf.random.stateless_uniform((megabytes * 2**20 // 4,), seed=(1, 2))

    @tf.function(autograph=False)
    def differences(first: tf.Tensor) -> tf.Tensor:
        second = first
        for _ in range(chain):
            second = first - second
        return second[0]

    best = math.inf
    for _ in range(rounds + 1):  # the first call traces
        started = time.perf_counter()
        differences(numbers).numpy()
        best = min(best, time.perf_counter() - started)
    return chain * 3 * megabytes * 2**20 / best  # two are read, one is written


def estimate(plan: Plan, device: Device, constants: Constants | None = None) -> Estimate:
    """Time, memory and disk of a plan on devices of one kind."""
    own = constants or Constants()
    per_device = plan.batch_size / plan.devices
    half = 0.5 if plan.precision == "bfloat16" else 1.0
    forward = plan.cost.flops / (own.product_share * device.products[plan.precision])
    traffic = half * own.memory_passes * plan.cost.activation_bytes / device.bandwidth
    weights = BYTES_PER_WEIGHT * plan.parameters
    copies = COPIES_OF_A_WEIGHT + plan.moving_average
    activations = half * own.kept_activations * plan.cost.activation_bytes * per_device / plan.accumulation
    events = plan.epochs * plan.events
    # a validation has the forward pass only, a third of the products and about as much of the traffic
    validation = events * plan.validation_fraction / plan.devices * (forward + traffic / 3)
    return Estimate(
        products=3 * forward * per_device,
        memory=traffic * per_device,
        starting=own.step_seconds * plan.accumulation,
        reduction=2 * (plan.devices - 1) / plan.devices * weights / device.link,
        input=plan.batch_size / (own.input_rate * plan.workers),
        steps=plan.epochs * math.ceil(plan.events * plan.train_fraction / plan.batch_size),
        first_pass=plan.events / own.first_pass_rate,
        validation=max(validation, events * plan.validation_fraction / own.input_rate),
        device_bytes=copies * weights + activations,
        process_bytes=own.process_bytes,
        sample_bytes=own.sample_bytes * plan.events,
        checkpoint_bytes=(copies - 1) * weights,  # no gradient
    )
