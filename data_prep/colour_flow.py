"""Leading-colour flows for `p p -> b bbar b bbar` events that come without colours. Units: GeV.

Comix sums over colours and writes none, but a shower needs them. With `i`, `j` for the two pairs:

1. Which b came with which anti-b from one gluon: the pairing with probability in proportion to `1 / (m_i^2 m_j^2)`, the
   squared propagators' leading behaviour where the pairs are collimated. Interference of the pairings is left out.
2. Each pair then stands for a gluon, whose colour its quark takes and whose anticolour its antiquark: at leading colour
   the two are never connected to each other. The order of the gluons along the colour lines is thrown with the antenna
   weight `1 / (product of p_i . p_j over neighbours)` of the Parke-Taylor amplitudes: cyclic for `g g`, an open string
   from the incoming antiquark to the incoming quark for `q qbar` (Mangano and Parke, Phys. Rept. 200 (1991) 301).

It is right in the limit of collimated pairs, which the selection of two fat jets asks for, and approximate elsewhere.
"""

from itertools import permutations

import numpy as np

from data_prep.arrays import Ints
from mscat_tf.errors import InputError
from mscat_tf.physics.four_vectors import Floats

GLUON, BOTTOM, FIRST_COLOUR = 21, 5, 501
INCOMING = 2
PAIR_A, PAIR_B = 2, 3
"""Places of the two pairs beside the incoming partons 0 and 1 where gluons are ordered."""


def colour_flows(pdg_id: Ints, momentum: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Throw a flow for every event.

    Args:
        pdg_id: `(events, 6)` two incoming partons, then two b and two anti-b quarks in any order.
        momentum: `(events, 6, 4)` px, py, pz, energy [GeV].
        rng: every random number comes from here.

    Returns:
        Colour and anticolour `(events, 6)` as in a Les Houches event file, 0 for none.

    Raises:
        InputError: the incoming partons are neither two gluons nor a quark and its antiquark, or the outgoing ones not
            two b and two anti-b.
    """
    if not np.array_equal(np.sort(pdg_id[:, INCOMING:]), np.tile([-BOTTOM, -BOTTOM, BOTTOM, BOTTOM], (len(pdg_id), 1))):
        raise InputError("four-b events: an event does not end in two b and two anti-b quarks; check the process card")
    quarks, antiquarks = _pairs(pdg_id, momentum, rng)
    colour, anticolour = np.zeros_like(pdg_id), np.zeros_like(pdg_id)
    gluons = np.all(pdg_id[:, :INCOMING] == GLUON, axis=1)
    annihilation = (pdg_id[:, 0] == -pdg_id[:, 1]) & ~gluons
    if not np.all(gluons | annihilation):
        raise InputError("four-b events: incoming partons must be two gluons, or a quark and its antiquark")
    orders = np.zeros((len(pdg_id), 4), np.int64)
    joined = _joined(momentum, quarks, antiquarks)
    orders[gluons] = _thrown(joined[gluons], _CYCLIC, rng, closed=True)
    string = np.where(pdg_id[annihilation, :1] < 0, 0, 1)  # the incoming antiquark begins the string
    orders[annihilation] = _thrown_strings(joined[annihilation], string[:, 0], rng)
    rows, incoming = np.arange(len(pdg_id)), np.tile([0, 1], (len(pdg_id), 1))
    source, sink = np.hstack([incoming, quarks]), np.hstack([incoming, antiquarks])
    for step in range(4):
        begin, end = orders[:, step], orders[:, (step + 1) % 4]
        drawn = gluons | (step < 3)
        _connect(colour, anticolour, rows[drawn], source[rows, begin][drawn], sink[rows, end][drawn], step)
    return colour, anticolour


def _pairs(pdg_id: Ints, momentum: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Places `(events, 2)` of the quarks, and of the antiquark that came with each."""
    places = np.argsort(-pdg_id[:, INCOMING:], axis=1, kind="stable") + INCOMING
    quarks, antiquarks = places[:, :2], places[:, 2:]
    rows = np.arange(len(pdg_id))

    def mass_squared(quark: Ints, antiquark: Ints) -> Floats:
        total = momentum[rows, quark] + momentum[rows, antiquark]
        return np.asarray(total[:, 3] ** 2 - np.sum(total[:, :3] ** 2, axis=1))

    straight = mass_squared(quarks[:, 0], antiquarks[:, 0]) * mass_squared(quarks[:, 1], antiquarks[:, 1])
    crossed = mass_squared(quarks[:, 0], antiquarks[:, 1]) * mass_squared(quarks[:, 1], antiquarks[:, 0])
    turned = rng.random(len(rows)) < straight / (straight + crossed)  # 1/crossed over 1/straight + 1/crossed
    return quarks, np.where(turned[:, np.newaxis], antiquarks[:, ::-1], antiquarks)


def _joined(momentum: Floats, quarks: Ints, antiquarks: Ints) -> Floats:
    """Momenta `(events, 4, 4)` of the incoming partons and the two pairs."""
    rows = np.arange(len(momentum))[:, np.newaxis]
    pairs = momentum[rows, quarks] + momentum[rows, antiquarks]
    return np.concatenate([momentum[:, :INCOMING], pairs], axis=1)


_CYCLIC = np.array([(0, *rest) for rest in permutations((1, PAIR_A, PAIR_B))])
_STRINGS = np.array([[0, PAIR_A, PAIR_B, 1], [0, PAIR_B, PAIR_A, 1]])


def _thrown(momentum: Floats, orders: Ints, rng: np.random.Generator, closed: bool) -> Ints:
    """One of these orders for each event, by the antenna weight."""
    weights = np.ones((len(momentum), len(orders)))
    for step in range(4 if closed else 3):
        first, second = momentum[:, orders[:, step]], momentum[:, orders[:, (step + 1) % 4]]
        product = first[..., 3] * second[..., 3] - np.sum(first[..., :3] * second[..., :3], axis=-1)
        weights /= np.abs(product)
    cumulative = np.cumsum(weights, axis=1)
    thrown = rng.random((len(momentum), 1)) * cumulative[:, -1:]
    return np.asarray(orders[np.sum(thrown > cumulative, axis=1)])


def _thrown_strings(momentum: Floats, begin: Ints, rng: np.random.Generator) -> Ints:
    """Orders of open strings that begin at the incoming parton `begin`."""
    places = np.where((begin == 0)[:, np.newaxis], [0, 1, PAIR_A, PAIR_B], [1, 0, PAIR_A, PAIR_B])
    turned = np.take_along_axis(momentum, places[..., np.newaxis], axis=1)
    return np.take_along_axis(places, _thrown(turned, _STRINGS, rng, closed=False), axis=1)


def _connect(colour: Ints, anticolour: Ints, rows: Ints, source: Ints, sink: Ints, step: int) -> None:
    """A colour line from `source` to `sink`; an incoming parton carries the conjugate of what an outgoing one would."""
    tag = FIRST_COLOUR + step
    outgoing = source >= INCOMING
    colour[rows[outgoing], source[outgoing]] = tag
    anticolour[rows[~outgoing], source[~outgoing]] = tag
    outgoing = sink >= INCOMING
    anticolour[rows[outgoing], sink[outgoing]] = tag
    colour[rows[~outgoing], sink[~outgoing]] = tag
