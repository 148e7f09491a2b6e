"""Does an attribution depend on what the network has learned? Weights are randomised from the top layer down.

Adebayo et al., arXiv:1810.03292, section 3: layer after layer, from the logit to the inputs, gets weights as before the
training, those above stay random. An attribution that hardly changes says something about the inputs, not about the
network. Compared are the orders of the tokens of each event, by Spearman's coefficient, signs left out.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from mscat_tf.interpretation.attributors import Attributor, copy_weights
from mscat_tf.interpretation.part import Arrays
from mscat_tf.interpretation.ranks import mean_and_error, rank_correlation


def randomisation(
    model: keras.Model,
    attributors: Mapping[str, Attributor],
    inputs: Arrays,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Rank correlation of attributions with those of the trained network, while more and more layers are random.

    Args:
        model: trained; left alone. attributors: by name; they explain the trained network again at the end.
        inputs: of some events. seed: of the new weights. progress: called with (layers done, layers).

    Returns:
        `layers` from the top; by method a list with, for each stage, the mean over events (`value`), its `error` over
        events, and the share of events that is `undefined`, where a map is the same for all tokens.
    """
    layers = [layer.name for layer in reversed(model.layers) if layer.weights]
    new = untrained(model, seed)
    shaken = keras.models.clone_model(model)
    copy_weights(model, shaken)
    trained = {name: attributor(inputs) for name, attributor in attributors.items()}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in attributors}
    for number, layer in enumerate(layers, start=1):
        shaken.get_layer(layer).set_weights(new.get_layer(layer).get_weights())
        for name, attributor in attributors.items():
            attributor.take_weights(shaken)
            now, before = attributor(inputs), trained[name]
            correlation = rank_correlation(np.abs(before.values), np.abs(now.values), before.mask)
            found[name].append(mean_and_error(correlation))
        if progress:
            progress(number, len(layers))
    for attributor in attributors.values():
        attributor.take_weights(model)
    return {"layers": layers, "events": len(next(iter(inputs.values()))), "methods": found}


def untrained(model: keras.Model, seed: int) -> keras.Model:
    """The same layers with weights as at the start of a training."""
    before = random.getstate()
    random.seed(seed)  # which Keras draws the seeds of its initialisers from
    try:
        return keras.models.clone_model(model)
    finally:
        random.setstate(before)
