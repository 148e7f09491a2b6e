"""What `mscat explain` left in a run: arrays of `attention.h5` and `gradcam.h5`, numbers of `explanation.json`."""

from functools import cached_property
from typing import Any

from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.explanation import ATTENTION_FILE, GRAD_CAM_FILE, NUMBERS_FILE, StoredMaps
from mscat_tf.files import read_json
from mscat_tf.run_folder import Run


class Explained:
    """The explanation of a run, as far as it has one.

    Args:
        run: any run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def attention(self) -> StoredMaps | None:
        """`attention.h5`; None without it, or without attention in the network."""
        stored = self._stored(ATTENTION_FILE)
        return stored if stored and any(name.endswith("/per_head") for name in stored) else None

    @cached_property
    def grad_cam(self) -> StoredMaps | None:
        """`gradcam.h5`; None without it, or without constituents in the network."""
        stored = self._stored(GRAD_CAM_FILE)
        return stored if stored and "process" in stored else None

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """`explanation.json`; empty without it."""
        path = self.run.path / NUMBERS_FILE
        return read_json(path) if path.is_file() else {}

    @property
    def how(self) -> str:
        """Which command makes what is missing, or why none does."""
        run, config = self.run, self.run.config
        if config.model.name == BOOSTED_TREES:
            return "Boosted trees have no layers, so they have no attention maps, no Grad-CAM and no gradients."
        if run.repeated:
            one = run.members[0].path
            return (
                f"This is an ensemble of {config.train.repeats} networks: `mscat explain {one}` explains one of them."
            )
        if self.numbers:
            return f"The network `{config.model.name}` has no layers for it, `mscat explain {run.path}` found."
        return f"`mscat explain {run.path}` makes it."

    def _stored(self, name: str) -> StoredMaps | None:
        path = self.run.path / name
        return StoredMaps(path) if path.is_file() else None
