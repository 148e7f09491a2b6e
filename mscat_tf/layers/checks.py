"""Checks of constructor arguments that several layers share."""

from mscat_tf.errors import ConfigError


def check_dropout_rate(layer: str, rate: float, name: str = "dropout_rate") -> None:
    """Raise ConfigError unless the rate lies in [0, 1)."""
    if not 0.0 <= rate < 1.0:
        raise ConfigError(f"{layer}: {name} is {rate!r} but must lie in [0, 1); write 0.1 for 10 %")


def check_positive(layer: str, **values: float) -> None:
    """Raise ConfigError for the first value that is not above zero."""
    for name, value in values.items():
        if not value > 0:
            raise ConfigError(f"{layer}: {name} is {value!r} but must be positive; choose a larger one")


def check_choice(layer: str, name: str, value: str, known: tuple[str, ...]) -> None:
    """Raise ConfigError unless the value is one of those known."""
    if value not in known:
        raise ConfigError(f"{layer}: {name} '{value}' is unknown; choose from {', '.join(known)}")
