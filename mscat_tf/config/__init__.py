"""Validated configuration: frozen pydantic models, loaded from YAML with strict overrides."""

from mscat_tf.config.base import Settings, digest
from mscat_tf.config.load import Config, load_config, shipped_configurations
from mscat_tf.config.model import ModelSettings
from mscat_tf.config.sample import SampleSettings
from mscat_tf.config.training import (
    DataSettings,
    EvaluationSettings,
    ExplanationSettings,
    TrainSettings,
)

__all__ = [
    "Config",
    "DataSettings",
    "EvaluationSettings",
    "ExplanationSettings",
    "ModelSettings",
    "SampleSettings",
    "Settings",
    "TrainSettings",
    "digest",
    "load_config",
    "shipped_configurations",
]
