"""Samples derived from another: what is made anew, what stays, and files."""

import json
from pathlib import Path

import numpy as np
import pytest

from data_prep import prepare as prepare_module
from data_prep.prepare import prepare
from data_prep.theta_origin import folded
from mscat_tf import schema
from mscat_tf.config.preparation import Preparation, source_digest
from mscat_tf.data import Sample
from mscat_tf.errors import InputError, OutputError
from mscat_tf.physics import to_cartesian, wrap_phi
from tests import oracles
from tests.data_prep.toy_samples import KEEP, TOKENS, columns, derived, write_toy_sample

CARRIED = ("event_id", "group_id", "label", "process", "weights", "m_H", "multiplicity")


def raw_jets(path):
    """Constituents `(n, 6)` of each jet of a sample, in order."""
    with Sample(path) as sample:
        parts = [sample.read_raw(block) for block in sample.blocks]
    jets = [np.split(raw, np.cumsum(counts.ravel())[:-1]) for raw, counts in parts]
    return [jet.astype(np.float64) for part in jets for jet in part]


def test_default_preparation_gives_the_tokens_of_the_file(source):
    again = derived(source)
    for name, stored in columns(source).items():
        np.testing.assert_allclose(again[name].astype(np.float64), stored, atol=2e-6, rtol=2e-6)


def test_tokens_agree_with_eigenvectors_of_the_covariance(source):
    """theta and the frame computed one jet at a time by `numpy.linalg.eigh`, from what the file holds."""
    stored = columns(source)
    for number, jet in enumerate(raw_jets(source)):
        pt, eta, phi, mass = jet[:, :4].T
        frame, theta = oracles.jet_frame(pt, eta, phi, to_cartesian(pt, eta, phi, mass).energy, KEEP)
        event, place = divmod(number, 2)
        assert abs(np.sin(stored["kinematics"][event, place, 5] - theta)) < 1e-5
        np.testing.assert_allclose(np.abs(stored["constituents"][event, place]), np.abs(frame), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"rotate": "half_wrong", "flip": "opposite", "order": "unsorted", "shift": "none"},
        {"theta": "shuffled_events", "soft_particles": 3.0, "energy_resolution": 0.1},
    ],
)
def test_labels_decide_no_token(tmp_path, source, switches):
    """Every label turned around, every token stays, bit by bit."""
    turned = write_toy_sample(tmp_path / "turned", label=lambda label: 1 - label)
    one, other = derived(source, **switches), derived(turned, **switches)
    assert np.all(one["label"] != other["label"])
    for name in (*TOKENS, "raw/constituents"):
        np.testing.assert_array_equal(one[name], other[name])


def test_only_background_phi_looks_at_labels(tmp_path, source):
    turned = write_toy_sample(tmp_path / "turned", label=lambda label: 1 - label)
    switch = {"background_phi": "signal"}
    one, other = derived(source, **switch), derived(turned, **switch)
    assert np.any(one["constituents"] != other["constituents"], axis=(1, 2, 3)).all()


def test_background_gets_the_azimuths_of_the_signal(source):
    """The i-th event of the background those of the i-th of the signal, constituent by constituent, then 0."""
    plain = {"shift": "none", "rotate": "none", "flip": "none"}
    made = derived(source, background_phi="signal", **plain)
    before = derived(source, **plain)
    jets, label = raw_jets(source), made["label"]
    signal = np.flatnonzero(label == 1)
    for number, event in enumerate(np.flatnonzero(label == 0)[: len(signal)]):
        for place in range(2):
            own, others = jets[2 * event + place], jets[2 * signal[number] + place][:, 2]
            expected = np.zeros(len(own))
            expected[: len(others)] = others[: len(own)]
            found = made["constituents"][event, place]
            np.testing.assert_allclose(found[: len(own), 0], own[:KEEP, 1], atol=1e-5)
            np.testing.assert_allclose(wrap_phi(found[: len(own), 1] - expected[:KEEP]), 0.0, atol=1e-5)
    for name in TOKENS:
        np.testing.assert_array_equal(made[name][signal], before[name][signal])


def test_background_without_enough_signal_begins_again(tmp_path):
    few = write_toy_sample(tmp_path / "few", label=lambda label: (np.arange(len(label)) == 0).astype(int))
    plain = {"shift": "none", "rotate": "none", "flip": "none"}
    made = derived(few, background_phi="signal", **plain)
    jets, signal = raw_jets(few), np.flatnonzero(made["label"] == 1)
    background = np.flatnonzero(made["label"] == 0)
    for number in (0, 1, 2, 3, len(background) - 1):
        hardest = jets[2 * signal[number % len(signal)]][0, 2]
        assert wrap_phi(made["constituents"][background[number], 0, 0, 1] - hardest) == pytest.approx(0.0, abs=1e-5)


def test_unsorted_constituents_are_a_random_part(source):
    made, before = derived(source, order="unsorted"), columns(source)
    more = made["multiplicity"] > KEEP
    pt, hardest = (
        np.where(columns_["constituents_mask"], columns_["constituents"][..., 2], 0.0) for columns_ in (made, before)
    )
    assert np.all(pt[more].sum(axis=1) <= hardest[more].sum(axis=1) + 1e-3)
    assert np.mean(pt[more].sum(axis=1) < 0.99 * hardest[more].sum(axis=1)) > 0.8
    np.testing.assert_allclose(np.sort(pt[~more], axis=1), np.sort(hardest[~more], axis=1))
    assert np.any(np.diff(pt[~more][:, :3], axis=1) > 0.0)
    np.testing.assert_allclose(made["kinematics"], before["kinematics"], atol=1e-5)


def test_replaced_angles_are_what_they_are_called(source):
    stored = columns(source)
    own = stored["kinematics"][:, :2, 5].astype(np.float64)
    found = {
        kind: derived(source, theta=kind)
        for kind in ("zero", "noise", "shuffled_events", "shuffled_jets", "relative_to_beam", "relative_to_other_jet")
    }
    angle = {kind: columns_["kinematics"][:, :2, 5].astype(np.float64) for kind, columns_ in found.items()}
    assert np.all(angle["zero"] == 0.0)
    assert np.all(np.abs(angle["noise"]) <= np.pi / 2 + 1e-6)
    assert len(np.unique(angle["noise"])) == own.size
    assert abs(np.mean(angle["noise"])) < 4 * np.pi / np.sqrt(12 * own.size)
    by_first = [rows[np.argsort(rows[:, 0])] for rows in (angle["shuffled_events"], own)]
    np.testing.assert_allclose(*by_first, atol=1e-5)
    assert np.mean(np.any(np.abs(angle["shuffled_events"] - own) > 1e-5, axis=1)) > 0.8
    np.testing.assert_allclose(np.sort(angle["shuffled_jets"], axis=1), np.sort(own, axis=1), atol=1e-5)
    assert 0.2 < np.mean(np.abs(angle["shuffled_jets"][:, 0] - own[:, 0]) > 1e-5) < 0.8
    np.testing.assert_allclose(angle["relative_to_beam"], np.abs(own), atol=1e-5)
    total = angle["relative_to_other_jet"]
    np.testing.assert_array_equal(total[:, 0], total[:, 1])
    np.testing.assert_allclose(np.sin(total[:, 0] - own.sum(axis=1)), 0.0, atol=1e-5)
    assert np.all(np.abs(total) <= np.pi / 2 + 1e-6)
    for columns_ in found.values():
        np.testing.assert_allclose(columns_["constituents"], stored["constituents"], atol=2e-6, rtol=2e-6)
        np.testing.assert_array_equal(columns_["kinematics"][..., :5], stored["kinematics"][..., :5])
        assert np.all(columns_["kinematics"][:, 2, 5] == 0.0)


def test_sum_of_the_angles_does_not_change_when_both_jets_turn_about_their_common_axis():
    """Two jets back to back, elongated along directions in space: turned by alpha, theta_1 + alpha, theta_2 - alpha."""
    rng = np.random.default_rng(3)
    for alpha in rng.uniform(-np.pi, np.pi, 20):
        angles = []
        for direction, plane in ((1.0, 0.4), (-1.0, 1.1)):
            spread = np.array([0.0, np.cos(plane + alpha), np.sin(plane + alpha)]) * 0.02  # x is the axis, z the beam
            points = [np.array([direction, 0.0, 0.0]) + sign * spread for sign in (1.0, -1.0)]
            eta = [np.arcsinh(z / np.hypot(x, y)) for x, y, z in points]
            phi = [np.arctan2(direction * y, direction * x) for x, y, z in points]
            angles.append(np.arctan2(phi[0] - phi[1], eta[0] - eta[1]))
        assert np.sin(folded(np.array(sum(angles))) - (1.1 - 0.4)) == pytest.approx(0.0, abs=1e-3)


def test_everything_else_is_carried_over(tmp_path, source):
    prepare(source, Preparation(rotate="half_wrong"), tmp_path / "made")
    made, expected = columns(tmp_path / "made", (*TOKENS, *CARRIED)), derived(source, rotate="half_wrong")
    for name, before in columns(source, CARRIED).items():
        np.testing.assert_array_equal(made[name], before)
    for name in TOKENS:
        np.testing.assert_array_equal(made[name], expected[name].astype(made[name].dtype))
    for one, other in zip(raw_jets(tmp_path / "made"), raw_jets(source), strict=True):
        np.testing.assert_array_equal(one, other)


def test_header_and_manifest_say_what_was_done(tmp_path, source):
    settings = Preparation(theta="noise", constituents=5, seed=9)
    prepare(source, settings, tmp_path / "made")
    with Sample(tmp_path / "made") as made, Sample(source) as sample:
        assert made.header.configuration["preparation"] == {**settings.model_dump(), "source": sample.digest}
        assert made.header.digest != sample.header.digest
        assert source_digest(made.digest) == sample.digest != made.digest
        assert made.header.constituents == 5
        assert made.normalisation == sample.normalisation
        assert made.cut_flow == sample.cut_flow
    manifest = json.loads((tmp_path / "made" / "sample.json").read_text())
    assert manifest["preparation"]["theta"] == "noise"
    assert manifest["source"]["events"] == manifest["events"] == 27


def test_seed_decides_and_files_do_not(tmp_path, source):
    """Other names of the same files, so another order: every event gets the same."""
    renamed, switches = write_toy_sample(tmp_path / "renamed", files=["b.h5", "a.h5"]), {"theta": "shuffled_events"}
    switches |= {"order": "unsorted", "energy_resolution": 0.1}
    made = [derived(path, **switches, seed=seed) for path, seed in ((source, 1), (renamed, 1), (source, 2))]
    order = np.argsort(made[1]["event_id"])
    for name in TOKENS:
        np.testing.assert_array_equal(made[0][name], made[1][name][order])
    assert all(np.any(made[0][name] != made[2][name]) for name in ("constituents", "kinematics"))


def test_interrupted_it_goes_on_and_ends_in_the_same_bytes(tmp_path, source, monkeypatch):
    settings, straight = Preparation(theta="shuffled_events"), tmp_path / "straight"
    prepare(source, settings, straight)
    write, written = schema.write_sample, []

    def cut_off(path, header, arrays):
        if len(written) == 1:
            raise KeyboardInterrupt
        written.append(Path(path))
        write(path, header, arrays)

    folder = tmp_path / "made"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "write_sample", cut_off)
        with pytest.raises(KeyboardInterrupt):
            prepare(source, settings, folder)
    with pytest.raises(InputError, match="not finished"):
        Sample(folder)
    before, calls = written[0].stat().st_mtime_ns, []
    summary = prepare(source, settings, folder, lambda done, total: calls.append((done, total)))
    assert (summary.made, summary.kept, summary.events) == (1, 1, 27)
    assert calls == [(27, 27)]
    assert written[0].stat().st_mtime_ns == before
    for file in straight.glob("*.h5"):
        assert (folder / file.name).read_bytes() == file.read_bytes()
    assert prepare(source, settings, folder).made == 0


def test_workers_share_the_files_and_change_no_byte(tmp_path, source, monkeypatch):
    settings, ended, calls = Preparation(theta="shuffled_events"), [], []

    def one_after_the_other(jobs, workplace, report, tick):
        for name, job in jobs.items():
            ended.append((name, workplace.workers))
            yield name, job(lambda events, name=name: report(name, events))

    monkeypatch.setattr(prepare_module, "compute", one_after_the_other)
    prepare(source, settings, tmp_path / "alone")
    assert ended == []
    prepare(source, settings, tmp_path / "shared", lambda done, total: calls.append((done, total)), workers=2)
    assert ended == [("0", 2), ("1", 2)]
    assert calls == [(15, 27), (27, 27)]
    for file in (tmp_path / "alone").glob("*.h5"):
        assert (tmp_path / "shared" / file.name).read_bytes() == file.read_bytes()


def test_damaged_and_changed_files_are_made_again(tmp_path):
    source = write_toy_sample(tmp_path / "source")
    settings, folder = Preparation(rotate="none"), tmp_path / "made"
    prepare(source, settings, folder)
    first = sorted(folder.glob("*.h5"))[0]
    whole = first.read_bytes()
    first.write_bytes(whole[:-500])
    assert prepare(source, settings, folder).made == 1
    assert first.read_bytes() == whole
    write_toy_sample(source, seed=7)
    assert prepare(source, settings, folder).made == 2
    assert not first.is_file()


def test_manifest_has_the_checksum_of_a_file_that_was_made_again(tmp_path, source):
    """Another version of a library may write other bytes."""
    settings, folder = Preparation(rotate="none"), tmp_path / "made"
    prepare(source, settings, folder)
    manifest = json.loads((folder / "sample.json").read_text())
    right = [dict(shard) for shard in manifest["shards"]]
    manifest["shards"][0]["sha256"] = "0" * 64
    (folder / "sample.json").write_text(json.dumps(manifest))
    (folder / right[0]["file"]).unlink()
    assert prepare(source, settings, folder).made == 1
    assert json.loads((folder / "sample.json").read_text())["shards"] == right
    (folder / "sample.json").write_text(json.dumps(manifest))
    (folder / schema.UNFINISHED).touch()  # the run that made it was interrupted before it wrote the manifest
    assert prepare(source, settings, folder).made == 0
    assert json.loads((folder / "sample.json").read_text())["shards"] == right


def test_folder_of_another_sample_is_left_alone(tmp_path):
    folder = write_toy_sample(tmp_path / "toy", events=(5,))
    (folder / "sample.json").write_text('{"shards": [{"file": "toy-0000.h5", "sha256": "0"}]}')
    with pytest.raises(OutputError, match="holds another kind of sample"):
        prepare(folder, Preparation(rotate="none"), folder)
    assert (folder / "toy-0000.h5").is_file()


def test_sample_without_raw_constituents(tmp_path):
    folder = write_toy_sample(tmp_path / "toy", events=(5,))
    with schema.open_sample(folder / "toy-0000.h5") as file:
        arrays = {name: file[name][()] for name in schema.DATA_SETS if name in file}
    arrays["raw/constituents"], arrays["raw/offsets"] = np.empty((0, 6)), np.zeros(11)
    schema.write_sample(folder / "toy-0000.h5", schema.read_header(folder / "toy-0000.h5"), arrays)
    with pytest.raises(InputError, match="holds no raw constituents"):
        prepare(folder, Preparation(rotate="none"), tmp_path / "made")


@pytest.mark.parametrize("theta", ["relative_to_other_jet", "shuffled_jets"])
def test_angles_of_two_jets_need_two_jets(tmp_path, theta):
    folder = write_toy_sample(tmp_path / "toy", events=(5,), jets=1)
    with pytest.raises(InputError, match="about two jets, but events of this sample have 1"):
        prepare(folder, Preparation(theta=theta), tmp_path / "made")


def test_background_phi_needs_signal(tmp_path):
    folder = write_toy_sample(tmp_path / "toy", events=(5,), label=np.zeros_like)
    with pytest.raises(InputError, match="holds no signal"):
        prepare(folder, Preparation(background_phi="signal"), tmp_path / "made")


def test_derived_sample_of_a_single_file(tmp_path):
    folder = write_toy_sample(tmp_path / "toy", events=(5,), jets=1)
    settings = Preparation(theta="zero")
    made = settings.folder_of(folder / "toy-0000.h5")
    assert made.parent == folder
    prepare(folder / "toy-0000.h5", settings, made)
    assert np.all(columns(made)["kinematics"][:, 0, 5] == 0.0)
