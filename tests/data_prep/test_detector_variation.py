from dataclasses import replace

import numpy as np
import pytest

from data_prep.arrays import concatenated
from data_prep.detector_variation import PT, RawJets, cone, selected, varied
from data_prep.prepare import prepare
from data_prep.prepared_shard import Maker
from mscat_tf import schema
from mscat_tf.config.preparation import Preparation
from mscat_tf.config.sample import Selection
from mscat_tf.data import Sample
from mscat_tf.errors import InputError
from mscat_tf.physics import delta_r, to_cartesian
from mscat_tf.physics.four_vectors import Cylindrical
from mscat_tf.physics.high_level_columns import STANDARD
from mscat_tf.schema import Header
from tests.data_prep.toy_samples import write_toy_sample

TIGHT = Selection(leading_pt_min=430.0, subleading_pt_min=300.0, mass_min=40.0, mass_max=90.0)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """27 events of two jets in two files; read only."""
    return write_toy_sample(tmp_path_factory.mktemp("toy") / "sample")


def some_jets(events=40, constituents=30, seed=2):
    rng = np.random.default_rng(seed)
    counts = np.full((events, 2), constituents)
    raw = np.zeros((counts.sum(), 6))
    raw[:, 0], raw[:, 1], raw[:, 2] = rng.exponential(10.0, len(raw)), *rng.normal(0.0, 0.2, (2, len(raw)))
    return RawJets(raw, counts)


def made(path, settings):
    """Headers and columns of a derived sample that is not written."""
    with Sample(path) as sample:
        maker = Maker(sample, settings)
        headers, arrays = zip(*(maker.make(number) for number in range(len(sample.files))), strict=True)
    return headers, concatenated([dict(each) for each in arrays])


def columns(path, *names):
    with Sample(path) as sample:
        return [sample.column(name).astype(np.float64) for name in names]


def test_scale_acts_on_momentum_and_mass_and_leaves_directions(source):
    _, arrays = made(source, Preparation(energy_scale=1.03))
    tokens, cloud, mask = columns(source, "kinematics", "constituents", "constituents_mask")
    for column, factor in ((0, 1.03), (1, 1.0), (2, 1.0), (3, 1.03), (4, 1.03), (5, 1.0)):
        np.testing.assert_allclose(
            arrays["kinematics"][..., column], factor * tokens[..., column], rtol=2e-5, atol=2e-5
        )
    np.testing.assert_allclose(arrays["constituents"][..., :2], cloud[..., :2], atol=2e-6)
    np.testing.assert_allclose(arrays["constituents"][..., 2], 1.03 * cloud[..., 2], rtol=1e-6)
    np.testing.assert_allclose(arrays["constituents"][..., 3], cloud[..., 3] + mask * np.log(1.03), atol=2e-6)


def test_jets_that_change_places_are_exchanged_with_all_they_have(source):
    """Smeared by half of their momentum many subleading jets become the harder ones."""
    _, arrays = made(source, Preparation(energy_resolution=0.5))
    pt = arrays["kinematics"][:, :2, 3]
    assert np.all(pt[:, 0] >= pt[:, 1])
    counts = arrays["multiplicity"]
    before = columns(source, "multiplicity")[0]
    exchanged = np.any(counts != before, axis=1)
    assert exchanged.any()
    np.testing.assert_array_equal(counts[exchanged], before[exchanged][:, ::-1])
    total = np.add.reduceat(arrays["raw/constituents"][:, PT], np.cumsum(counts.ravel()) - counts.ravel())
    assert np.all(total.reshape(-1, 2) >= pt - 1e-6)
    assert np.mean(total.reshape(-1, 2) / pt) < 1.1
    parts = to_cartesian(*arrays["raw/constituents"][:, :4].T)
    jet = np.repeat(np.arange(counts.size), counts.ravel())
    px, py = (np.bincount(jet, part).reshape(-1, 2) for part in parts[:2])
    np.testing.assert_allclose(np.hypot(px, py), pt, rtol=1e-9)


def test_resolution_has_the_asked_for_width_and_mean():
    jets = some_jets()
    after = varied(jets, Preparation(energy_resolution=0.2), 1.0, np.random.default_rng(1))
    ratio = np.sort(after.raw[:, 1]), np.sort(jets.raw[:, 1])
    np.testing.assert_array_equal(*ratio)
    order = [np.argsort(raw[:, 1]) for raw in (after.raw, jets.raw)]
    ratio = after.raw[order[0], PT] / jets.raw[order[1], PT]
    assert ratio.mean() == pytest.approx(1.0, abs=4 * 0.2 / np.sqrt(len(ratio)))
    assert ratio.std() == pytest.approx(0.2, abs=4 * 0.2 / np.sqrt(len(ratio)))


def test_soft_particles_are_as_many_as_soft_and_as_even_as_asked_for():
    jets = some_jets()
    settings = Preparation(soft_particles=25.0, soft_pt=0.7)
    after = varied(jets, settings, 0.8, np.random.default_rng(1))
    thrown = after.counts - jets.counts
    assert thrown.mean() == pytest.approx(25.0, abs=4 * 5.0 / np.sqrt(thrown.size))
    assert thrown.var() == pytest.approx(25.0, rel=0.6)
    jet = np.repeat(np.arange(after.counts.size), after.counts.ravel())
    soft = after.raw[:, 5] == 22
    axes = jets.momenta()
    distance = delta_r(after.raw[soft, 1], after.raw[soft, 2], axes.eta.ravel()[jet[soft]], axes.phi.ravel()[jet[soft]])
    assert after.raw[soft, PT].mean() == pytest.approx(0.7, rel=0.1)
    assert distance.max() < 0.8
    assert np.mean(distance**2) == pytest.approx(0.32, rel=0.08)  # even in a disc: R^2 / 2
    falling = np.diff(after.raw[:, PT]) <= 0.0
    assert np.all(falling | (np.diff(jet) > 0))
    np.testing.assert_array_equal(np.sort(after.raw[~soft], axis=0), np.sort(jets.raw, axis=0))


def test_events_that_fail_the_selection_now_are_dropped_and_counted(tmp_path):
    """The same cuts computed from the tokens of the file, scaled."""
    folder = write_toy_sample(tmp_path / "toy", events=(30, 20))
    _with_selection(folder, TIGHT)
    tokens, ids, weights, process = columns(folder, "kinematics", "event_id", "weights", "process")
    mass, pt = 0.9 * tokens[:, :2, 0], 0.9 * tokens[:, :2, 3]
    right = (pt[:, 0] > 430) & (pt[:, 1] > 300) & np.all((mass > 40) & (mass < 90), axis=1)
    right &= np.all(np.abs(tokens[:, :2, 1]) < 2.0, axis=1)
    assert 0 < right.sum() < len(right)
    summary = prepare(folder, Preparation(energy_scale=0.9), tmp_path / "made", workers=1)
    assert (summary.events, summary.dropped) == (right.sum(), (~right).sum())
    assert columns(tmp_path / "made", "event_id")[0].tolist() == ids[right].tolist()
    with Sample(tmp_path / "made") as sample:
        for index, name in enumerate(sample.header.processes):
            own = right & (process == index)
            *_, left, tag = sample.cut_flow[name]
            assert (left["raw"], left["weighted"]) == (own.sum(), pytest.approx(weights[own, 0].sum()))
            assert (tag["cut"], tag["weighted"]) == ("double b tag", pytest.approx(weights[own].prod(axis=1).sum()))
        assert sample.normalisation["signal"].generated_events == 2000


def test_no_event_left(tmp_path):
    folder = write_toy_sample(tmp_path / "toy", events=(6,))
    _with_selection(folder, TIGHT)
    with pytest.raises(InputError, match="none of 6 events pass the selection now"):
        prepare(folder, Preparation(energy_scale=0.5), tmp_path / "made", workers=1)
    with pytest.raises(InputError, match="not finished"):
        Sample(tmp_path / "made")


def test_missing_momentum_takes_up_what_the_jets_lose():
    """Momenta of jets, leptons and what is missing still add up to the same."""
    rng = np.random.default_rng(4)
    raw = some_jets(events=7)
    momenta, new = raw.momenta(), raw._replace(raw=raw.raw * [1.2, 1, 1, 1.2, 1, 1]).momenta()
    names = ("jet 1", "jet 2", "lepton 1", "missing momentum", "sum")
    tokens = rng.uniform(1.0, 2.0, (7, 5, 6))
    for place in (0, 1):
        tokens[:, place, :4] = np.stack([momenta.mass, momenta.eta, momenta.phi, momenta.pt], axis=-1)[:, place]
    maker = Maker.__new__(Maker)
    maker.sample = type("Sample", (), {"header": type("Header", (), {"token_names": names})})
    events = type("Events", (), {"arrays": {"kinematics": tokens}, "momenta": new})
    found = maker._tokens(events, np.zeros((7, 2)))
    for column, trigonometric in ((3, np.cos), (3, np.sin)):
        before, after = ((t[:, :4, column] * trigonometric(t[:, :4, 2])).sum(axis=1) for t in (tokens, found))
        np.testing.assert_allclose(after, before, atol=1e-9)
    np.testing.assert_allclose(found[:, 2, :4], tokens[:, 2, :4])


def test_substructure_is_computed_again(tmp_path):
    """Scaled by two, masses double and ratios stay; trees of soft particles are longer."""
    pytest.importorskip("fastjet")
    folder = write_toy_sample(tmp_path / "toy", events=(4,))
    arrays, header = _arrays(folder / "toy-0000.h5")
    shape = (4, 2, len(STANDARD))
    header = replace(header, high_level=STANDARD)
    schema.write_sample(folder / "toy-0000.h5", header, {**arrays, "high_level": np.ones(shape)})
    values = [made(folder, Preparation(energy_scale=factor))[1]["high_level"] for factor in (1.5, 0.75)]
    places = [STANDARD.index(name) for name in ("mass", "soft_drop_mass", "tau_21", "c2")]
    for place, factor in zip(places, (2.0, 2.0, 1.0, 1.0), strict=True):
        np.testing.assert_allclose(values[0][..., place], factor * values[1][..., place], rtol=1e-4)


def test_sample_without_a_selection_loses_nothing():
    momenta = Cylindrical(*(np.ones((3, 1)) for _ in range(4)))
    assert selected(momenta, {}).all()
    assert cone({}) == 1.0
    assert cone({"fat_jets": {"radius": 0.8}}) == 0.8


def _arrays(path) -> tuple[dict, Header]:
    with schema.open_sample(path) as file:
        return {name: file[name][()] for name in schema.DATA_SETS if name in file}, schema.read_header(path)


def _with_selection(folder, selection):
    for path in folder.glob("*.h5"):
        arrays, header = _arrays(path)
        header.configuration["selection"] = selection.model_dump(mode="json")
        schema.write_sample(path, header, arrays)
