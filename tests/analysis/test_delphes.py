"""References of Delphes from fat jets to their constituents, on records made by hand."""

import awkward as ak
import pytest

from mscat_tf.analysis import delphes_fat_jets
from mscat_tf.errors import InputError


def objects(numbers, mass=0.0):
    """One collection: each object has its number as transverse momentum."""
    rows = [[{"pt": float(n), "eta": 0.1, "phi": 0.2, "mass": mass, "fUniqueID": n} for n in one] for one in numbers]
    return ak.Array(rows) if any(numbers) else ak.Array([objects([[1]]).to_list()[0]] * len(rows))[:, :0]


def events(references, tracks, photons):
    """References of each jet, numbers of the tracks and photons, of every event."""
    jets = [[{"PT": 1.0, "Constituents": {"refs": one}} for one in event] for event in references]
    return ak.Array(
        {
            "FatJet": ak.values_astype(ak.Array(jets), "int64"),
            "EFlowTrack": objects(tracks, 0.14),
            "EFlowPhoton": objects(photons),
            "EFlowNeutralHadron": objects([[]] * len(jets)),
        }
    )


def test_constituents_are_those_of_their_own_event_in_the_order_of_the_jet():
    """The upper 8 bits of a reference name a process and mean nothing here; numbers repeat between events."""
    given = events([[[5, 2], [7 | 3 << 24]], [], [[2]]], [[2, 9], [1], []], [[7, 5], [], [4, 2]])
    jets = delphes_fat_jets(given)
    assert ak.to_list(jets.constituents.pt) == [[[5.0, 2.0], [7.0]], [], [[2.0]]]
    assert ak.to_list(jets.constituents.mass) == [[[0.0, 0.14], [0.0]], [], [[0.0]]]
    assert ak.to_list(jets.PT) == [[1, 1], [], [1]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (events([[[5, 3]]], [[5]], [[4]]), r"1 of 2 references FatJet\.Constituents lead nowhere"),
        (events([[[5]]], [[5]], [[5]]), r"objects share a number \(fUniqueID\)"),
        (events([[[5]]], [[5]], [[4]])[["EFlowTrack", "EFlowPhoton"]], "no FatJet, EFlowNeutralHadron; keep the EFlow"),
        (ak.with_field(events([[[5]]], [[5]], [[4]]), objects([[1]]), "FatJet"), r"no references FatJet\.Constituents"),
    ],
)
def test_references_that_cannot_be_followed_are_one_sentence(given, message):
    with pytest.raises(InputError, match=message):
        delphes_fat_jets(given)
