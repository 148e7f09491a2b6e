"""From a process of the configuration to lines that Pythia 8 reads.

The strings follow the Pythia 8.3 manual, https://pythia.org/latest-manual/.
"""

from mscat_tf.config.sample import AnyProcess, CollinearFourB, HeavyHiggs, PythiaProcess, TopPairs
from mscat_tf.constants import HIGGS_MASS, TOP_MASS

RESONANCE_WINDOW = 0.1
"""The heavy Higgs is produced within this fraction of its mass: without a window its tails reach far below
the threshold of the selection, where the Breit-Wigner shape means nothing."""


_TTBAR = ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on")


def pythia_lines(process: AnyProcess, sqrt_s: float, seed: int) -> list[str]:
    """Settings for Pythia, those of the user last.

    Args:
        process: its settings.
        sqrt_s: centre-of-mass energy [GeV].
        seed: 1 to 900 000 000.
    """
    return [*_common(sqrt_s, seed), *_hard_process(process), *process.pythia]


def _common(sqrt_s: float, seed: int) -> list[str]:
    return [
        "Print:quiet = on",
        "Beams:idA = 2212",
        "Beams:idB = 2212",
        f"Beams:eCM = {sqrt_s!r}",
        "Random:setSeed = on",
        f"Random:seed = {seed}",
        f"25:m0 = {HIGGS_MASS!r}",
        f"6:m0 = {TOP_MASS!r}",
    ]


def _hard_process(process: AnyProcess) -> list[str]:
    match process:
        case HeavyHiggs():
            return _heavy_higgs(process)
        case TopPairs():
            return [*_TTBAR, _pt_hat_min(process.pt_hat_min), *_pt_hat_bias(process.pt_hat_bias, process.pt_hat_min)]
        case CollinearFourB():  # the two gluons only; data_prep.collinear_4b splits them
            return ["HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on", _pt_hat_min(process.pt_hat_min)]
        case PythiaProcess():
            return []


def _heavy_higgs(process: HeavyHiggs) -> list[str]:
    mass = process.m_H
    return [
        "Higgs:useBSM = on",
        "HiggsBSM:gg2H2 = on",
        f"35:m0 = {mass!r}",
        f"35:mWidth = {process.relative_width * mass!r}",
        "35:doForceWidth = on",
        f"35:mMin = {max((1.0 - RESONANCE_WINDOW) * mass, 2.0 * HIGGS_MASS)!r}",
        f"35:mMax = {(1.0 + RESONANCE_WINDOW) * mass!r}",
        "35:onMode = off",
        "35:onIfMatch = 25 25",
        "25:onMode = off",
        "25:onIfMatch = 5 -5",
    ]


def _pt_hat_bias(power: float, reference: float) -> list[str]:
    """More events at high transverse momentum, as (pT / reference)^power, weighted by the inverse."""
    if power == 0.0:
        return []
    bias = f"PhaseSpace:bias2SelectionPow = {power!r}", f"PhaseSpace:bias2SelectionRef = {reference!r}"
    return ["PhaseSpace:bias2Selection = on", *bias]


def _pt_hat_min(value: float) -> str:
    return f"PhaseSpace:pTHatMin = {value!r}"
