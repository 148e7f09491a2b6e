"""Begin a training with the weights of another one (fine-tuning)."""

from pathlib import Path

import keras

from mscat_tf.errors import InputError
from mscat_tf.models import registry  # noqa: F401  registers the layers that a saved network names


def load_start_weights(model: keras.Model, source: str) -> None:
    """Give a network the weights of a saved one of the same architecture.

    The normalisation of its inputs stays its own: that of its training split.

    Args:
        model: just built. source: a run folder, or a `.keras` file.

    Raises:
        InputError: there is no network, or it has other weights; the sentence names the first that differs.
    """
    path = Path(source)
    path = path / "model.keras" if path.is_dir() else path
    try:
        trained = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path}: no network can be loaded from here; give train.start_from a run folder or a .keras file"
        ) from error
    own, other = _shapes(model), _shapes(trained)
    for name in [*own, *other]:
        if own.get(name) != other.get(name):
            raise InputError(
                f"{path}: weights of another architecture: '{name}' is {other.get(name, 'missing')} there and "
                f"{own.get(name, 'missing')} in network '{model.name}'; use the model settings of that run, or leave "
                "train.start_from out"
            )
    theirs = {weight.path: weight for weight in trained.weights}
    for weight in model.weights:  # by name: `model.jets_at_once` makes the same layers in another order
        weight.assign(theirs[weight.path].numpy())


def _shapes(model: keras.Model) -> dict[str, tuple[int, ...]]:
    return {weight.path: tuple(weight.shape) for weight in model.weights}
