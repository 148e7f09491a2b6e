"""A trained network as a SavedModel or an ONNX file: normalisation inside, checked against Keras before it is there."""

import contextlib
import importlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mscat_tf.config import DataSettings
from mscat_tf.errors import InputError, MissingExtraError, OutputError
from mscat_tf.files import atomic_path, make_folder, remove_leftovers
from mscat_tf.inference.edge_inputs import edge_inputs
from mscat_tf.inference.keras_network import full_precision, in_float32, served_model
from mscat_tf.inference.onnx_network import METADATA, open_session
from mscat_tf.inference.signature import Signature
from mscat_tf.provenance import library_versions

Arrays = dict[str, NDArray[Any]]

FORMATS = {"onnx": "model.onnx", "saved_model": "saved_model"}
"""Names of the formats, and what the file or folder is called in a run folder."""

ABOUT = "mscat.json"
"""In a SavedModel's folder: what the metadata of an ONNX file hold."""

TOLERANCE = 1e-5
"""Greatest difference of a score; of a logit relative to the greatest of the case, where that is above 1."""

OUTPUTS = [
    {"name": "logit", "dtype": "float32", "shape": [], "meaning": "log of the odds of signal, before the sigmoid"},
    {"name": "score", "dtype": "float32", "shape": [], "meaning": "sigmoid of the logit: near 1 for signal"},
]


def export(model: keras.Model, data: DataSettings, about: Mapping[str, Any], format: str, out: Path) -> float:
    """Write a network, load it again and compare it with Keras; what does not agree is not kept.

    Args:
        model: trained; computes in float32 afterwards, whatever it was trained in. data: which columns it reads.
        about: run, configuration, seed, versions: JSON that goes with it, beside inputs and outputs.
        format: one of `FORMATS`. out: file, or folder of a SavedModel; replaces what an earlier export wrote.

    Returns:
        The greatest difference of a score.

    Raises:
        InputError: the network has operations that the format lacks, or the answers differ.
        MissingExtraError: a library of the format is not installed.
        OutputError: it cannot be written, or something else stands there.
    """
    signature = Signature.of(model.inputs, data)
    network = served_model(in_float32(model))
    text = json.dumps({**about, "exported_with": library_versions(), **signature.to_json(), "outputs": OUTPUTS})
    cases = edge_inputs(signature)
    with full_precision():
        expected = {name: {k: np.asarray(v) for k, v in network(inputs).items()} for name, inputs in cases.items()}
    remove_leftovers(make_folder(out.parent))
    if format == "onnx":
        with atomic_path(out) as temporary:
            _write_onnx(network, text, temporary)
            _need_known_operators(out, temporary)
            return _compare(out, _run_onnx(temporary), cases, expected)
    with _new_folder(out) as folder:
        _write_saved_model(network, text, folder)
        return _compare(out, _run_saved_model(folder), cases, expected)


def _write_onnx(network: keras.Model, text: str, path: Path) -> None:
    try:
        onnx = importlib.import_module("onnx")
        importlib.import_module("tf2onnx")
    except ImportError as error:
        raise MissingExtraError(
            f"{error.name} is not installed; install it with: pip install 'mscat-tf[export]'"
        ) from error
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # what it complains about, we say in a sentence
    network.export(path, format="onnx", verbose=False)
    written = onnx.load(path)
    for value in (*written.graph.input, *written.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.helper.set_model_props(written, {METADATA: text})
    onnx.save(written, path)


def _need_known_operators(out: Path, path: Path) -> None:
    """Raise InputError for operators that ONNX does not have: the converter writes them down all the same."""
    onnx = importlib.import_module("onnx")
    nodes = onnx.load(path).graph.node
    unknown = sorted({node.op_type for node in nodes if not onnx.defs.has(node.op_type, node.domain)})
    if unknown:
        raise InputError(
            f"{out}: ONNX has no operator {', '.join(unknown)}, which the network is made of; write that layer with "
            "other operations (as mscat_tf/layers/activations.py does), or choose --format saved_model"
        )


def _run_onnx(path: Path) -> Any:
    session = open_session(path)
    names = [output["name"] for output in OUTPUTS]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


def _write_saved_model(network: keras.Model, text: str, folder: Path) -> None:
    specification = {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name) for tensor in network.inputs}
    module = tf.Module()
    module.network = network
    module.serve = tf.function(lambda inputs: network(inputs, training=False), input_signature=[specification])
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    (folder / ABOUT).write_text(text)


def _run_saved_model(folder: Path) -> Any:
    loaded = tf.saved_model.load(str(folder))
    serve = loaded.signatures["serving_default"]

    def run(inputs: Arrays) -> Arrays:
        with full_precision():
            answer = serve(**{name: tf.constant(values) for name, values in inputs.items()})
            return {name: np.asarray(value) for name, value in answer.items()}

    run.keep = loaded  # type: ignore[attr-defined]  # its variables live as long as it does
    return run


def _compare(out: Path, run: Any, cases: Mapping[str, Arrays], expected: Mapping[str, Arrays]) -> float:
    """The greatest difference of a score; InputError where it or that of a logit is too great."""
    worst = 0.0
    for case, inputs in cases.items():
        found = run(inputs)
        for name, wanted in expected[case].items():
            scale = max(1.0, float(np.abs(wanted).max()))
            difference = float(np.abs(found[name].astype(np.float64) - wanted).max()) / scale
            if found[name].shape != wanted.shape or not difference <= TOLERANCE:
                raise InputError(
                    f"{out}: the exported network answers otherwise than Keras ({case}: '{name}' differs by "
                    f"{difference:.2g}, allowed {TOLERANCE:g}), so it is not kept; report this network's settings"
                )
            if name == "score":
                worst = max(worst, difference)
    return worst


@contextlib.contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A temporary folder that becomes `out`, in place of an earlier SavedModel, when the block ends well."""
    if out.exists() and not (out / ABOUT).is_file():
        raise OutputError(f"{out}: something else stands here already; choose another folder with --out")
    temporary = out.with_name(f".new-{out.name}")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        yield temporary
        shutil.rmtree(out, ignore_errors=True)
        temporary.rename(out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror or error}); choose another folder") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
