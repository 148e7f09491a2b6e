"""Settings of reading, training, evaluation and explanation: what `mscat train` and later commands read."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from mscat_tf.config.base import Rate, Settings, is_none
from mscat_tf.config.high_level import HighLevelFeatures
from mscat_tf.config.preparation import Preparation
from mscat_tf.schema import (
    CONSTITUENT_COLUMNS,
    EVENT_SHAPE_COLUMNS,
    KINEMATIC_COLUMNS,
    KNOWN_LOGIT,
    LUND_COLUMNS,
    MASS,
    SUBJET_COLUMNS,
)


class Fold(Settings):
    """One of equal parts of the training split, by a hash of `group_id`.

    Attributes:
        fold: 1, 2, ..., `of`.
    """

    fold: PositiveInt
    of: Annotated[int, Field(ge=2, le=100)] = 5

    @model_validator(mode="after")
    def _possible(self) -> "Fold":
        if self.fold > self.of:
            raise ValueError(f"fold {self.fold} of {self.of}: there is none; choose from 1 to {self.of}")
        return self


class DataSettings(Settings):
    """Which events are read, and how they are split.

    Attributes:
        path: a folder of shards or one HDF5 file; null means `data/<sample.name>`.
        constituent_features, kinematic_features: columns that the network sees. `m_H` among the latter is the mass
            hypothesis [GeV], the same in all tokens of an event (arXiv:1601.07913): that of signal is true, background
            is dealt masses of the signal in proportion to their weights. `known_logit` is what another classifier says
            of the event (`preparation.known`).
        declustering_features: columns of the Lund declusterings, for networks that read them.
        subjet_features: columns of the subjets, for networks that read them.
        event_shapes: columns of the event shapes, which become one more token of the high scale; none by default.
        high_level_features: named jet variables for what reads them, by groups and names of `docs/high_level.md`; null
            means for `analysis_model` what `preparation.high_level` derives, without it all that there are, for trees
            those of the sample. What the modules of `analysis_model` read of them is what `Config` writes here.
        max_constituents: read at most this many per jet; null keeps what the file has.
        train_fraction, validation_fraction: the rest is the test split; assigned by hash of `group_id`.
        train_events: at most so many events of the training split are used, all of one parton-level event or none;
            which ones depends on `seed`, and fewer are a part of more. The other splits stay as they are.
        left_out: a fold of the training split that is not used, for `mscat cross-fit`; null uses all.
        mass_hypothesis: only signal of this mass is used, and it is what all events have as `m_H` [GeV].
        without_masses: signal of these masses is not used, so that a network trained with `m_H` can be asked for a mass
            between those that it knows [GeV].
        shuffle_labels: permute the labels once over all events (a check: nothing may be learned). label_seed: of that
            permutation, so that trainings with several seeds have the same; null takes `seed`.
        preparation: how tokens are made from raw constituents, where not as in the file; `mscat prepare` makes them.
    """

    path: str | None = None
    constituent_features: tuple[str, ...] = CONSTITUENT_COLUMNS
    kinematic_features: tuple[str, ...] = KINEMATIC_COLUMNS
    declustering_features: tuple[str, ...] = ("ln_inverse_delta", "ln_kt", "ln_z")
    subjet_features: tuple[str, ...] = SUBJET_COLUMNS
    event_shapes: tuple[str, ...] = ()
    high_level_features: HighLevelFeatures | None = Field(default=None, exclude_if=is_none)
    max_constituents: PositiveInt | None = None
    train_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.64
    validation_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.16
    train_events: PositiveInt | None = None
    left_out: Fold | None = Field(default=None, exclude_if=is_none)
    mass_hypothesis: PositiveFloat | None = None
    without_masses: tuple[PositiveFloat, ...] = ()
    shuffle_labels: bool = False
    label_seed: Annotated[int | None, Field(ge=0, lt=2**31, exclude_if=is_none)] = None
    preparation: Preparation = Preparation()

    @model_validator(mode="after")
    def _possible(self) -> "DataSettings":
        if self.train_fraction + self.validation_fraction >= 1.0:
            raise ValueError("train_fraction + validation_fraction leave nothing for the test split; lower one of them")
        if self.mass_hypothesis in self.without_masses:
            raise ValueError(
                f"without_masses leaves out mass_hypothesis, {self.mass_hypothesis:g}; name it in one alone"
            )
        for asked, known, what in (
            (self.constituent_features, CONSTITUENT_COLUMNS, "constituent_features"),
            (self.kinematic_features, (*KINEMATIC_COLUMNS, MASS, KNOWN_LOGIT), "kinematic_features"),
            (self.declustering_features, LUND_COLUMNS, "declustering_features"),
            (self.subjet_features, SUBJET_COLUMNS, "subjet_features"),
            (self.event_shapes, EVENT_SHAPE_COLUMNS, "event_shapes"),
        ):
            wrong = [name for name in asked if name not in known]
            if wrong or not (asked or what == "event_shapes"):
                raise ValueError(f"{what}: {wrong or 'empty'}; choose from {', '.join(known)}")
        return self


class TrainSettings(Settings):
    """The training.

    Attributes:
        strategy: `mirrored` uses every visible device of this machine; `one_device` the first; `multi_worker` those of
            all processes that `mscat launch` started.
        logical_devices: split the CPU into this many devices (exercises replication without GPUs).
        worker_timeout: seconds until a process of `multi_worker` that does not answer is given up.
        repeats: train so many times, with seeds `seed`, `seed + 1`, ..., and report mean and spread.
        epochs: validations until the end. steps_per_epoch: steps between them; null means one pass over the events.
        batch_size: events per step, over all replicas together.
        accumulation: parts in which a replica takes its share of a batch, one after the other, before the one update.
        parallel_parts: parts of what a replica computes at a time that run side by side, each on one core: for networks
            so small that two cores cannot share one operation.
        lanes: parts into which blocks of events are dealt; a batch takes as many events of each. With as many lanes as
            worker processes (or a multiple) a worker reads its own lanes only; with 1 each reads everything. The
            batches depend on the lanes, never on the workers.
        length_buckets: batches of events with about equally many constituents, in so many classes; 1 mixes all.
        sampling: `natural`, `balanced` (each class equally often, its processes too), or the share of every process.
            The weights are divided by it: what is minimised stays the same.
        class_weights: `balanced` gives both classes the same sum of weights, `masses` besides signal of every `m_H` the
            same, `natural` leaves the cross-sections alone.
        event_weights: False gives every event of a process the same weight.
        label_smoothing: epsilon of arXiv:1512.00567, section 7; 0 is off.
        steps_per_execution: steps for each call from Python.
        xla: compile forward and backward pass. precision: `bfloat16` keeps the weights in float32.
        deterministic: ask TensorFlow for deterministic operations (slower on GPUs, without XLA).
        optimizer: `adamw`, or `adam` without weight decay. schedule: `cosine` after the warm-up, or `constant`.
        learning_rate: peak, after a linear warm-up over `warmup_fraction` of all steps.
        clip_norm: greatest norm of the gradient of all weights together; 0 is off.
        ema: momentum of the moving average of the weights that is validated and kept; 0 is off.
        symmetries: show every event in each epoch rotated about the beam and mirrored at random, which changes nothing
            physical (see `mscat_tf.data.symmetries`).
        start_from: a run folder or a `.keras` file whose weights the network begins with; null begins at random. Of
            another network the equally named parts of the same sizes are taken, never the head; of a run with several
            seeds that of the own seed.
        freeze: parts that stay as `start_from` gave them: layers by name, or by the first words of their names
            (`constituents`, `kinematics`, `head`, ...).
        monitor: what the best epoch has least (`val_loss`) or most (`val_auc`) of.
        early_stopping_patience: epochs without a better one before stopping; 0 never stops.
        checkpoint_minutes: also keep a checkpoint within an epoch this often; 0 only after each epoch.
    """

    strategy: Literal["mirrored", "multi_worker", "one_device"] = "mirrored"
    logical_devices: Annotated[int, Field(ge=1, le=64)] = 1
    worker_timeout: PositiveFloat = 300.0
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    epochs: PositiveInt = 15
    steps_per_epoch: PositiveInt | None = None
    batch_size: Annotated[int, Field(gt=0, le=2**24)] = 128
    accumulation: PositiveInt = 1
    parallel_parts: PositiveInt = 1
    lanes: PositiveInt = 1
    length_buckets: Annotated[int, Field(ge=1, le=64)] = 1
    sampling: Literal["natural", "balanced"] | dict[str, PositiveFloat] = "natural"
    class_weights: Literal["balanced", "masses", "natural"] = "balanced"
    event_weights: bool = True
    label_smoothing: Rate = 0.0
    steps_per_execution: PositiveInt = 1
    xla: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    deterministic: bool = False
    optimizer: Literal["adamw", "adam"] = "adamw"
    schedule: Literal["cosine", "constant"] = "cosine"
    learning_rate: PositiveFloat = 1e-3
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-3
    warmup_fraction: Rate = 0.1
    clip_norm: Annotated[float, Field(ge=0.0)] = 0.0
    ema: Rate = 0.0
    symmetries: bool = True
    start_from: str | None = None
    freeze: tuple[str, ...] = ()
    monitor: Literal["val_loss", "val_auc"] = "val_loss"
    early_stopping_patience: Annotated[int, Field(ge=0)] = 6
    checkpoint_minutes: Annotated[float, Field(ge=0.0)] = 10.0
    checkpoints_kept: PositiveInt = 2
    tensorboard: bool = True

    @model_validator(mode="after")
    def _possible(self) -> "TrainSettings":
        if self.batch_size % (self.lanes * self.accumulation * self.parallel_parts):
            raise ValueError(
                f"batch_size = {self.batch_size} must be a multiple of lanes ({self.lanes}) times accumulation "
                f"({self.accumulation}) times parallel_parts ({self.parallel_parts})"
            )
        if self.freeze and self.start_from is None:
            raise ValueError(
                f"freeze: {', '.join(self.freeze)} would stay at random; give start_from, the run that trained it"
            )
        if self.length_buckets > 1 and self.lanes > 1:
            raise ValueError("length_buckets and lanes exclude each other: set one of them to 1")
        if self.deterministic and self.xla:
            raise ValueError("deterministic operations exclude xla: set one of them to false")
        return self


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


AttributionMethod = Literal["grad_cam", "grad_cam_plus_plus", "score_cam", "integrated_gradients"]
ExplanationStudy = Literal["randomisation", "insertion_deletion", "importance"]


class ExplanationSettings(Settings):
    """Attention maps, attributions and checks of test events.

    Attributes:
        events: at most this many test events of each process, drawn at random.
        batch_size: events at a time.
        shown_events: of so many of them of each process all attention scores are kept, for the report.
        methods: what is computed for every event; `grad_cam_plus_plus` and `score_cam` are slow.
        gradcam_layer: layer whose token features are weighed; null means the last constituent block.
        integration_steps: points on the path of integrated gradients.
        studies: done after the maps: does the explanation depend on the weights, does removing what it names hurt,
            what is each input worth. study_events: test events, at most, for each of them.
        plane_bins: in eta and phi, over the area of the jet.
    """

    events: PositiveInt = 5000
    batch_size: PositiveInt = 250
    shown_events: Annotated[int, Field(ge=0)] = 20
    methods: tuple[AttributionMethod, ...] = ("grad_cam", "integrated_gradients")
    gradcam_layer: str | None = None
    integration_steps: Annotated[int, Field(ge=2)] = 20
    studies: tuple[ExplanationStudy, ...] = ("randomisation", "insertion_deletion", "importance")
    study_events: PositiveInt = 1000
    plane_bins: Annotated[int, Field(ge=2)] = 40
