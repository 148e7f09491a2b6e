"""Scores within real coffea processors against `mscat import` and `mscat predict` on the same file."""

import awkward as ak
import h5py
import numpy as np
import pytest

coffea = pytest.importorskip("coffea", reason="coffea is not installed: pip install 'mscat-tf[analysis]'")
fastjet = pytest.importorskip("fastjet")

from coffea.nanoevents import DelphesSchema  # noqa: E402
from coffea.processor import FuturesExecutor, IterativeExecutor, ProcessorABC, Runner  # noqa: E402

from mscat_tf.analysis import ScoreEvents, delphes_fat_jets  # noqa: E402

LOOSE = ("leading_pt_min=300", "mass_min=0", "mass_max=500")


class FlatDelphesSchema(DelphesSchema):
    """uproot writes `Track.PT` at the top of the tree, Delphes below `Track`."""

    def __init__(self, form, *arguments, **options):
        names = [f"{name.partition('.')[0]}/{name}" if "." in name else name for name in form["fields"]]
        super().__init__({**form, "fields": names}, *arguments, **options)


class Clustered(ProcessorABC):
    """Fat jets of this processor's own."""

    def __init__(self, score):
        self.score = score

    def process(self, events):
        objects = ak.concatenate([events.EFlowTrack, events.EFlowPhoton, events.EFlowNeutralHadron], axis=1)
        momenta = ak.zip({name: ak.values_astype(objects[name], "float64") for name in ("pt", "eta", "phi", "mass")})
        momenta = ak.with_name(momenta, "Momentum4D")
        jets = fastjet.ClusterSequence(momenta, fastjet.JetDefinition(fastjet.antikt_algorithm, 1.0))
        return answer(events, self.score(ak.zip({"constituents": jets.constituents(200.0)}, depth_limit=2)))

    def postprocess(self, accumulator):
        return accumulator


class Referenced(Clustered):
    """Fat jets of the file."""

    def process(self, events):
        return answer(events, self.score(delphes_fat_jets(events)))


def answer(events, score):
    """Lists are joined over chunks."""
    start = events.metadata["entrystart"]
    return {start: ak.to_list(score)}


def scores_of(processor, file, schema, chunksize, executor=None):
    run = Runner(executor or IterativeExecutor(status=False), schema=schema, chunksize=chunksize)
    found = run({"toy": {"files": {str(file): "Delphes"}}}, processor)
    return [score for start in sorted(found) for score in found[start]]


def predicted(mscat, network, file, tmp_path):
    """Entry and score by the command line."""
    status, _, complaint = mscat("predict", network, "--import", "delphes", file, "--out", tmp_path / "s.h5")
    assert status == 0, complaint
    with h5py.File(tmp_path / "s.h5") as scores:
        return scores["event_id"][()] & 0xFFFFFF, scores["score"][()]


def compare(found, entries, scores):
    assert len(entries) > 10
    assert np.ptp(scores) > 0.03
    np.testing.assert_allclose([found[entry] for entry in entries], scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize("chunksize", [1000, 17])
def test_own_jets_of_a_toy_file(mscat, delphes_file, onnx_file, tmp_path, chunksize):
    found = scores_of(Clustered(ScoreEvents(onnx_file)), delphes_file, FlatDelphesSchema, chunksize)
    assert len(found) == 60
    assert {found[entry] for entry in range(60) if entry % 4 < 2} == {None}
    compare(found, *predicted(mscat, onnx_file, delphes_file, tmp_path))


def test_workers_load_the_network_themselves(delphes_file, onnx_file):
    processor = Clustered(ScoreEvents(onnx_file))
    workers = FuturesExecutor(workers=1, status=False)
    expected = scores_of(processor, delphes_file, FlatDelphesSchema, 1000)
    assert scores_of(processor, delphes_file, FlatDelphesSchema, 25, workers) == pytest.approx(expected, abs=1e-6)


@pytest.mark.external
def test_fat_jets_of_a_delphes_file(mscat, reference_data, onnx_file, tmp_path):
    """300 events of real Delphes."""
    file = reference_data / "delphes" / "signal.root"
    found = scores_of(Referenced(ScoreEvents(onnx_file)), file, DelphesSchema, 128)
    assert len(found) == 300
    compare(found, *predicted(mscat, onnx_file, file, tmp_path))
