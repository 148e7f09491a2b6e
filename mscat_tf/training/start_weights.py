"""Begin a training with the weights of another one: fine-tuning, and parts that stay as they were trained before.

A part is what layers have as the first word of their names: `constituents`, `kinematics`, `cross`, `head` (with the
`logit` after it), ...
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from mscat_tf.errors import ConfigError, InputError
from mscat_tf.models.saved import load_network

log = logging.getLogger(__name__)

Shapes = dict[str, tuple[int, ...]]
HEAD = "head"


def load_start_weights(model: keras.Model, source: str, seed: int = 1) -> set[str]:
    """Give a network the weights of a saved one: all, or of another network those parts that it has as well.

    A head is of no use to another network, which gives it other features. The normalisation of the inputs stays that of
    the own training split.

    Args:
        model: just built. source: a run folder, or a `.keras` file. seed: which one of a folder with several.

    Returns:
        The parts taken.

    Raises:
        InputError: there is no network, or it has other weights; the sentence names the first that differs.
    """
    path = _network_file(Path(source), seed)
    trained = load_network(path, "give train.start_from a run folder or a .keras file")
    own, other = _shapes(model), _shapes(trained)
    parts = {_part(name) for name in own}
    taken = parts if own == other else set()
    if trained.name != model.name:
        taken = {part for part in parts - {HEAD} if _of_part(own, part).items() <= other.items()}
    if not taken:
        raise InputError(f"{path}: {_difference(own, other, model.name)}")
    theirs = {weight.path: weight for weight in trained.weights}
    for weight in model.weights:  # by name: `model.jets_at_once` makes the same layers in another order
        if _part(weight.path) in taken:
            weight.assign(theirs[weight.path].numpy())
    log.info("%s: took over %s; at random begin: %s", path, _listed(taken), _listed(parts - taken))
    return taken


def freeze(model: keras.Model, names: Sequence[str], taken: set[str]) -> None:
    """Let the layers of these names, or whose names begin with them, stay as they are.

    Args:
        model: with the weights of another. names: `train.freeze`. taken: parts that came from there.

    Raises:
        ConfigError: no layer has such a name, none of its weights were taken over, or nothing is left to train.
    """
    for name in names:
        found = [layer for layer in model.layers if layer.weights and f"{layer.name}_".startswith(f"{name}_")]
        if not found:
            raise ConfigError(
                f"train.freeze: no layer of network '{model.name}' that has weights is named '{name}'; choose from "
                f"{_listed({_part(path) for path in _shapes(model)})}, or the name of a layer"
            )
        if not {_part(layer.name) for layer in found} <= taken:
            raise ConfigError(
                f"train.freeze: '{name}' of network '{model.name}' would stay at random, since train.start_from has it "
                "not, or with other sizes; train both with the same model settings"
            )
        for layer in found:
            layer.trainable = False
    if not model.trainable_weights:
        raise ConfigError(f"train.freeze: nothing of network '{model.name}' is left to train; name fewer parts")


def _network_file(path: Path, seed: int) -> Path:
    member = path / f"seed-{seed}"
    folder = member if member.is_dir() else path
    return folder / "model.keras" if folder.is_dir() else path


def _shapes(model: keras.Model) -> Shapes:
    return {weight.path: tuple(weight.shape) for weight in model.weights}


def _part(path: str) -> str:
    word = path.split("/")[0].split("_")[0]
    return HEAD if word == "logit" else word


def _of_part(shapes: Shapes, part: str) -> Shapes:
    return {path: shape for path, shape in shapes.items() if _part(path) == part}


def _difference(own: Shapes, other: Shapes, network: str) -> str:
    """The first weight that differs, in a sentence without beginning."""
    name = next(name for name in [*own, *other] if own.get(name) != other.get(name))
    shapes: tuple[Any, ...] = (other.get(name, "missing"), own.get(name, "missing"))
    return (
        f"weights of another architecture: '{name}' is {shapes[0]} there and {shapes[1]} in network '{network}'; use "
        "the model settings of that run, or leave train.start_from out"
    )


def _listed(parts: set[str]) -> str:
    return ", ".join(sorted(parts)) or "nothing"
