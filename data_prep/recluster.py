"""Jets clustered again by FastJet (arXiv:1111.6097), with the whole history of how they were joined.

Units: GeV, radians.
"""

from typing import NamedTuple

import awkward as ak
import numpy as np

from data_prep import extras
from data_prep.arrays import Ints, offsets_of, pad
from data_prep.cluster import COMPONENTS, jagged
from data_prep.groom import UNBOUNDED_RADIUS
from mscat_tf.physics.directions import Direction, direction
from mscat_tf.physics.four_vectors import Cartesian


class Trees(NamedTuple):
    """Jets as binary trees, flat, one after the other.

    A piece is a constituent or the sum of two pieces. A jet of c constituents has 2 c - 1 of them: the constituents in
    the order given, then the sums in the order of their making, at last the jet.

    Attributes:
        counts: `(jets,)` constituents of each jet.
        offsets: `(jets + 1,)` jet i owns the pieces `offsets[i]` to `offsets[i + 1]`.
        momentum: `(pieces,)` each [GeV].
        branches: `(pieces, 2)` the two pieces that a sum was made of, the one with more transverse momentum first; -1
            for constituents.
    """

    counts: Ints
    offsets: Ints
    momentum: Cartesian
    branches: Ints


def cambridge_aachen(momenta: Cartesian, counts: Ints) -> Trees:
    """The nearest pieces are joined first, four-momenta are added (arXiv:hep-ph/9707323, hep-ph/9907280).

    Args:
        momenta: `(total,)` each, of the constituents [GeV]. counts: `(jets,)` constituents of each jet, at least 1.

    Raises:
        MissingExtraError: fastjet is not installed.
    """
    return _clustered(momenta, counts, "cambridge_algorithm", "E_scheme")


def winner_take_all_kt(momenta: Cartesian, counts: Ints) -> Trees:
    """The kT algorithm (Catani et al., Nucl. Phys. B 406 (1993) 187); a sum points where its harder piece does.

    That recombination: Bertolini, Chan, Thaler, arXiv:1310.7584; Larkoski, Neill, Thaler, arXiv:1401.2158.

    Args, Raises: as for `cambridge_aachen`.
    """
    return _clustered(momenta, counts, "kt_algorithm", "WTA_pt_scheme")


def subjets(trees: Trees, number: int) -> Direction:
    """The pieces that were left when a jet was joined up to so many: its exclusive subjets.

    Args:
        trees: of the jets. number: of subjets, N.

    Returns:
        Their directions `(jets, at most N)`. A jet with fewer constituents has no more subjets than these, and then
        zeros.
    """
    jet = np.repeat(np.arange(len(trees.counts)), np.diff(trees.offsets))
    made_until = np.maximum(2 * trees.counts - number, trees.counts) + trees.offsets[:-1]
    joined_into = trees.offsets[1:][jet]
    sums = np.flatnonzero(trees.branches[:, 0] >= 0)
    joined_into[trees.branches[sums]] = sums[:, np.newaxis]
    chosen = np.flatnonzero((np.arange(len(jet)) < made_until[jet]) & (joined_into >= made_until[jet]))
    found = direction(Cartesian(*(component[chosen] for component in trees.momentum)))
    counts = np.bincount(jet[chosen], minlength=len(trees.counts)).astype(np.int64)
    return Direction(*(pad(values, counts)[0] for values in found))


def _clustered(momenta: Cartesian, counts: Ints, algorithm: str, scheme: str) -> Trees:
    fastjet = extras.fastjet()
    definition = fastjet.JetDefinition(getattr(fastjet, algorithm), UNBOUNDED_RADIUS, getattr(fastjet, scheme))
    sequence = fastjet.ClusterSequence(jagged(momenta, counts), definition)
    pieces = ak.flatten(sequence.jets())
    momentum = Cartesian(*(ak.to_numpy(pieces[name]) for name in COMPONENTS))
    history = ak.to_numpy(ak.flatten(sequence.unique_history_order())).astype(np.int64)
    return Trees(counts, offsets_of(2 * counts - 1), momentum, _branches(history, counts, momentum))


def _branches(history: Ints, counts: Ints, momentum: Cartesian) -> Ints:
    """`(pieces, 2)` what each piece was made of, from FastJet's unique order of the history.

    That order names both trees of a sum before the sum, as reverse Polish notation does. After each name, count how
    many pieces wait: a constituent adds one, a sum takes two and gives one back. The second piece of a sum stands right
    before it; the first is the last one before it that left as many waiting as the sum itself does.

    Args:
        history: `(2 * total,)` numbers of the pieces within their jet, and after each jet the one of the step to the
            beam, which is no piece.
    """
    jet = np.repeat(np.arange(len(counts)), 2 * counts)
    is_piece = history < 2 * counts[jet] - 1
    history, jet = history[is_piece], jet[is_piece]
    is_sum = history >= counts[jet]
    alike = np.argsort(np.cumsum(np.where(is_sum, -1, 1)), kind="stable")  # in order of place where equal
    before = np.empty_like(alike)
    before[alike[1:]] = alike[:-1]
    piece = history + offsets_of(2 * counts - 1)[:-1][jet]
    places = np.flatnonzero(is_sum)
    pairs = np.stack([piece[before[places]], piece[places - 1]], axis=-1)
    pt = np.hypot(momentum.px, momentum.py)[pairs]
    pairs[pt[:, 1] > pt[:, 0]] = pairs[pt[:, 1] > pt[:, 0]][:, ::-1]
    branches = np.full((len(piece), 2), -1, np.int64)
    branches[piece[places]] = pairs
    return branches
