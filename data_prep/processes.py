"""From a process of the configuration to lines that Pythia 8 reads.

The strings follow the Pythia 8.3 manual, https://pythia.org/latest-manual/.
"""

from mscat_tf.config.processes import AnyProcess, BosonAndJet, CollinearFourB, HeavyHiggs, QcdJets, TopPairs
from mscat_tf.config.two_higgs_doublet import TwoHiggsDoublet
from mscat_tf.constants import HIGGS_MASS, TOP_MASS
from mscat_tf.physics.heavy_higgs_decays import Z_MASS

RESONANCE_WINDOW = 0.1
"""The heavy Higgs is produced within this fraction of its mass: without a window its tails reach far below
the threshold of the selection, where the Breit-Wigner shape means nothing."""


_TTBAR = ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on")
_BOSON_AND_JET = {
    "h": (
        "HiggsSM:gg2Hg(l:t) = on",
        "HiggsSM:qg2Hq(l:t) = on",
        "HiggsSM:qqbar2Hg(l:t) = on",
        "25:onMode = off",
        "25:onIfMatch = 5 -5",
    ),
    "Z": (
        "WeakBosonAndParton:qqbar2gmZg = on",
        "WeakBosonAndParton:qg2gmZq = on",
        "WeakZ0:gmZmode = 2",  # the Z alone, without the photon
        "23:onMode = off",
        "23:onIfAny = 5",
    ),
}


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
        case QcdJets():
            hard = {"all": ["HardQCD:all = on"], "bottom": ["HardQCD:hardbbbar = on"]}[process.flavour]
            return [*hard, _pt_hat_min(process.pt_hat_min), *_pt_hat_bias(process.pt_hat_bias, process.pt_hat_min)]
        case BosonAndJet():
            hard = list(_BOSON_AND_JET[process.boson])
            return [*hard, _pt_hat_min(process.pt_hat_min), *_pt_hat_bias(process.pt_hat_bias, process.pt_hat_min)]
        case _:  # all of it stands in `pythia`, or in files
            return []


def _heavy_higgs(process: HeavyHiggs) -> list[str]:
    mass, potential = process.m_H, process.two_higgs_doublet
    light = HIGGS_MASS if potential is None else potential.model().masses.h
    return [
        "Higgs:useBSM = on",
        "HiggsBSM:gg2H2 = on",
        f"35:m0 = {mass!r}",
        f"35:mWidth = {process.relative_width * mass!r}",
        "35:doForceWidth = on",
        f"35:mMin = {max((1.0 - RESONANCE_WINDOW) * mass, 2.0 * light)!r}",
        f"35:mMax = {(1.0 + RESONANCE_WINDOW) * mass!r}",
        *([] if potential is None else _doublet_lines(potential)),
        "35:onMode = off",
        "35:onIfMatch = 25 25",
        "25:onMode = off",
        "25:onIfMatch = 5 -5",
    ]


def _doublet_lines(potential: TwoHiggsDoublet) -> list[str]:
    """Masses of h, A and H+ and the couplings of h (H1) and H (H2).

    Pythia counts the coupling of H to hh in units of m_Z^2 / v, as in the MSSM.
    """
    model = potential.model()
    masses, couplings = model.masses, model.couplings(potential.yukawa)
    lines = [f"25:m0 = {masses.h!r}", f"36:m0 = {masses.A!r}", f"37:m0 = {masses.charged!r}"]
    for prefix, of in (("HiggsH1", couplings["h"]), ("HiggsH2", couplings["H"])):
        values = {"u": of.up, "d": of.down, "l": of.lepton, "W": of.vector, "Z": of.vector}
        lines += [f"{prefix}:coup2{to} = {value!r}" for to, value in values.items()]
    lines.append(f"HiggsH2:coup2H1H1 = {model.trilinears.Hhh * model.v / Z_MASS**2!r}")
    return lines


def _pt_hat_bias(power: float, reference: float) -> list[str]:
    """More events at high transverse momentum, as (pT / reference)^power, weighted by the inverse."""
    if power == 0.0:
        return []
    bias = f"PhaseSpace:bias2SelectionPow = {power!r}", f"PhaseSpace:bias2SelectionRef = {reference!r}"
    return ["PhaseSpace:bias2Selection = on", *bias]


def _pt_hat_min(value: float) -> str:
    return f"PhaseSpace:pTHatMin = {value!r}"
