"""One contract for every layer we publish."""

import inspect

import keras
import numpy as np
import tensorflow as tf


def check_layer(cls, init, inputs, folder):
    """Every argument, set off its default, survives get_config; a saved model agrees exactly; XLA and bfloat16 agree.

    Args:
        cls: the layer. init: value of every constructor argument, none at its default.
        inputs: arrays by call argument. folder: where the model may be saved.
    """
    # Not the signature of the class: Python 3.11.2 finds none. A layer without arguments has the __init__ of Keras.
    own = cls.__init__.__module__.startswith("mscat_tf")
    parameters = list(inspect.signature(cls.__init__).parameters.items())[1:] if own else []
    wanted = {k: p for k, p in parameters if p.kind is not p.VAR_KEYWORD}
    assert set(init) == set(wanted), "give every argument, or this proves nothing"
    for name in init:
        assert init[name] != wanted[name].default, f"{name} is at its default; choose another"
    revived = cls.from_config(cls(**init).get_config())
    assert {name: getattr(revived, name) for name in init} == init

    symbols = {k: keras.Input(v.shape[1:], dtype=str(v.dtype), name=k) for k, v in inputs.items()}
    layer = cls(**init)
    model = keras.Model(symbols, layer(**symbols))
    model.save(folder / "layer.keras")
    again = keras.models.load_model(folder / "layer.keras")
    for first, second in zip(outputs(model(inputs)), outputs(again(inputs)), strict=True):
        np.testing.assert_array_equal(first, second)
    check_symbols(model.outputs, layer(**inputs))
    check_compiled(layer, inputs)
    check_half_precision(cls, init, layer, inputs)


def check_symbols(symbols, result):
    """What a layer promises while a network is built is what comes out: shape but for the batch, and type."""
    for symbol, tensor in zip(symbols, keras.tree.flatten(result), strict=True):
        assert tuple(symbol.shape[1:]) == tuple(tensor.shape[1:])
        assert symbol.dtype == keras.backend.standardize_dtype(tensor.dtype)


def outputs(result):
    """Whatever a layer returns as a list of arrays, bfloat16 as float32."""
    arrays = [keras.ops.convert_to_numpy(tensor) for tensor in keras.tree.flatten(result)]
    return [a if a.dtype == bool or a.dtype.kind in "iu" else a.astype("float32") for a in arrays]


def check_compiled(layer, inputs):
    """XLA agrees with plain execution to 1e-5 of the scale of the result."""
    compiled = tf.function(lambda values: layer(**values), jit_compile=True)
    for plain, fast in zip(outputs(layer(**inputs)), outputs(compiled(inputs)), strict=True):
        np.testing.assert_allclose(fast, plain, atol=1e-5 * max(1.0, scale(plain)), rtol=1e-5)


def check_half_precision(cls, init, layer, inputs):
    """Under the policy `mixed_bfloat16` the same weights give the same within the eight bits of its mantissa."""
    half = cls(**init, dtype="mixed_bfloat16")
    half(**inputs)
    half.set_weights(layer.get_weights())
    for full, rounded in zip(outputs(layer(**inputs)), outputs(half(**inputs)), strict=True):
        assert np.isfinite(rounded).all()
        if full.dtype == np.float32:
            np.testing.assert_allclose(rounded, full, atol=0.06 * max(scale(full), 1e-3))
        else:
            np.testing.assert_array_equal(rounded, full)


def scale(values):
    return float(np.abs(values).max()) if values.size else 0.0


def softmax_attention(query, keys, values, mask=None):
    """Slow oracle for one event and one head: `(queries, d)`, `(keys, d)`, `(keys, v)` -> output and scores."""
    scores = np.zeros((len(query), len(keys)))
    for row, q in enumerate(query):
        weights = np.array([np.exp(q @ k / np.sqrt(len(q))) for k in keys])
        if mask is not None:
            weights = weights * mask
        scores[row] = weights / weights.sum()
    return scores @ values, scores
