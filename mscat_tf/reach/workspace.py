"""Templates as a pyhf workspace: JSON that HistFactory tools read (https://pyhf.readthedocs.io, schema 1.0.0)."""

import importlib
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mscat_tf.errors import InputError, MissingExtraError
from mscat_tf.reach.events import WHERE
from mscat_tf.reach.templates import Channel, Templates, usable

POI = "mu"
"""The parameter of interest: cross-section x BR of the signal over the reference of the workspace."""

INTERPOLATION = {"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}
"""Between one standard deviation up and down: what the commands `pyhf cls` and `pyhf fit` use, and ROOT."""

Floats = NDArray[np.float64]


def pyhf() -> Any:
    """The library, loaded when it is needed: it takes seconds.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module("pyhf")
    except ImportError as error:
        raise MissingExtraError("pyhf is not installed; install it with: pip install 'mscat-tf[reach]'") from error


def build_workspace(templates: Templates, reference_fb: float = 1.0, most: float = 100.0) -> dict[str, Any]:
    """Workspace whose observation is what is expected from background alone, not rounded.

    Uncertainties: `normsys`, log-normal, for rates; `histosys` for shapes, one parameter for all channels and
    processes; `staterror`, one parameter for each bin, for the simulated backgrounds. Bins where nothing is expected
    are left out.

    Args:
        templates: see there. reference_fb: cross-section x BR of the signal at mu = 1 [fb]. most: upper bound of mu.

    Raises:
        InputError: no signal, a bin that cannot be fitted (`templates.usable`), or an unknown process is uncertain.
    """
    channels = [usable(channel) for channel in templates.channels]
    if not any((channel.signal.events > 0).any() for channel in channels):
        raise InputError(f"{WHERE}: no signal is expected in any bin; give events of the signal with weights above 0")
    known = {templates.signal, *(name for channel in channels for name in channel.backgrounds)}
    for name in templates.normalisation.keys() - known:
        raise InputError(
            f"{WHERE}: process '{name}' has a normalisation uncertainty, but the processes are "
            f"{', '.join(sorted(known))}; correct the name, or remove it"
        )
    workspace = {
        "channels": [
            {"name": channel.name, "samples": _samples(channel, templates, reference_fb)} for channel in channels
        ],
        "observations": [{"name": c.name, "data": c.background.events.tolist()} for c in channels],
        "measurements": [
            {
                "name": "reach",
                "config": {"poi": POI, "parameters": [{"name": POI, "inits": [1.0], "bounds": [[0.0, most]]}]},
            }
        ],
        "version": "1.0.0",
    }
    open_workspace(workspace)
    return workspace


def open_workspace(workspace: dict[str, Any]) -> Any:
    """`pyhf.Workspace` of it, validated against the schema of pyhf."""
    library = pyhf()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pyhf 0.7.6 uses what jsonschema 4.18 deprecates
        return library.Workspace(workspace)


def open_model(workspace: dict[str, Any]) -> Any:
    """`pyhf.Model` of it, with the interpolations of `INTERPOLATION`."""
    opened = open_workspace(workspace)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return opened.model(measurement_name="reach", modifier_settings=INTERPOLATION)


def _samples(channel: Channel, templates: Templates, reference_fb: float) -> list[dict[str, Any]]:
    strength = {"name": POI, "type": "normfactor", "data": None}
    signal = channel.signal.events * reference_fb
    rate = _rate(templates.signal, templates)
    shapes = _shapes(channel, templates.signal, channel.signal.events, reference_fb)
    samples = [{"name": templates.signal, "data": signal.tolist(), "modifiers": [strength, *rate, *shapes]}]
    for name, histogram in channel.backgrounds.items():
        modifiers = [*_rate(name, templates), *_shapes(channel, name, histogram.events, 1.0)]
        if templates.monte_carlo_statistics:
            error = np.sqrt(histogram.variance).tolist()
            modifiers.append({"name": f"statistics_{channel.name}", "type": "staterror", "data": error})
        samples.append({"name": name, "data": histogram.events.tolist(), "modifiers": modifiers})
    return samples


def _rate(process: str, templates: Templates) -> list[dict[str, Any]]:
    size = templates.normalisation.get(process, 0.0)
    if size == 0.0:
        return []
    return [{"name": f"rate_{process}", "type": "normsys", "data": {"hi": 1.0 + size, "lo": 1.0 / (1.0 + size)}}]


def _shapes(channel: Channel, process: str, nominal: Floats, scale: float) -> list[dict[str, Any]]:
    modifiers = []
    for name, shape in channel.shapes.items():
        if process not in shape:
            continue
        high, low = shape[process]
        if np.array_equal(high, nominal) and np.array_equal(low, nominal):
            continue
        data = {"hi_data": (high * scale).tolist(), "lo_data": (low * scale).tolist()}
        modifiers.append({"name": name, "type": "histosys", "data": data})
    return modifiers
