"""A study: configurations that differ in what is asked about, trained with several seeds and compared."""

from typing import Any, Literal

from pydantic import Field, PositiveInt, ValidationError, model_validator

from mscat_tf.config.base import Settings, as_config_error, parse_yaml, unknown_key
from mscat_tf.config.load import Config, load_config, shipped_folder
from mscat_tf.config.sample import ProcessName
from mscat_tf.errors import ConfigError

FOLDER, SCALES = "studies", "scales.yaml"
KNOWN = "cross-fitted.h5"
RUNS = "runs"
"""Where `mscat_tf.run_folder` keeps the runs."""


class Row(Settings):
    """One configuration of a study.

    Attributes:
        base: configuration that it stands on; null means that of the study.
        set: `section.key=value`, on top of base and scale.
        against: the row with which it is compared on the same test events; null means the reference.
        scales: in which it is; none named means all.
        start_from_row: the row with whose weights the training begins, seed by seed (`train.start_from`).
        knows_row: the row whose score, of networks that have not seen the event (`mscat cross-fit`), is
            `data.preparation.known` here; `set` says what becomes of it.
        trained_as: the row whose networks are evaluated here: `set`, on top of that row's, says with which events, and
            nothing is trained.
        varies: beside `trained_as`, an uncertainty of the fit for that row, of which these events are one standard
            deviation: up in the first row of this name, down in the second.
        series, x: the line in the figure of which it is a point, and its place on the axis.
    """

    base: str | None = None
    set: tuple[str, ...] = ()
    against: str | None = None
    scales: tuple[str, ...] = ()
    start_from_row: str | None = None
    knows_row: str | None = None
    trained_as: str | None = None
    varies: str | None = None
    series: str | None = None
    x: float | None = None

    @model_validator(mode="after")
    def _possible(self) -> "Row":
        if self.varies is not None and self.trained_as is None:
            raise ValueError("varies needs trained_as: a variation is of the events, with the network of another row")
        if self.trained_as is not None:
            wrong = [entry for entry in self.set if not entry.startswith(("data.", "sample."))]
            wrong += [name for name in ("base", "start_from_row") if getattr(self, name) is not None]
            if wrong:
                raise ValueError(
                    f"{', '.join(wrong)} may not stand beside trained_as, which takes the network of another row; set "
                    "only data.* and sample.*"
                )
        return self


class Axis(Settings):
    """What the rows of a study go along.

    Attributes:
        title, unit: written beside it. logarithmic: its scale.
        measured: places a row without `x` by the events that it was trained on.
    """

    title: str
    unit: str = ""
    logarithmic: bool = False
    measured: Literal["training_events"] | None = None


class Quoted(Settings):
    """What someone else says about some differences of this study.

    Attributes:
        source: who, where. rows: of each, less the row that it is compared with. low, high: of that difference of AUC.
    """

    source: str
    rows: tuple[str, ...] = Field(min_length=1)
    low: float
    high: float


class CommonScale(Settings):
    """Settings of a scale.

    Attributes:
        set: `section.key=value` for every row. of_base: more of them for the rows that stand on a base configuration,
            by its name. instead: of them for rows that stand on a base to which `set` does not apply.
    """

    set: tuple[str, ...] = ()
    of_base: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    instead: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "CommonScale":
        both = self.of_base.keys() & self.instead.keys()
        if both:
            raise ValueError(f"{', '.join(sorted(both))}: in of_base and in instead, which replaces it; choose one")
        return self

    def settings_on(self, base: str) -> tuple[str, ...]:
        """Of a row that stands on this configuration."""
        return self.instead[base] if base in self.instead else (*self.set, *self.of_base.get(base, ()))


class Scale(CommonScale):
    """How much a study spends, besides what all have in common at the scale (`experiments/studies/scales.yaml`).

    Attributes:
        seeds: trainings of each row.
    """

    seeds: PositiveInt


class Study(Settings):
    """What `mscat reproduce NAME` does.

    Attributes:
        name: of files and folders. title: a heading. question: what it is to decide, in words.
        base: configuration on which rows stand that name no other. reference: the row with which the others are
            compared.
        scales: `demo` for two cores, `paper` for a node with GPUs. rows: by name, in the order of the table.
        x_axis: of a curve, if the rows are points of one.
        acceptance: a sample that is only simulated, for the acceptance of the selection in each of its processes.
        quoted: differences that the study is to confirm or to exclude.
        reach: whether what a search would reach is fitted; it means nothing for single jets.
        further: what is measured besides: how fast each row learns, what each stream is worth to it, what it costs,
            what its cuts select, accuracy and rejections of its single trainings.
    """

    name: ProcessName
    title: str
    question: str
    base: str = "demo"
    reference: str
    scales: dict[str, Scale] = Field(min_length=1)
    rows: dict[str, Row] = Field(min_length=1)
    x_axis: Axis | None = None
    acceptance: Row | None = None
    quoted: Quoted | None = None
    reach: bool = True
    further: tuple[Literal["learning", "importance", "cost", "selection", "working_points"], ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> "Study":
        for name in (self.reference, *(row.against for row in self.rows.values() if row.against)):
            if name not in self.rows:
                raise ValueError(f"there is no row '{name}' to compare with; rows: {', '.join(self.rows)}")
        for name in self.rows:
            for uncertainty, shifts in self.variations_of(name).items():
                if len(shifts) > 2:
                    raise ValueError(
                        f"'{uncertainty}' of row '{name}' has {len(shifts)} rows; give up and down at most"
                    )
        for name in self.quoted.rows if self.quoted else ():
            if name not in self.rows or self.compared_with(name) is None:
                raise ValueError(f"quoted: '{name}' is no row that is compared with another")
        names = list(self.rows)
        for name, row in self.rows.items():
            parents = {key: getattr(row, key) for key in ("trained_as", "start_from_row", "knows_row")}
            trained = [other for other in names[: names.index(name)] if self.rows[other].trained_as is None]
            for key, parent in parents.items():
                if parent is not None and parent not in trained:
                    raise ValueError(f"row '{name}': {key}: '{parent}' is no row above it that is trained")
            for other in filter(None, (*parents.values(), self.compared_with(name))):
                missing = [scale for scale in self._scales_of(name) if scale not in self._scales_of(other)]
                if missing:
                    raise ValueError(f"row '{name}' needs row '{other}', which is not in scale {', '.join(missing)}")
        return self

    def _scales_of(self, row: str) -> tuple[str, ...]:
        return self.rows[row].scales or tuple(self.scales)

    def variations_of(self, row: str) -> dict[str, list[str]]:
        """By uncertainty the rows with the networks of this one whose events are shifted: up and, if given, down."""
        found: dict[str, list[str]] = {}
        for name, other in self.rows.items():
            if other.varies is not None and other.trained_as == row:
                found.setdefault(other.varies, []).append(name)
        return found

    def compared_with(self, row: str) -> str | None:
        """The row that this one is compared with; None for one that stands by itself."""
        against = self.rows[row].against or self.reference
        return None if against == row else against

    def configurations(self, scale: str) -> dict[str, Config]:
        """By row, each with a run name of its own that depends on nothing but what decides the training.

        Two studies that ask for the same training so share its folder.

        Raises:
            ConfigError: there is no such scale, or a setting is refused.
        """
        if scale not in self.scales:
            raise ConfigError(f"study {self.name}: {unknown_key(scale, list(self.scales))}")
        found: dict[str, Config] = {}
        for name, row in self.rows.items():
            if scale in self._scales_of(name):
                parent = row.trained_as or row.start_from_row
                known = []
                if row.knows_row is not None:
                    known = [f"data.preparation.known.scores={_known_scores(found[row.knows_row])}"]
                found[name] = self._configuration(row, scale, found[parent] if parent else None, known)
        return found

    def _configuration(self, row: Row, scale: str, parent: Config | None, known: list[str]) -> Config:
        if parent is not None and row.trained_as:
            config = parent.updated([*known, *row.set])
            return config.model_copy(update={"name": f"{parent.name}-on-{config.decisive_digest[:8]}"})
        base, own = row.base or self.base, self.scales[scale]
        common = [*_common(scale).settings_on(base), *own.settings_on(base), f"train.repeats={own.seeds}"]
        if parent is not None:
            common.append(f"train.start_from={RUNS}/{parent.name}")
        return _named(load_config(base, [*common, *known, *row.set]))

    def acceptance_configuration(self) -> Config | None:
        """With the sample of `acceptance`, of no scale."""
        wanted = self.acceptance
        return None if wanted is None else load_config(wanted.base or self.base, list(wanted.set))


def _known_scores(config: Config) -> str:
    """Where `mscat cross-fit` writes the scores of all events by the networks of a run of this name."""
    return f"{RUNS}/{config.name}/{KNOWN}"


def _common(scale: str) -> CommonScale:
    """What all studies have at this scale."""
    where = f"{FOLDER}/{SCALES}"
    found = parse_yaml(_shipped().joinpath(SCALES).read_text(), where).get(scale, {})
    try:
        return CommonScale(**found)
    except ValidationError as error:
        raise as_config_error(error, where) from error


def _named(config: Config) -> Config:
    return config.model_copy(update={"name": f"{config.model.name}-{config.decisive_digest[:8]}"})


def studies() -> list[str]:
    """Names of those that ship."""
    files = (file.name for file in _shipped().iterdir())
    return sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml") and name != SCALES)


def load_study(name: str) -> Study:
    """One that ships.

    Raises:
        ConfigError: there is none of this name, or its file is wrong.
    """
    if name not in studies():
        raise ConfigError(f"study: {unknown_key(name, studies())}")
    where = f"{FOLDER}/{name}.yaml"
    try:
        return Study(**parse_yaml(_shipped().joinpath(f"{name}.yaml").read_text(), where))
    except ValidationError as error:
        raise as_config_error(error, where) from error


def _shipped() -> Any:
    return shipped_folder().joinpath(FOLDER)
