"""Everything at once: from arrays of scores to yields, discovery significance and limits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from mscat_tf.errors import InputError
from mscat_tf.evaluation.scores import Scores
from mscat_tf.files import write_json
from mscat_tf.reach import closed_forms
from mscat_tf.reach.binning import choose_regions, effective
from mscat_tf.reach.closed_forms import BANDS, Floats
from mscat_tf.reach.events import TEST, VALIDATION, WHERE, Events, Selected, Variation, check_events, select
from mscat_tf.reach.fit import Fit
from mscat_tf.reach.rates import Rate, check_rates
from mscat_tf.reach.settings import ReachSettings
from mscat_tf.reach.templates import Channel, Templates, fill, usable
from mscat_tf.reach.workspace import build_workspace

DISCOVERY = 5.0
"""Standard deviations that are called a discovery."""

MEDIAN = BANDS.index(0)


@dataclass(frozen=True)
class Reach:
    """What a classifier reaches; every number is expected, none is observed.

    Attributes:
        settings: of it. signal: process. signal_fb: cross-section x BR at which significances are quoted [fb].
        processes: yields of each, see `Rate.at`, and `test_effective_events`: those of the test split, which make the
            histograms, where showers of one parton-level event count as one.
        channels: bins and expected events of each; the signal's at 1 fb.
        uncertainties: relative normalisation by process, names of shapes, whether the bins' statistics are in the fit.
        significance: of discovery, all uncertainties profiled. significance_known_background: none.
        counting: closed-form figures of the bin with the largest ratio of signal to background.
        limit_fb: upper limit on cross-section x BR [fb], by band (standard deviations of the background).
        discovery_fb: cross-section x BR that would be discovered with five standard deviations [fb].
        endless_simulation: significance, limit and discovery once more without the statistical error of the simulation:
            what the classifier would reach, were the sample large enough. Far off, the sample is too small to tell.
        workspace: for pyhf; mu is the cross-section x BR over 1 fb.
    """

    settings: dict[str, Any]
    signal: str
    signal_fb: float
    processes: dict[str, dict[str, float]]
    channels: list[dict[str, Any]]
    uncertainties: dict[str, Any]
    significance: float
    significance_known_background: float
    counting: dict[str, Any]
    limit_fb: dict[str, float]
    discovery_fb: float
    endless_simulation: dict[str, Any]
    workspace: dict[str, Any] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """All but the workspace."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "workspace"}

    def write(self, folder: str | Path) -> None:
        """Write `reach.json`, and `workspace.json` to read with `pyhf` or convert for ROOT by `pyhf json2xml`."""
        write_json(Path(folder) / "reach.json", self.as_json())
        write_json(Path(folder) / "workspace.json", self.workspace)


def reach(
    events: Events,
    rates: Mapping[str, Rate],
    settings: ReachSettings | None = None,
    variations: Sequence[Variation] = (),
    signal: str | None = None,
) -> Reach:
    """Yields, significance and limits of a classifier.

    Args:
        events: of the validation split, which alone decides the bins, and of the test split, which alone fills them.
        rates: of every process, see `rates.sample_rates`; processes of label 1 other than the signal are left out.
        settings: of the bins and uncertainties. variations: of the detector, for the test split.
        signal: its process; None if there is only one.

    Raises:
        InputError: NaN, no signal, a process without cross-section, too little background for one bin, a negative bin.
        MissingExtraError: pyhf is not installed.
    """
    settings = settings or ReachSettings()
    check_events(events, settings.observable == "mass")
    signal, rates = _one_signal(events, rates, signal)
    validation, test, shifted = _selected(events.of_processes(rates), rates, settings, variations)
    background = test.background
    regions = choose_regions(validation, effective(test.weight[background], test.group[background]), settings)
    per_fb = 1.0 / rates[signal].cross_section_fb
    channels = tuple(
        usable(fill(region, test, signal, per_fb, shifted), settings.min_effective_background) for region in regions
    )
    names = tuple(name for name, rate in rates.items() if rate.label == 0)
    templates = Templates(
        channels, signal, settings.luminosity_fb, settings.normalisation_of(names), settings.monte_carlo_statistics
    )
    result = _result(templates, rates, settings)
    for index, name in enumerate(test.processes):
        own = test.process == index
        result.processes[name]["test_effective_events"] = effective(test.weight[own], test.group[own])
    return result


def reach_of_scores(
    validation: Scores,
    test: Scores,
    rates: Mapping[str, Rate],
    settings: ReachSettings | None = None,
    signal: str | None = None,
    variations: Mapping[str, Sequence[Scores]] | None = None,
) -> Reach:
    """The same of scores that a run has stored.

    Args:
        validation, test: of the two splits, with the logits of the same network. rates, settings, signal: see `reach`.
        variations: by uncertainty, test events shifted up and, if known, down, with the logits of that network.

    Raises:
        InputError: as `reach`, and the two are of different samples, or the same events.
    """
    variations = variations or {}
    for scores in (shift for shifts in variations.values() for shift in shifts):
        if scores.processes != test.processes:
            raise InputError(
                f"{WHERE}: a variation has processes {scores.processes}, the test scores {test.processes}; give the "
                "same events, shifted"
            )
    if validation.processes != test.processes:
        raise InputError(
            f"{WHERE}: the validation scores have processes {validation.processes}, the test scores {test.processes}; "
            "give scores of one run"
        )
    if np.intersect1d(validation.group_id, test.group_id).size:
        raise InputError(f"{WHERE}: the validation and test scores share events; give those of the two splits")
    return reach(
        _events([(VALIDATION, validation), (TEST, test)]),
        rates,
        settings,
        [Variation(name, *(_events([(TEST, shift)]) for shift in shifts)) for name, shifts in variations.items()],
        signal,
    )


def _events(splits: Sequence[tuple[str, Scores]]) -> Events:
    """Those of these splits, one after the other."""
    parts = [scores for _, scores in splits]
    mass = [_pair_mass(scores) for scores in parts]
    return Events(
        score=np.concatenate([scores.logit for scores in parts]).astype(np.float64),
        process=np.concatenate([np.asarray(scores.processes)[scores.process] for scores in parts]),
        weight=np.concatenate([scores.weight_fb for scores in parts]),
        split=np.repeat([name for name, _ in splits], [len(scores) for scores in parts]),
        mass=np.concatenate(mass) if all(m is not None for m in mass) else None,  # type: ignore[arg-type]
        group=np.concatenate([scores.group_id for scores in parts]),
    )


def _pair_mass(scores: Scores) -> Floats | None:
    """m_JJ [GeV], `(n,)`: of the last token, the sum of all; None for samples of single jets, which have none."""
    return scores.kinematics[:, -1, 0].astype(np.float64) if scores.kinematics.shape[1] > 1 else None


def _one_signal(events: Events, rates: Mapping[str, Rate], signal: str | None) -> tuple[str, dict[str, Rate]]:
    """Name of the signal process, and the rates of it and of the backgrounds."""
    present = tuple(str(name) for name in np.unique(events.process))
    check_rates(rates, present, WHERE)
    signals = [name for name in present if rates[name].label == 1]
    if signal is None and len(signals) == 1:
        signal = signals[0]
    if signal is None or signal not in signals:
        raise InputError(
            f"{WHERE}: one signal is wanted, but the processes of label 1 with events are: "
            f"{', '.join(signals) or 'none'} (asked for: {signal or 'any'}); give events of one, or name one of several"
        )
    backgrounds = {name: rate for name, rate in rates.items() if rate.label == 0}
    if not backgrounds:
        raise InputError(f"{WHERE}: there is no background process; a significance and a limit need one")
    return signal, {signal: rates[signal], **backgrounds}


def _selected(
    events: Events, rates: dict[str, Rate], settings: ReachSettings, variations: Sequence[Variation]
) -> tuple[Selected, Selected, dict[str, list[Selected]]]:
    """Validation and test split, and the test split under each variation, at the luminosity."""
    luminosity = settings.luminosity_fb
    validation, test = (select(events, rates, luminosity, split) for split in (VALIDATION, TEST))
    shifted: dict[str, list[Selected]] = {}
    for variation in variations:
        both = [shift for shift in (variation.up, variation.down) if shift is not None]
        for shift in both:
            check_events(shift, settings.observable == "mass", f"{WHERE}: variation '{variation.name}'")
        shifted[variation.name] = [
            select(shift.of_processes(rates), rates, luminosity, TEST, test.factor) for shift in both
        ]
    return validation, test, shifted


def _result(templates: Templates, rates: Mapping[str, Rate], settings: ReachSettings) -> Reach:
    signal_fb = settings.signal_fb or rates[templates.signal].cross_section_fb
    scale = _sensitive_fb(templates)
    figures = _figures(templates, signal_fb, scale, settings.confidence_level)
    endless = _figures(replace(templates, monte_carlo_statistics=False), signal_fb, scale, settings.confidence_level)
    return Reach(
        settings=settings.model_dump(mode="json"),
        signal=templates.signal,
        signal_fb=signal_fb,
        processes={
            name: rate.at(settings.luminosity_fb, signal_fb if name == templates.signal else None)
            for name, rate in rates.items()
        },
        channels=[_describe(channel) for channel in templates.channels],
        uncertainties={
            "normalisation": templates.normalisation,
            "shapes": sorted({name for channel in templates.channels for name in channel.shapes}),
            "monte_carlo_statistics": templates.monte_carlo_statistics,
        },
        significance_known_background=_known_background(templates, signal_fb),
        counting=_counting(templates, signal_fb, settings.confidence_level),
        endless_simulation=endless,
        workspace=build_workspace(templates, most=10.0 * figures["limit_fb"]["+2"]),
        **figures,
    )


def _figures(templates: Templates, signal_fb: float, scale: float, confidence_level: float) -> dict[str, Any]:
    """Significance, limit and cross-section of discovery; `scale` is the fit's unit of cross-section x BR [fb]."""
    fit = Fit(build_workspace(templates, scale))
    limits = scale * fit.limits(confidence_level)
    return {
        "significance": fit.significance(signal_fb / scale),
        "limit_fb": {f"{band:+d}" if band else "0": float(x) for band, x in zip(BANDS, limits, strict=True)},
        "discovery_fb": scale * fit.strength_for(DISCOVERY),
    }


def _sensitive_fb(templates: Templates) -> float:
    """Cross-section x BR [fb] that is about the limit: the unit in which the fit is well conditioned."""
    signal, background = _all_bins(templates)
    return float(2.0 / np.linalg.norm(signal / np.sqrt(background + 1.0)))


def _known_background(templates: Templates, signal_fb: float) -> float:
    signal, background = _all_bins(templates)
    return closed_forms.combined_significance(signal * signal_fb, background)


def _all_bins(templates: Templates) -> tuple[Floats, Floats]:
    """Signal at 1 fb and background of all bins of all channels, `(bins,)`."""
    signal = np.concatenate([channel.signal.events for channel in templates.channels])
    return signal, np.concatenate([channel.background.events for channel in templates.channels])


def _counting(templates: Templates, signal_fb: float, confidence_level: float) -> dict[str, Any]:
    """Closed forms for the bin with the largest signal / background alone, with and without its background's error.

    The error adds those of the rates and of the simulation in quadrature.
    """
    ratios = [channel.signal.events / channel.background.events for channel in templates.channels]
    channel = templates.channels[int(np.argmax([ratio.max() for ratio in ratios]))]
    number = int(np.argmax(channel.signal.events / channel.background.events))
    per_fb, background = channel.signal.events[number], float(channel.background.events[number])
    variance = channel.background.variance[number] * templates.monte_carlo_statistics
    for name, histogram in channel.backgrounds.items():
        variance += (templates.normalisation.get(name, 0.0) * histogram.events[number]) ** 2
    error = float(np.sqrt(variance))
    signal = per_fb * signal_fb
    return {
        "channel": channel.name,
        "bin": number,
        "signal": float(signal),
        "background": background,
        "background_error": error,
        "significance": float(closed_forms.asimov_significance(signal, background, error)),
        "significance_known_background": float(closed_forms.asimov_significance(signal, background)),
        "limit_fb": float(closed_forms.expected_limit(background, error, confidence_level)[MEDIAN] / per_fb),
        "limit_known_background_fb": float(
            closed_forms.expected_limit(background, 0.0, confidence_level)[MEDIAN] / per_fb
        ),
    }


def _describe(channel: Channel) -> dict[str, Any]:
    return {
        "name": channel.name,
        "region": None if channel.region is None else asdict(channel.region),
        "signal_per_fb": channel.signal.events.tolist(),
        "backgrounds": {name: histogram.events.tolist() for name, histogram in channel.backgrounds.items()},
        "background_error": np.sqrt(channel.background.variance).tolist(),
        "effective_background": channel.effective_background.tolist(),
    }
