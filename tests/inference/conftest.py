"""A finished run of an untrained network, its ONNX file, and a network of three lines of NumPy."""

from types import SimpleNamespace

import numpy as np
import pytest

from mscat_tf.config import DataSettings, load_config
from mscat_tf.files import write_json
from mscat_tf.inference.scorer import NetworkScorer
from mscat_tf.inference.signature import Signature
from mscat_tf.run_folder import Run
from mscat_tf.run_start import start_run
from tests.cli.conftest import mscat  # noqa: F401  a fixture

CONSTITUENTS = 8


def tensor(name, *shape, dtype="float32"):
    """As Keras describes an input."""
    return SimpleNamespace(name=name, shape=(None, *shape), dtype=dtype)


def signature(constituents=CONSTITUENTS, jets=2, tokens=3, features=4):
    """Of a network that reads constituents and kinematics."""
    numbers = range(1, jets + 1)
    clouds = [tensor(f"constituents_{jet}", constituents, features) for jet in numbers]
    masks = [tensor(f"mask_{jet}", constituents, dtype="bool") for jet in numbers]
    return Signature.of([*clouds, tensor("kinematics", tokens, 6), *masks], DataSettings())


def numpy_forward(inputs):
    """Sum of log pt of the first jet's real constituents, less a hundredth of the leading mass: `(n,)`."""
    log_pt = np.where(inputs["mask_1"], inputs["constituents_1"][..., 3], 0.0).sum(axis=1)
    return (log_pt - 0.01 * inputs["kinematics"][:, 0, 0]).astype("f4")


@pytest.fixture
def numpy_scorer():
    """Of any batch size, without any framework."""
    return lambda batch_size=64, **sizes: NetworkScorer(signature(**sizes), numpy_forward, batch_size)


@pytest.fixture(scope="session")
def run_of(tmp_path_factory, mock_folder):
    """The finished run of a network that was never trained, with weights away from their start."""

    def make(name, constituents=CONSTITUENTS, **changes) -> Run:
        import keras

        from mscat_tf.models import registry
        from mscat_tf.models.inputs import InputSpecification
        from tests.models.mock_inputs import moved_weights, without_dropout

        folder = tmp_path_factory.mktemp(name)
        config = load_config("smoke", [f"data.path={mock_folder}"])
        settings = without_dropout(name).model_copy(update=changes)
        config = config.model_copy(update={"model": settings, "name": name})
        keras.utils.set_random_seed(1)
        run = start_run(config, folder, "0" * 16)
        model = moved_weights(registry.build(config.model, InputSpecification(constituents=constituents)))
        model.save(folder / "model.keras")
        write_json(folder / "training.json", {})
        return run

    return make


@pytest.fixture(scope="session")
def run(run_of) -> Run:
    """Of the multi-scale network."""
    return run_of("mscat")


@pytest.fixture(scope="session")
def onnx_file(run, tmp_path_factory):
    """The same network, exported."""
    return run.export("onnx", tmp_path_factory.mktemp("onnx") / "model.onnx")[0]
