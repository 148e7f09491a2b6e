"""eta, phi and the logarithm of pT of constituents whose columns may stand in any order."""

from keras import ops

from mscat_tf.errors import ConfigError

LEAST_PT = 1e-6
"""Momenta below this [GeV] count as this."""


def check_constituent_columns(layer: str, columns: tuple[str, ...]) -> None:
    """Raise ConfigError unless there are eta, phi, and pt or log_pt."""
    missing = [name for name in ("eta", "phi", _momentum(columns)) if name not in columns]
    if missing:
        raise ConfigError(
            f"{layer}: columns {', '.join(missing)} of the constituents are missing; "
            "data.constituent_features must hold eta, phi and one of pt and log_pt"
        )


def eta_phi_log_pt(tokens, columns):
    """Each `(batch, constituents)`, of `(batch, constituents, columns)`; from pt [GeV] where there is such a column."""
    eta, phi, momentum = (tokens[..., columns.index(name)] for name in ("eta", "phi", _momentum(columns)))
    return eta, phi, ops.log(ops.maximum(momentum, LEAST_PT)) if "pt" in columns else momentum


def _momentum(columns: tuple[str, ...]) -> str:
    return "pt" if "pt" in columns else "log_pt"
