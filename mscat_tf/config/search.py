"""The section `search`: which settings `mscat search` varies, within which budget."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, PositiveFloat, PositiveInt, Tag, model_validator

from mscat_tf.config.base import Settings

_OTHER_EVENTS = "the trials would be judged on other events or weights, so their figures could not be compared"
NOT_SEARCHED = {
    "data.path": _OTHER_EVENTS,
    "data.train_fraction": _OTHER_EVENTS,
    "data.validation_fraction": _OTHER_EVENTS,
    "data.mass_hypothesis": _OTHER_EVENTS,
    "data.without_masses": _OTHER_EVENTS,
    "data.shuffle_labels": _OTHER_EVENTS,
    "data.label_seed": _OTHER_EVENTS,
    "train.class_weights": _OTHER_EVENTS,
    "train.event_weights": _OTHER_EVENTS,
    "train.epochs": "set search.epochs instead",
    "train.monitor": "the objective decides it: set search.objective instead",
    "train.repeats": "set it once, beside the space: every trial is then trained with so many seeds",
}
"""Settings that no search varies, and why."""
SECTIONS = ("data", "model", "train")


class Range(Settings):
    """Numbers from `min` to `max`; whole numbers if both are.

    Attributes:
        log: uniform in the logarithm. step: distance of neighbouring values (their ratio with `log`); null means any.
    """

    min: int | float
    max: int | float
    log: bool = False
    step: int | float | None = None

    @model_validator(mode="after")
    def _possible(self) -> "Range":
        if not self.min < self.max:
            raise ValueError(f"min = {self.min} must lie below max = {self.max}")
        if self.log and self.min <= 0:
            raise ValueError(f"min = {self.min} has no logarithm; raise it above 0, or set log to false")
        if self.step is not None and self.step <= (1 if self.log else 0):
            raise ValueError(f"step = {self.step} must be greater than {'1 (a ratio)' if self.log else '0'}")
        if self.whole and isinstance(self.step, float):
            raise ValueError(f"step = {self.step} must be whole, as min and max are; or write min: {self.min}.0")
        return self

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return isinstance(self.min, int) and isinstance(self.max, int)


def _kind(dimension: Any) -> str:
    return "range" if isinstance(dimension, dict | Range) else "values"


def _range_or_list(dimension: Any) -> Any:
    if not isinstance(dimension, dict | Range | list | tuple):
        raise ValueError("write a range {min: ..., max: ...} or a list of two or more values")
    return dimension


Choices = Annotated[tuple[Any, ...], Field(min_length=2)]
Dimension = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choices, Tag("values")],
    Discriminator(_kind),
    BeforeValidator(_range_or_list),
]


class SearchSettings(Settings):
    """A search of hyper-parameters: the budget, and the space.

    Attributes:
        trials: trainings at most. `hyperband` ends by itself after its last bracket if that comes first.
        hours: begin no trial after so many hours of training, all calls of the command together; null never stops.
        epochs: of every trial; the schedule of the learning rate ends with them. `hyperband` gives so many to the last
            of each bracket and a third of it, a ninth, ... to those before.
        algorithm: `random`; `bayesian`, a Gaussian process that proposes where to look next; or `hyperband`
            (arXiv:1603.06560), many short trainings whose best third is trained again for longer.
        objective: figure of the validation split that is optimised; `train.monitor` follows it.
        space: by dotted name, as in `train.learning_rate`: a range `{min: 1e-4, max: 1e-2, log: true}` or a list of
            values.
    """

    trials: PositiveInt = 20
    hours: PositiveFloat | None = None
    epochs: PositiveInt = 5
    algorithm: Literal["random", "bayesian", "hyperband"] = "random"
    objective: Literal["val_loss", "val_auc"] = "val_loss"
    space: Annotated[dict[str, Dimension], Field(min_length=1)]

    @model_validator(mode="after")
    def _varied(self) -> "SearchSettings":
        for name in self.space:
            section, dot, _ = name.partition(".")
            if section not in SECTIONS or not dot:
                raise ValueError(f"space: '{name}' is no setting of {', '.join(SECTIONS)}; only these are searched")
            if name in NOT_SEARCHED:
                raise ValueError(f"space: '{name}' is not searched: {NOT_SEARCHED[name]}")
        return self
