"""What a network is told about the sample that it will be trained on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.config import Config
from mscat_tf.config.networks.boosted_trees import BOOSTED_TREES
from mscat_tf.data import Sample
from mscat_tf.data.census import Census
from mscat_tf.data.flat import flat_columns
from mscat_tf.data.statistics import column_moments
from mscat_tf.errors import InputError
from mscat_tf.models import registry
from mscat_tf.models.inputs import InputSpecification, Statistics, asinh_columns, log_columns


def input_specification(config: Config, sample: Sample) -> InputSpecification:
    """Sizes and columns of what the network of this configuration reads.

    Raises:
        InputError: the sample lacks a data set that it reads.
    """
    header, data = sample.header, config.data
    constituents = min(header.constituents, data.max_constituents or header.constituents)
    streams = registry.streams(config.model)
    reads_tree, reads_subjets = "lund" in streams, "subjets" in streams
    if reads_tree:
        advice = "make it again with sample.tokens.declusterings=50, or choose another network"
        sample.need("lund/declusterings", f"network '{config.model.name}' reads", advice)
    if reads_subjets:
        advice = "set data.preparation.subjets={} and run `mscat prepare`, or choose a network without subjets"
        sample.need("subjets/subjets", f"network '{config.model.name}' reads", advice)
    variables = (data.high_level_features or ()) if registry.high_level(config.model) else ()
    sample.need_high_level(variables, f"network '{config.model.name}' reads")
    if data.event_shapes:
        advice = "make it again with sample.tokens.event_shapes=true, or set data.event_shapes=[]"
        sample.need("event_shapes", "data.event_shapes asks for", advice)
    return InputSpecification(
        jets=header.jets,
        constituents=None if config.train.length_buckets > 1 else constituents,
        tokens=header.tokens,
        constituent_features=data.constituent_features,
        kinematic_features=data.kinematic_features,
        declusterings=header.declusterings if reads_tree else 0,
        declustering_features=data.declustering_features,
        event_shapes=data.event_shapes,
        subjets=header.subjets if reads_subjets else 0,
        subjet_features=data.subjet_features,
        high_level=variables,
    )


def unserved(config: Config, sample: Sample) -> str | None:
    """Why the sample cannot serve the network of this configuration, in a sentence; None if it can.

    Raises:
        ConfigError: no network has this name.
    """
    try:
        if config.model.name == BOOSTED_TREES:
            flat_columns(sample, config.data, config.model.boosted_trees.inputs)
        else:
            input_specification(config, sample)
    except InputError as error:
        return str(error)
    return None


def input_statistics(config: Config, sample: Sample, census: Census, inputs: InputSpecification) -> Statistics:
    """Mean and width of every column of `inputs` over the training split."""
    columns = {"constituents": inputs.constituent_features, "kinematics": inputs.kinematic_features}
    if inputs.declusterings:
        columns["lund/declusterings"] = inputs.declustering_features
    if inputs.subjets:
        columns["subjets/subjets"] = inputs.subjet_features
    if inputs.event_shapes:
        columns["event_shapes"] = inputs.event_shapes
    logs = {name: log_columns(names, config.model.log_features) for name, names in columns.items()}
    asinh = asinh_columns(inputs.high_level, config.model.log_features)
    if inputs.high_level:
        logs["high_level"] = (False,) * len(asinh)
    moments = column_moments(sample, census, config.data, logs, asinh)
    found: dict[str, Any] = {}
    for data_set, name in _NAMES.items():
        if data_set in moments:
            found[f"{name}_mean"] = _tuple(moments[data_set].mean)
            found[f"{name}_width"] = _tuple(moments[data_set].width)
    return Statistics(**found)


_NAMES = {
    "constituents": "constituent",
    "kinematics": "kinematic",
    "lund/declusterings": "declustering",
    "event_shapes": "event_shape",
    "subjets/subjets": "subjet",
    "high_level": "high_level",
}


def _tuple(values: NDArray[np.float64]) -> Any:
    return tuple(map(_tuple, values)) if values.ndim > 1 else tuple(map(float, values))
