"""Public sets of single jets come back as samples: sums, masks, labels, kinds, whatever the chunks."""

import h5py
import numpy as np
import pytest
import vector

from data_prep.importers import npz_file, quark_gluon
from data_prep.importers.run import import_sample
from data_prep.importers.single_jets import NO_CROSS_SECTION
from mscat_tf.cli.inspection import inspect
from mscat_tf.config import DataSettings
from mscat_tf.data import Sample, event_table
from mscat_tf.evaluation.sample_figures import draw_sample
from tests.data_prep.public_sets import (
    FORMATS,
    JETS,
    KEEP,
    LABEL,
    NAMES,
    offsets,
    random_jets,
    settings,
    write_jet_class,
    write_top_tagging,
    written,
)


@pytest.fixture(scope="module", params=FORMATS)
def imported(request, tmp_path_factory):
    """Format, the jets that were written, and the sample, its events in the order of the jets."""
    jets, folder = random_jets(), tmp_path_factory.mktemp(request.param)
    summary = import_sample(written(request.param, folder, jets), folder / "out", workers=1)
    assert summary.events == JETS
    assert NO_CROSS_SECTION in summary.notes
    with Sample(folder / "out") as sample:
        order = np.argsort(np.argsort(LABEL, kind="stable")) if request.param == "released_arrays" else np.arange(JETS)
        yield request.param, jets, sample, order


def test_jets_are_the_sums_of_their_constituents(imported):
    format, jets, sample, order = imported
    momenta = jets.momenta
    if format == "released_arrays":
        momenta = jets._replace(mass=np.zeros_like(jets.mass)).momenta
    px, py, pz, energy = np.add.reduceat(momenta, offsets(jets), axis=1)
    m, eta, phi, pt, found_energy, theta = sample.column("kinematics")[order, 0].T
    np.testing.assert_allclose(pt, np.hypot(px, py), rtol=1e-5)
    np.testing.assert_allclose(energy, found_energy, rtol=1e-5)
    np.testing.assert_allclose(eta, np.arctanh(pz / np.sqrt(px**2 + py**2 + pz**2)), atol=2e-5)
    np.testing.assert_allclose(np.exp(1j * phi), np.exp(1j * np.arctan2(py, px)), atol=2e-5)
    np.testing.assert_allclose(m**2, energy**2 - px**2 - py**2 - pz**2, rtol=1e-3, atol=1e-6 * energy.max() ** 2)
    assert np.all(np.abs(theta) <= np.float32(np.pi / 2))


def test_constituents_masks_and_multiplicity(imported):
    format, jets, sample, order = imported
    assert (sample.header.jets, sample.header.tokens, sample.header.constituents) == (1, 1, KEEP)
    assert sample.header.subjets == 3
    assert np.all(sample.column("subjets/mask")[order, 0].any(axis=-1) == (jets.counts > 0))
    np.testing.assert_array_equal(sample.column("multiplicity")[order, 0], jets.counts)
    mask = sample.column("constituents_mask")[order, 0]
    np.testing.assert_array_equal(mask, np.arange(KEEP) < jets.counts[:, None])
    pt = sample.column("constituents")[order, 0, :, 2]
    for jet, start in enumerate(offsets(jets)):
        hardest = np.sort(jets.pt[start : start + jets.counts[jet]])[::-1][:KEEP]
        np.testing.assert_allclose(pt[jet][mask[jet]], hardest, rtol=1e-6)
    kinds = _all_raw(sample, order)[:, 5]
    known = format in ("quark_gluon", "jet_class")
    np.testing.assert_array_equal(kinds, _by_pt(jets, jets.pdg_id) if known else 0)


def test_charges_are_kept_where_known(imported):
    format, jets, sample, order = imported
    counts = sample.column("high_level")[order, 0, ::2].sum(axis=-1)
    assert sample.header.high_level[::2] == tuple(f"pt_count_all_{place}" for place in range(8))
    np.testing.assert_array_equal(counts, jets.counts)
    raw = _all_raw(sample, order)
    expected = _by_pt(jets, jets.charge) if format in ("quark_gluon", "jet_class") else 0
    np.testing.assert_array_equal(raw[:, 4], expected)


def test_labels_weights_and_normalisation(imported):
    format, _, sample, order = imported
    table = event_table(sample, DataSettings(), seed=0)
    np.testing.assert_array_equal(table.label[order], LABEL)
    assert [table.processes[i] for i in table.process[order]] == [NAMES[format][label] for label in LABEL]
    assert len(np.unique(table.event_id)) == JETS
    np.testing.assert_array_equal(sample.column("weights"), 1.0)
    assert {name: norm.cross_section_fb for name, norm in sample.normalisation.items()} == dict.fromkeys(
        NAMES[format], 1.0
    )
    for label in (0, 1):
        np.testing.assert_allclose(table.weight_fb[table.label == label].sum(), 1.0, rtol=1e-6)


def test_inspect_prints_samples_of_single_jets(imported, capsys):
    format, _, sample, _ = imported
    inspect(sample.path, None, 2, [], False)
    printed = " ".join(capsys.readouterr().out.split())
    assert "1 jet(s) of up to 12 constituents, 1 kinematic token(s)" in printed
    assert NAMES[format][0] in printed


def test_figures_of_single_jets_have_one_panel_and_no_sum(tmp_path):
    import_sample(written("quark_gluon", tmp_path, random_jets()), tmp_path / "out", workers=1)
    with Sample(tmp_path / "out") as sample:
        table = event_table(sample, DataSettings(), seed=0)
        drawn = {path.stem for path in draw_sample(sample, table, tmp_path / "figures")}
    assert drawn == {"fat_jet_mass", "fat_jet_pt", "theta", "multiplicity", "tag_weight"}


@pytest.mark.parametrize("format", FORMATS)
def test_chunks_do_not_change_the_events(format, tmp_path):
    whole = written(format, tmp_path, random_jets())
    import_sample(whole, tmp_path / "whole", workers=1)
    import_sample(whole.model_copy(update={"chunk_entries": 7}), tmp_path / "parts", workers=1)
    with Sample(tmp_path / "whole") as first, Sample(tmp_path / "parts") as second:
        assert len(second.files) > len(first.files)
        for name in ("constituents", "kinematics", "event_id", "label"):
            np.testing.assert_array_equal(first.column(name), second.column(name))
        for name, norm in first.normalisation.items():
            assert vars(second.normalisation[name]) == pytest.approx(vars(norm))
        assert first.cut_flow == second.cut_flow


def test_both_layouts_of_pandas_give_the_same(tmp_path):
    columns = []
    for layout in ("fixed", "table"):
        path = write_top_tagging(tmp_path / f"{layout}.h5", random_jets(), layout)
        chunked = settings("top_tagging", [path], chunk_entries=9)
        import_sample(chunked, tmp_path / layout, workers=1)
        with Sample(tmp_path / layout) as sample:
            columns.append(sample.column("constituents"))
    np.testing.assert_array_equal(*columns)


def test_signal_of_jet_class_is_a_setting(tmp_path):
    path = write_jet_class(tmp_path / "a.root", random_jets())
    chosen = settings("jet_class", [path], jet_class={"signal": ("QCD", "Tbl")})
    import_sample(chosen, tmp_path / "out", workers=1)
    with Sample(tmp_path / "out") as sample:
        np.testing.assert_array_equal(sample.column("label"), 1 - LABEL)
        assert dict(zip(sample.header.processes, sample.header.labels, strict=True))["Tbl"] == 1


def test_rapidity_becomes_pseudorapidity():
    rng = np.random.default_rng(3)
    pt, eta, mass = rng.uniform(0.01, 50, 200), rng.uniform(-4, 4, 200), rng.uniform(0, 1, 200)
    rapidity = vector.array({"pt": pt, "eta": eta, "phi": 0 * pt, "mass": mass}).rapidity
    assert np.max(np.abs(rapidity - eta)) > 0.5  # else the test could not tell them apart
    np.testing.assert_allclose(quark_gluon.pseudorapidity(pt, rapidity, mass), eta, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_rows_of_an_npz_are_those_of_numpy(save, tmp_path):
    values = np.random.default_rng(4).normal(size=(31, 5, 3)).astype("f4")
    save(tmp_path / "a.npz", X=values)
    found = npz_file.read_rows(tmp_path / "a.npz", "X", 11, 17)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, values[11:17])


@pytest.mark.external
def test_released_demonstration(reference_data, tmp_path):
    folder = reference_data / "released_demo"
    files = {"signal": (folder / "sig_J_TP1.npz", 1), "background": (folder / "bkg1_J_TP1.npz", 0)}
    processes = {name: {"files": (str(path),), "label": label} for name, (path, label) in files.items()}
    both = settings("released_arrays", (), processes=processes, chunk_entries=8_000, tokens={"constituents": 50})
    assert import_sample(both, tmp_path, workers=1).events == 30_000
    with Sample(tmp_path) as sample:
        label, multiplicity = sample.column("label"), sample.column("multiplicity")[:, 0]
        for value, mean, most in ((1, 4.86, 36), (0, 5.30, 28)):  # FACTS.md 1.8
            assert multiplicity[label == value].mean().round(2) == mean
            assert multiplicity[label == value].max() == most
        rows = np.load(files["signal"][0])["arr_0"]
        np.testing.assert_allclose(
            np.sort(sample.column("constituents")[label == 1, 0, :, 2].sum(axis=1)), np.sort(rows[..., 2].sum(axis=1)),
            rtol=1e-5,
        )  # fmt: skip


def _by_pt(jets, values):
    jet = np.repeat(np.arange(len(jets.counts)), jets.counts)
    return values[np.lexsort((-jets.pt, jet))]


def _all_raw(sample, order):
    """Raw constituents of all jets, in the order of the jets that were written."""
    parts = []
    for path in sample.files:
        with h5py.File(path) as file:
            parts += np.split(file["raw/constituents"][()], file["raw/offsets"][1:-1])
    return np.concatenate([parts[place] for place in order])
