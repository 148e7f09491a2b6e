"""One contract for every layer we publish."""

import inspect

import keras
import numpy as np


def check_layer(cls, init, inputs, folder):
    """Every argument, set off its default, survives get_config; a saved model agrees exactly.

    Args:
        cls: the layer. init: value of every constructor argument, none at its default.
        inputs: arrays by call argument. folder: where the model may be saved.
    """
    wanted = {k: p for k, p in inspect.signature(cls).parameters.items() if p.kind is not p.VAR_KEYWORD}
    assert set(init) == set(wanted) - {"args"}, "give every argument, or this proves nothing"
    for name in init:
        assert init[name] != wanted[name].default, f"{name} is at its default; choose another"
    revived = cls.from_config(cls(**init).get_config())
    assert {name: getattr(revived, name) for name in init} == init

    symbols = {k: keras.Input(v.shape[1:], dtype=str(v.dtype), name=k) for k, v in inputs.items()}
    model = keras.Model(symbols, cls(**init)(**symbols))
    model.save(folder / "layer.keras")
    again = keras.models.load_model(folder / "layer.keras")
    np.testing.assert_array_equal(model(inputs), again(inputs))


def softmax_attention(query, keys, values, mask=None):
    """Slow oracle for one event and one head: `(queries, d)`, `(keys, d)`, `(keys, v)` -> output and scores."""
    scores = np.zeros((len(query), len(keys)))
    for row, q in enumerate(query):
        weights = np.array([np.exp(q @ k / np.sqrt(len(q))) for k in keys])
        if mask is not None:
            weights = weights * mask
        scores[row] = weights / weights.sum()
    return scores @ values, scores
