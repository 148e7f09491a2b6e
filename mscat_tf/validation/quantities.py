"""Which distributions are drawn, over which range: decided by the sizes of the sample and a few of its events."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mscat_tf.data.sample import Sample
from mscat_tf.physics.tokens import MISSING_MOMENTUM, SUM, token_names
from mscat_tf.schema import CONSTITUENT_COLUMNS, DATA_SETS, KINEMATIC_COLUMNS, Header
from mscat_tf.validation.blocks import EventBlock, read_blocks

Floats = NDArray[np.float64]
Values = Callable[[EventBlock], Floats]
"""Entries of each event, `(n, entries)`; NaN where there is none."""

_TRACK_JETS, _SHAPES = "truth/track_jets", "event_shapes"

RANGE_BLOCKS = 24
BINS = 40
TAILS = 0.005
"""Share of the entries on either side that a range may leave to underflow and overflow."""


@dataclass(frozen=True)
class Quantity:
    """One distribution.

    Attributes:
        name: unique. figure: quantities of one figure stand side by side.
        symbol: of the axis, with unit. title: of the panel. edges: of the bins, increasing.
        values: from a block. tagged: weighted by generator x tag, else by the generator weight alone.
        log_x: logarithmic axis. needs: data set that it is read from, where a sample may lack it.
    """

    name: str
    figure: str
    symbol: str
    title: str
    edges: tuple[float, ...]
    values: Values
    tagged: bool = True
    log_x: bool = False
    needs: str = ""


def quantities_of(sample: Sample) -> list[Quantity]:
    """The distributions of a sample; ranges hold nearly all entries of some evenly spaced blocks, see `TAILS`."""
    drafts = [draft for jet in range(sample.header.jets) for draft in _of_jet(sample, jet)]
    drafts += [*_of_tokens(sample.header), *_of_event_shapes(sample)]
    drafts.append(
        Quantity("tag_weight", "tag_weight", r"$\log_{10}$ of the tag weight", "", (), _log_tag, tagged=False)
    )
    few = _evenly(sample)
    return [draft if draft.edges else _with_range(draft, few) for draft in drafts]


def _of_jet(sample: Sample, jet: int) -> list[Quantity]:
    place = jet_name(jet, sample.header.jets)
    ending = "" if sample.header.jets == 1 else f"_{jet + 1}"
    half = 0.5 * np.pi
    frame = tuple(np.linspace(-1.0, 1.0, 41))
    entries = [
        ("fat_jet_mass", r"$m_J$ [GeV]", (), _token("m", jet)),
        ("fat_jet_pt", r"$p_{T,J}$ [GeV]", (), _token("pt", jet)),
        ("fat_jet_eta", r"$\eta_J$", (), _token("eta", jet)),
        ("theta", r"$\theta$ [rad]", tuple(np.linspace(-half, half, 25)), _token("theta", jet)),
        ("multiplicity", "constituents before truncation", (), _multiplicity(jet)),
        ("constituent_eta", r"constituent $\eta$ in the jet frame", frame, _constituent("eta", jet)),
        ("constituent_phi", r"constituent $\phi$ in the jet frame [rad]", frame, _constituent("phi", jet)),
    ]
    found = [Quantity(name + ending, name, symbol, place, edges, values) for name, symbol, edges, values in entries]
    found.append(
        Quantity(
            f"constituent_pt{ending}", "constituent_pt", r"constituent $p_T$ [GeV]", place,
            tuple(np.geomspace(0.1, 1000.0, 41)), _constituent("pt", jet), log_x=True,
        )
    )  # fmt: skip
    if sample.has(_TRACK_JETS):
        for column, flavour in enumerate(DATA_SETS[_TRACK_JETS].columns):
            counts = tuple(np.arange(-0.5, 8.0))
            symbol = f"{flavour} track jets"
            found.append(
                Quantity(
                    f"track_jets_{flavour}{ending}", f"track_jets_{flavour}", symbol, place, counts,
                    _track_jets(jet, column), tagged=False, needs=_TRACK_JETS,
                )
            )  # fmt: skip
    return found


def _of_tokens(header: Header) -> list[Quantity]:
    """Leptons, missing momentum, and the mass of the sum, where a sample has them."""
    found = []
    for place, token in enumerate(names := header.token_names or token_names(header.jets)):
        if token.startswith("lepton"):
            ending, value = token.replace("lepton ", "_"), _token("pt", place)
            found.append(Quantity(f"lepton_pt{ending}", "lepton_pt", r"$p_{T,\ell}$ [GeV]", token, (), value))
        elif token == MISSING_MOMENTUM:
            value = _token("pt", place)
            found.append(Quantity("missing_pt", "missing_pt", r"$p_T^\mathrm{miss}$ [GeV]", "", (), value))
        elif token == SUM:
            pair = names == token_names(2)
            name, symbol = ("di_jet_mass", r"$m_{JJ}$ [GeV]") if pair else ("mass_of_sum", "mass of the sum [GeV]")
            found.append(Quantity(name, name, symbol, "", (), _token("m", place)))
    return found


def _of_event_shapes(sample: Sample) -> list[Quantity]:
    if not sample.has(_SHAPES):
        return []
    shapes = DATA_SETS[_SHAPES]
    found = []
    for column, (name, unit) in enumerate(zip(shapes.columns, shapes.units, strict=True)):
        symbol = name.replace("_", " ") + (f" [{unit}]" if unit != "1" else "")
        whole = f"event_shape_{name}"
        found.append(Quantity(whole, whole, symbol, "", (), _shape(column), needs=_SHAPES))
    return found


def jet_name(jet: int, jets: int) -> str:
    """How a jet is called among so many; a jet alone needs no name.

    >>> [jet_name(jet, 3) for jet in range(3)]
    ['leading fat jet', 'subleading fat jet', 'fat jet 3']
    """
    if jets == 1:
        return ""
    return ("leading fat jet", "subleading fat jet")[jet] if jet < 2 else f"fat jet {jet + 1}"


def _token(column: str, token: int) -> Values:
    index = KINEMATIC_COLUMNS.index(column)
    return lambda block: block["kinematics"][:, token, index, np.newaxis].astype(np.float64)


def _multiplicity(jet: int) -> Values:
    return lambda block: block["multiplicity"][:, jet, np.newaxis].astype(np.float64)


def _constituent(column: str, jet: int) -> Values:
    index = CONSTITUENT_COLUMNS.index(column)
    return lambda block: np.where(
        block["constituents_mask"][:, jet], block["constituents"][:, jet, :, index].astype(np.float64), np.nan
    )


def _track_jets(jet: int, column: int) -> Values:
    return lambda block: block[_TRACK_JETS][:, jet, column, np.newaxis].astype(np.float64)


def _shape(column: int) -> Values:
    return lambda block: block[_SHAPES][:, column, np.newaxis].astype(np.float64)


def _log_tag(block: EventBlock) -> Floats:
    """Minus infinity, an underflow, where the event cannot be tagged."""
    tag = block.weight_column("tag")[:, np.newaxis]
    return np.log10(tag, out=np.full_like(tag, -np.inf), where=tag > 0.0)


def _evenly(sample: Sample) -> list[EventBlock]:
    number = len(sample.blocks)
    chosen = np.unique(np.linspace(0, number - 1, min(RANGE_BLOCKS, number)).astype(int))
    return list(read_blocks(sample, [sample.blocks[index] for index in chosen]))


def _with_range(draft: Quantity, blocks: list[EventBlock]) -> Quantity:
    found = np.concatenate([draft.values(block).ravel() for block in blocks])
    found = found[np.isfinite(found)]
    low, high = np.quantile(found, (TAILS, 1.0 - TAILS)) if len(found) else (0.0, 1.0)
    whole = draft.figure == "multiplicity"
    return replace(draft, edges=nice_edges(float(low), float(high), whole))


def nice_edges(low: float, high: float, whole: bool = False) -> tuple[float, ...]:
    """About `BINS` bins of a round width that cover `low` to `high`; of whole numbers, shifted by a half.

    >>> nice_edges(51.0, 248.0)[0], nice_edges(51.0, 248.0)[-1], len(nice_edges(51.0, 248.0))
    (50.0, 250.0, 41)
    """
    width = max(high - low, 1e-6 * max(abs(low), 1.0)) / BINS
    power = 10.0 ** np.floor(np.log10(width))
    step = power * min((1.0, 2.0, 2.5, 5.0, 10.0), key=lambda factor: abs(np.log(factor * power / width)))
    if whole:
        step = float(max(np.round(step), 1.0))
    first = np.floor(low / step + 1e-9)
    last = np.floor(high / step) + 1.0 if whole else np.ceil(high / step - 1e-9)
    edges = step * np.arange(first, max(last, first + 1.0) + 1.0) - (0.5 if whole else 0.0)
    return tuple(float(edge) for edge in np.round(edges, 12))
