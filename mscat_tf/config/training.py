"""Settings of reading, training, evaluation and explanation: what `mscat train` and later commands read."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from mscat_tf.config.base import Settings
from mscat_tf.config.model import Rate
from mscat_tf.schema import CONSTITUENT_COLUMNS, EVENT_SHAPE_COLUMNS, KINEMATIC_COLUMNS, LUND_COLUMNS


class DataSettings(Settings):
    """Which events are read, and how they are split.

    Attributes:
        path: a folder of shards or one HDF5 file; null means `data/<sample.name>`.
        constituent_features, kinematic_features: columns that the network sees.
        declustering_features: columns of the Lund declusterings, for networks that read them.
        event_shapes: columns of the event shapes, which become one more token of the high scale; none by default.
        max_constituents: read at most this many per jet; null keeps what the file has.
        train_fraction, validation_fraction: the rest is the test split; assigned by hash of `group_id`.
        shuffle_labels: permute the labels once over all events (a check: nothing may be learned).
    """

    path: str | None = None
    constituent_features: tuple[str, ...] = CONSTITUENT_COLUMNS
    kinematic_features: tuple[str, ...] = KINEMATIC_COLUMNS
    declustering_features: tuple[str, ...] = ("ln_inverse_delta", "ln_kt", "ln_z")
    event_shapes: tuple[str, ...] = ()
    max_constituents: PositiveInt | None = None
    train_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.64
    validation_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.16
    shuffle_labels: bool = False

    @model_validator(mode="after")
    def _possible(self) -> "DataSettings":
        if self.train_fraction + self.validation_fraction >= 1.0:
            raise ValueError("train_fraction + validation_fraction leave nothing for the test split; lower one of them")
        for asked, known, what in (
            (self.constituent_features, CONSTITUENT_COLUMNS, "constituent_features"),
            (self.kinematic_features, KINEMATIC_COLUMNS, "kinematic_features"),
            (self.declustering_features, LUND_COLUMNS, "declustering_features"),
            (self.event_shapes, EVENT_SHAPE_COLUMNS, "event_shapes"),
        ):
            wrong = [name for name in asked if name not in known]
            if wrong or not (asked or what == "event_shapes"):
                raise ValueError(f"{what}: {wrong or 'empty'}; choose from {', '.join(known)}")
        return self


class TrainSettings(Settings):
    """The training.

    Attributes:
        strategy: `mirrored` uses every visible device; `one_device` the first.
        logical_devices: split the CPU into this many devices (exercises replication without GPUs).
        batch_size: events per step, over all replicas together.
        learning_rate: peak of a linear warm-up followed by a cosine decay to zero.
        symmetries: show every event in each epoch rotated about the beam and mirrored at random, which changes nothing
            physical (see `mscat_tf.data.symmetries`).
        start_from: a run folder or a `.keras` file whose weights the network begins with; null begins at random.
        early_stopping_patience: epochs without a better validation AUC before stopping; 0 never stops.
    """

    strategy: Literal["mirrored", "one_device"] = "mirrored"
    logical_devices: Annotated[int, Field(ge=1, le=64)] = 1
    epochs: PositiveInt = 15
    batch_size: PositiveInt = 128
    learning_rate: PositiveFloat = 1e-3
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-3
    warmup_fraction: Rate = 0.1
    symmetries: bool = True
    start_from: str | None = None
    early_stopping_patience: Annotated[int, Field(ge=0)] = 6
    checkpoints_kept: PositiveInt = 2
    tensorboard: bool = True


class EvaluationSettings(Settings):
    """Metrics of the test split.

    Attributes:
        bootstrap_replicas: resamplings (by `group_id`) behind each error.
        signal_efficiencies: working points at which the background rejection is quoted.
        min_effective_background: below this many effective events a rejection is a lower limit.
        luminosity_fb: integrated luminosity for yields [1/fb].
    """

    bootstrap_replicas: Annotated[int, Field(ge=2)] = 400
    signal_efficiencies: tuple[Annotated[float, Field(gt=0.0, lt=1.0)], ...] = (0.3, 0.5, 0.8)
    min_effective_background: PositiveFloat = 10.0
    luminosity_fb: PositiveFloat = 3000.0


class ExplanationSettings(Settings):
    """Attention maps and Grad-CAM of test events.

    Attributes:
        events: at most this many test events of each process.
        gradcam_layer: layer whose token features are weighed; null means the last constituent block.
    """

    events: PositiveInt = 1000
    batch_size: PositiveInt = 250
    gradcam_layer: str | None = None
