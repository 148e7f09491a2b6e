"""Expected yields: cross-section x acceptance x event weights of every process of a sample."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mscat_tf.data.census import Census
from mscat_tf.data.sample import Sample
from mscat_tf.errors import InputError


@dataclass(frozen=True)
class Rate:
    """What a process gives at a luminosity.

    Attributes:
        label: 1 signal, 0 background.
        cross_section_fb: before any cut, times branching ratio [fb].
        selected_fb: after all cuts, double double tag included (as weight or thrown) [fb].
        sum_of_squares: of the events' weights in fb whose sum is `selected_fb`; 0 where unknown.
        cross_section_error: relative, statistical, of the generator.
    """

    label: int
    cross_section_fb: float
    selected_fb: float
    sum_of_squares: float = 0.0
    cross_section_error: float = 0.0

    @property
    def acceptance(self) -> float:
        """Share of the cross-section that is selected and tagged."""
        return self.selected_fb / self.cross_section_fb

    @property
    def effective_events(self) -> float:
        """(sum w)^2 / sum w^2, every event counted by itself; 0 where unknown."""
        return self.selected_fb**2 / self.sum_of_squares if self.sum_of_squares > 0 else 0.0

    def at(self, luminosity_fb: float, signal_fb: float | None = None) -> dict[str, float]:
        """Expected events with the statistical error of the simulation.

        Args:
            luminosity_fb: [1/fb]. signal_fb: cross-section x BR instead of `cross_section_fb` [fb].
        """
        scale = luminosity_fb * (1.0 if signal_fb is None else signal_fb / self.cross_section_fb)
        return {
            "cross_section_fb": self.cross_section_fb if signal_fb is None else signal_fb,
            "acceptance": self.acceptance,
            "expected": self.selected_fb * scale,
            "error": float(np.sqrt(self.sum_of_squares)) * scale,
            "sum_of_squares": self.sum_of_squares * scale**2,
            "effective_events": self.effective_events,
            "cross_section_error": self.cross_section_error,
        }


def sample_rates(sample: Sample, census: Census) -> dict[str, Rate]:
    """Rates of the processes that have events, from all splits together.

    Args:
        sample: for the cross-sections. census: of it, for the sums of weights.

    Raises:
        InputError: a process has no cross-section.
    """
    rates = {}
    for index, name in enumerate(census.processes):
        if not census.events[:, index].any():
            continue
        known = sample.normalisation[name]
        selected, squares = (float(sums[:, index].sum()) for sums in (census.sum_of_weights, census.sum_of_squares))
        relative = known.cross_section_error_fb / known.cross_section_fb if known.cross_section_fb > 0 else 0.0
        rates[name] = Rate(census.process_labels[index], known.cross_section_fb, selected, squares, relative)
    check_rates(rates, tuple(rates), str(sample.path))
    return rates


def check_rates(rates: Mapping[str, Rate], processes: tuple[str, ...], where: str) -> None:
    """Raise InputError unless each of these processes has a usable rate; the message begins with `where`."""
    for name in processes:
        rate = rates.get(name)
        if rate is None or not (np.isfinite(rate.cross_section_fb) and rate.cross_section_fb > 0):
            raise InputError(
                f"{where}: process '{name}' has no cross-section, so its events cannot be counted at a luminosity; set "
                "its cross-section [fb], or leave the process out"
            )
        if not (np.isfinite(rate.selected_fb) and rate.selected_fb > 0):
            raise InputError(
                f"{where}: process '{name}' has a selected cross-section of {rate.selected_fb} fb, but it must be "
                "above 0; check the weights of its events, or generate more"
            )
