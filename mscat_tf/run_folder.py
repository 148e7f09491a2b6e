"""`runs/<name>/`: where a run keeps what, whether it is finished, and the run as an object for Python and Jupyter."""

from collections.abc import Mapping
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mscat_tf.config import Config, load_config, study
from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.errors import InputError
from mscat_tf.explanation import Explanation, StoredMaps
from mscat_tf.files import file_digest, read_json
from mscat_tf.html_table import html_table
from mscat_tf.number_text import estimate_text
from mscat_tf.run_metrics import ALL, Metrics

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from mscat_tf.data import EventTable, Sample
    from mscat_tf.inference.scorer import Scorer

RUNS = Path(study.RUNS)
DATA = Path("data")


def sample_path(config: Config) -> Path:
    """Where the run's events are: `source_path`, or the sample derived from it by `data.preparation`."""
    return config.data.preparation.folder_of(source_path(config))


def source_path(config: Config) -> Path:
    """Where the events are as they were made: `data.path`, or `data/<sample.name>`."""
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
        """Whether the training, or that of every member, came to its end."""
        if not (self.path / "training.json").is_file():
            return False
        if self.repeated:
            folders = [self.path / name for name in member_names(self.config)]
            return all(has_run(folder) and Run(folder).finished for folder in folders)
        return self.model_file.is_file()

    @property
    def repeated(self) -> bool:
        """Whether the same was trained with several seeds (`train.repeats`); the run is then their ensemble."""
        return self.config.train.repeats > 1

    @property
    def members(self) -> list["Run"]:
        """The runs of the single seeds, each complete in itself; none unless `repeated`."""
        return [Run(self.path / name) for name in member_names(self.config)]

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
    def metrics(self) -> Metrics:
        """Metrics of the test split, written by `mscat evaluate`."""
        return Metrics(self._json("metrics.json"))

    @cached_property
    def model(self) -> "keras.Model":
        """The trained network, best epoch.

        Raises:
            InputError: the training is not finished, the file is damaged, or boosted trees were trained.
        """
        from mscat_tf.models.saved import load_network

        if self._trees:
            raise InputError(
                f"{self.path}: boosted trees have no layers, so no attention maps and no Grad-CAM; choose the run of a "
                "network"
            )
        if self.repeated:
            raise InputError(
                f"{self.path}: an ensemble of {self.config.train.repeats} networks; choose one of them, for example "
                f"{self.members[0].path}"
            )
        self.need_finished()
        return load_network(self.model_file, "delete it and train again")

    @cached_property
    def predictor(self) -> SplitPredictor:
        """Gives the logits of a split, whatever was trained."""
        if self.repeated:
            from mscat_tf.models.ensemble import Ensemble

            self.need_finished()
            return Ensemble([partial(_predictor, member.path) for member in self.members])
        if self._trees:
            from mscat_tf.models.boosted_trees import BoostedTrees

            return BoostedTrees.load(self.need_finished().model_file)
        from mscat_tf.inference.keras_network import in_float32
        from mscat_tf.models.predictor import NetworkPredictor

        return NetworkPredictor(in_float32(self.model), self.config.data, 4 * self.config.train.batch_size)

    def scorer(self, backend: str = "keras", batch_size: int | None = None) -> "Scorer":
        """What gives logits of any events; `predict` is the simple way.

        Args:
            backend: `keras`, or `onnx`: onnxruntime on `model.onnx`, which is exported first where it is missing.
            batch_size: events at a time.
        """
        from mscat_tf.inference import scorer

        batch_size = batch_size or scorer.BATCH_SIZE
        if self.repeated:
            return scorer.EnsembleScorer([member.scorer(backend, batch_size) for member in self.members])
        if self._trees:
            return scorer.TreesScorer(self.predictor, batch_size)  # type: ignore[arg-type]
        if backend == "onnx":
            from mscat_tf.inference.onnx_network import onnx_scorer

            return onnx_scorer(self._onnx_file(), batch_size)
        from mscat_tf.inference.keras_network import keras_scorer

        return keras_scorer(self.model, self.config.data, batch_size)

    def predict(self, events: "str | Path | Sample | Mapping[str, Any]") -> "NDArray[np.float32]":
        """Scores `(n,)` of a sample, of its path, or of arrays by name: see `mscat_tf.inference.predict.scores`."""
        from mscat_tf.inference.predict import scores

        return scores(self._scorer, events)

    @cached_property
    def _scorer(self) -> "Scorer":
        return self.scorer()

    def export(self, format: str, out: Path | None = None) -> tuple[Path, float]:
        """Write the network for other programs; where it is, and the greatest difference of a score from Keras'.

        Args:
            format: `onnx` or `saved_model`. out: default `model.onnx` or `saved_model/` in the run folder.
        """
        from mscat_tf.inference.export import FORMATS, export

        out = out or self.path / FORMATS[format]
        return out, export(self.model, self.config.data, self.origin, format, out)

    @property
    def origin(self) -> dict[str, Any]:
        """What made the network: goes with exported networks and scores."""
        made = self._json("environment.json")
        if not {"data_digest", "versions"} <= made.keys():
            raise InputError(f"{self.path / 'environment.json'}: does not say what made the run; train anew")
        return {
            "run": str(self.path),
            "network": self.config.model.name,
            "seed": self.config.seed,
            "data_digest": made["data_digest"],
            "weights": file_digest(self.model_file) if self.model_file.is_file() else "",
            "trained_with": made["versions"],
            "configuration": self.config.model_dump(mode="json"),
        }

    def _onnx_file(self) -> Path:
        """`model.onnx` of the present weights."""
        from mscat_tf.inference.onnx_network import metadata, open_session

        path = self.path / "model.onnx"
        if path.is_file() and metadata(path, open_session(path)).get("weights") == file_digest(self.model_file):
            return path
        return self.export("onnx")[0]

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

    def explain(self) -> Explanation:
        """Do what `mscat explain` does, or what is left of it; returns what was found."""
        _upstairs("interpretation.run").explain(self)
        return self.explanation

    @property
    def explanation(self) -> Explanation:
        """What `mscat explain` wrote.

        Raises:
            InputError: nothing yet.
        """
        return Explanation(self.path)

    def attention_maps(self) -> StoredMaps:
        """Arrays of `attention.h5` by name (docs/explanations.md).

        Raises:
            InputError: the run is not explained yet, or its network has no attention.
        """
        return self.explanation.attention

    def grad_cam(self) -> StoredMaps:
        """Arrays of `gradcam.h5` by name: every event's Grad-CAM and other attributions (docs/attributions.md).

        Raises:
            InputError: the run is not explained yet, or its network reads no constituents.
        """
        return self.explanation.grad_cam

    def report(self, path: str | Path | None = None, *others: "Run") -> Path:
        """Write the HTML page of this run, compared with others; returns where it is.

        Args:
            path: of the file; default `report.html` in the run folder. others: evaluated runs.
        """
        written: Path = _upstairs("report.page").write_report([self, *others], path)
        return written

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            return read_json(path)
        except FileNotFoundError as error:
            command = "mscat evaluate" if name == "metrics.json" else "mscat train"
            raise InputError(f"{path}: not there yet; run `{command}` first") from error

    def _repr_html_(self) -> str:
        rows = {"network": self.config.model.name, "sample": sample_path(self.config), "finished": self.finished}
        if (self.path / "metrics.json").is_file():
            rows["AUC (test)"] = estimate_text(self.metrics[ALL]["auc"])
        return html_table(str(self.path), rows.items())


def _upstairs(module: str) -> Any:
    """A module that stands above this one; the import is a call, as nothing here may depend on it."""
    return import_module(f"mscat_tf.{module}")


def _predictor(path: Path) -> SplitPredictor:
    return Run(path).predictor


def load_run(path: str | Path) -> Run:
    """Open a run folder, e.g. `mscat_tf.load_run("runs/demo-mscat")`."""
    return Run(path)


def member_names(config: Config) -> list[str]:
    """Folders of the single seeds below `runs/<name>`: `seed-1`, ...; none unless the training is repeated."""
    repeats = config.train.repeats
    return [f"seed-{config.seed + number}" for number in range(repeats)] if repeats > 1 else []


def has_run(folder: Path) -> bool:
    """Whether a training was begun here."""
    return (folder / "config.yaml").is_file()
