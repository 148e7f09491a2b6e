"""Exported networks in onnxruntime: needs neither TensorFlow nor Keras."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import InputError, MissingExtraError
from mscat_tf.inference.scorer import NetworkScorer
from mscat_tf.inference.signature import Signature

METADATA = "mscat"
"""Key of the metadata in the file: JSON, which `metadata` reads."""

PROVIDERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("CUDAExecutionProvider", {"use_tf32": "0"}),
    ("CPUExecutionProvider", {}),
)
"""Of onnxruntime, the first that its build has is taken. TF32 would cost the agreement of scores."""


def open_session(path: str | Path) -> Any:
    """An inference session of onnxruntime, on a GPU where its build knows CUDA, always in full float32.

    Raises:
        InputError: there is no such file, or onnxruntime refuses it.
        MissingExtraError: onnxruntime is not installed.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; write it with `mscat export RUN --format onnx`")
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise MissingExtraError(
            "onnxruntime is not installed; install it with: pip install 'mscat-tf[fast]'"
        ) from error
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    known = runtime.get_available_providers()
    providers = [provider for provider in PROVIDERS if provider[0] in known]
    try:
        return runtime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime has a class of its own for every fault, none of them documented
        raise InputError(
            f"{path}: onnxruntime cannot load it ({str(error).splitlines()[0]}); export it again"
        ) from error


def onnx_scorer(path: str | Path, batch_size: int, session: Any = None) -> NetworkScorer:
    """Logits of an exported network.

    Args:
        path: its file. batch_size: events of a call. session: of this file where one is open already.

    Raises:
        InputError: the file cannot be loaded, or was not written by `mscat export`.
    """
    session = session or open_session(path)
    try:
        signature = Signature.from_json(metadata(path, session))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise _not_ours(path) from error

    def call(inputs: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        return np.asarray(session.run(["logit"], inputs)[0])

    return NetworkScorer(signature, call, batch_size)


def metadata(path: str | Path, session: Any) -> dict[str, Any]:
    """What `mscat export` wrote about the network.

    Raises:
        InputError: it did not write this file.
    """
    try:
        return dict(json.loads(session.get_modelmeta().custom_metadata_map[METADATA]))
    except (KeyError, TypeError, ValueError) as error:
        raise _not_ours(path) from error


def _not_ours(path: str | Path) -> InputError:
    return InputError(
        f"{path}: was not written by `mscat export`, so the meaning of its inputs is unknown; export the run again"
    )
