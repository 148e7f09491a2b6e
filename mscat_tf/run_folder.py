"""`runs/<name>/`: where a run keeps what, whether it is finished, and the run as an object for Python and Jupyter."""

import html
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from mscat_tf.config import Config, load_config
from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.errors import InputError, OutputError
from mscat_tf.files import make_folder, remove_leftovers, write_json, write_text
from mscat_tf.provenance import environment

if TYPE_CHECKING:
    import keras

    from mscat_tf.data import EventTable, Sample

RUNS = Path("runs")
DATA = Path("data")
_DECIDES_TRAINING = ("seed", "data", "model", "train")


def sample_path(config: Config) -> Path:
    """Where the run's events are: `data.path`, or `data/<sample.name>`."""
    return Path(config.data.path) if config.data.path else DATA / config.sample.name


class SplitPredictor(Protocol):
    """What a finished run answers with: a network, or trees."""

    def logits(self, sample: "Sample", table: "EventTable", split: str) -> tuple[Any, Any]:
        """Rows of a split, increasing, and their logits, `(n,)` each."""


class Run:
    """A training run on disk; loads what is asked for, when it is asked for.

    Args:
        path: `runs/<name>`.

    Raises:
        InputError: there is no run at `path`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not (self.path / "config.yaml").is_file():
            known = ", ".join(sorted(str(p.parent) for p in self.path.parent.glob("*/config.yaml"))) or "none"
            raise InputError(f"{self.path}: no run here (config.yaml is missing); runs beside it: {known}")

    @cached_property
    def config(self) -> Config:
        """The resolved configuration that made the run."""
        return load_config(self.path / "config.yaml")

    @property
    def finished(self) -> bool:
        """Whether the training came to its end."""
        return (self.path / "training.json").is_file() and self.model_file.is_file()

    @property
    def model_file(self) -> Path:
        """What was trained: `model.keras`, or `trees.h5` for `boosted_trees`."""
        return self.path / ("trees.h5" if self._trees else "model.keras")

    @property
    def _trees(self) -> bool:
        return self.config.model.name == BOOSTED_TREES

    def need_finished(self) -> "Run":
        """Raise InputError when the training is not finished; return the run itself otherwise."""
        if not self.finished:
            raise InputError(f"{self.path}: the training is not finished; run the same `mscat train` again, it resumes")
        return self

    @property
    def training(self) -> dict[str, Any]:
        """Summary that the training wrote."""
        return self._json("training.json")

    @property
    def metrics(self) -> dict[str, Any]:
        """Metrics of the test split, written by `mscat evaluate`."""
        return self._json("metrics.json")

    @cached_property
    def model(self) -> "keras.Model":
        """The trained network, best epoch.

        Raises:
            InputError: the training is not finished, the file is damaged, or boosted trees were trained.
        """
        import keras

        from mscat_tf.models import registry  # noqa: F401  registers the layers that the file names

        if self._trees:
            raise InputError(
                f"{self.path}: boosted trees have no layers, so no attention maps and no Grad-CAM; choose the run of a "
                "network"
            )
        self.need_finished()
        try:
            return keras.models.load_model(self.model_file)
        except (OSError, ValueError) as error:
            raise InputError(f"{self.model_file}: cannot be loaded ({error}); delete it and train again") from error

    @cached_property
    def predictor(self) -> SplitPredictor:
        """Gives the logits of a split, whatever was trained."""
        if self._trees:
            from mscat_tf.models.boosted_trees import BoostedTrees

            return BoostedTrees.load(self.need_finished().model_file)
        from mscat_tf.models.predictor import NetworkPredictor

        return NetworkPredictor(self.model, self.config.data, 4 * self.config.train.batch_size)

    @cached_property
    def sample(self) -> "Sample":
        """The events that it was trained on."""
        from mscat_tf.data import Sample

        return Sample(sample_path(self.config))

    @cached_property
    def table(self) -> "EventTable":
        """Labels, weights and splits of the sample's events."""
        from mscat_tf.data import event_table

        return event_table(self.sample, self.config.data, self.config.seed)

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            return dict(json.loads(path.read_text()))
        except FileNotFoundError as error:
            command = {"metrics.json": "mscat evaluate", "training.json": "mscat train"}[name]
            raise InputError(f"{path}: not there yet; run `{command}` first") from error

    def _repr_html_(self) -> str:
        rows = {"network": self.config.model.name, "sample": sample_path(self.config), "finished": self.finished}
        if (self.path / "metrics.json").is_file():
            auc = self.metrics["all backgrounds"]["auc"]
            rows["AUC (test)"] = f"{auc['value']:.4f} ± {auc['error']:.4f}"
        cells = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(str(v))}</td></tr>" for k, v in rows.items())
        return f"<table><caption>{html.escape(str(self.path))}</caption>{cells}</table>"


def load_run(path: str | Path) -> Run:
    """Open a run folder, e.g. `mscat_tf.load_run("runs/demo-mscat")`."""
    return Run(path)


def has_run(folder: Path) -> bool:
    """Whether a training was begun here."""
    return (folder / "config.yaml").is_file()


def start_run(config: Config, folder: Path, data_digest: str) -> Run:
    """Make or re-open the folder of a run; a folder that another configuration made is never touched.

    Args:
        config: resolved. folder: `runs/<name>`. data_digest: identifies the events.

    Raises:
        OutputError: the folder belongs to other settings or other events, or cannot be written.
    """
    make_folder(folder)
    remove_leftovers(folder)
    present = {"config": config.model_dump(mode="json"), "data_digest": data_digest}
    if has_run(folder):
        _refuse_other(folder, present)
        return Run(folder)
    write_json(folder / "environment.json", {**environment(), "data_digest": data_digest})
    write_text(folder / "config.yaml", yaml.safe_dump(present["config"], sort_keys=False))
    return Run(folder)


def _refuse_other(folder: Path, present: dict[str, Any]) -> None:
    before = Run(folder).config.model_dump(mode="json")
    advice = "choose another `name`, or delete the folder"
    for section in _DECIDES_TRAINING:
        if before[section] != present["config"][section]:
            was, now = _first_difference(before[section], present["config"][section], section)
            raise OutputError(f"{folder}: made with other settings ({was}, now {now}); {advice}")
    recorded = json.loads((folder / "environment.json").read_text())["data_digest"]
    if recorded != present["data_digest"]:
        raise OutputError(
            f"{folder}: was trained on other events (sample {recorded}, now {present['data_digest']}); {advice}"
        )


def _first_difference(before: Any, now: Any, place: str) -> tuple[str, Any]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in now:
            if before.get(key) != now[key]:
                return _first_difference(before.get(key), now[key], f"{place}.{key}")
    return f"{place} was {before}", now
