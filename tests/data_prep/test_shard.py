import numpy as np
import pytest

from data_prep import shard
from data_prep.select import TAG, cut_names
from data_prep.shard import Batch, ShardJob, make_shard
from mscat_tf import schema
from mscat_tf.config.sample import Selection
from mscat_tf.errors import GenerationError
from tests.data_prep.conftest import QUICK, quick_settings

JOB = ShardJob("signal", 0, 8)
CUTS = cut_names(Selection(), 2)


@pytest.fixture(scope="module")
def made():
    return make_shard(quick_settings(), JOB)


def test_a_shard_is_what_the_schema_wants(made, tmp_path):
    header, arrays = made
    schema.write_sample(tmp_path / "x.h5", header, arrays)
    found = schema.read_header(tmp_path / "x.h5")
    assert found.events == 8
    assert found.processes == ("4b", "signal")
    assert found.labels == (0, 1)
    assert found.versions["pythia8mc"]
    assert found.seed == 1
    some = {name: values for name, values in arrays.items() if name != "truth/b_hadrons"}  # NaN where a jet has none
    assert all(np.isfinite(values).all() for values in some.values())


def test_tokens_and_constituents_tell_the_same_story(made):
    _, arrays = made
    raw, offsets = arrays["raw/constituents"], arrays["raw/offsets"]
    for event in range(8):
        for jet in range(2):
            own = raw[offsets[2 * event + jet] : offsets[2 * event + jet + 1]]
            assert len(own) == arrays["multiplicity"][event, jet]
            shown = arrays["constituents_mask"][event, jet].sum()
            assert shown == min(len(own), 50)
            np.testing.assert_array_equal(arrays["constituents"][event, jet, :shown, 2], own[:shown, 0])
            pt, phi = own[:, 0], own[:, 2]
            total = np.hypot(np.sum(pt * np.cos(phi)), np.sum(pt * np.sin(phi)))
            assert arrays["kinematics"][event, jet, 3] == pytest.approx(total, rel=1e-5)
    assert np.all(arrays["kinematics"][:, 0, 3] >= arrays["kinematics"][:, 1, 3])


def test_cut_flow_and_weights_agree_with_the_events(made):
    header, arrays = made
    flow = {row["cut"]: row for row in header.cut_flow["signal"]}
    assert list(flow) == [*CUTS, TAG]
    normalisation = header.normalisation["signal"]
    assert flow["generated"]["raw"] == normalisation.generated_events == normalisation.sum_of_weights
    assert flow["mass window"]["raw"] == 8
    assert flow[TAG]["weighted"] == pytest.approx(arrays["weights"].prod(axis=1).sum())
    raw = [row["raw"] for row in header.cut_flow["signal"]]
    assert raw == sorted(raw, reverse=True)
    assert (normalisation.cross_section_fb, normalisation.cross_section_error_fb) == (1.0, 0.0)


def test_the_size_of_a_batch_changes_nothing(monkeypatch):
    """Without detector noise, events must be the same whether they are processed 200 or 5 at a time.

    Up to rounding in float64: sums over padded rows are grouped by their width.
    """
    settings = quick_settings(detector="none")
    header, arrays = make_shard(settings, JOB)
    monkeypatch.setattr(shard, "BATCH_EVENTS", 5)
    monkeypatch.setattr(shard, "SMALLEST_BATCH", 5)
    again, same = make_shard(settings, JOB)
    assert again.normalisation == header.normalisation
    assert again.cut_flow == header.cut_flow
    for name, values in arrays.items():
        np.testing.assert_allclose(same[name], values, rtol=1e-9, atol=1e-9)


def test_the_acceptance_is_unbiased():
    """k / generated over many short runs of known acceptance; stopping at the k-th event would give 0.357."""
    rng, wanted, acceptance = np.random.default_rng(1), 2, 0.25
    found = []
    for _ in range(4000):
        passed = np.where(rng.random(120) < acceptance, len(CUTS), 1)
        selected = int(np.sum(passed == len(CUTS)))
        assert selected > wanted
        arrays = {"multiplicity": np.zeros((selected, 2), int), "raw/constituents": np.zeros((0, 6))}
        parts = Batch(np.ones(120), passed, np.ones(selected), np.ones(selected, bool), arrays)
        joined = shard._joined([parts], wanted, len(CUTS))
        assert np.sum(joined.passed == len(CUTS)) == wanted
        found.append(wanted / len(joined.passed))
    assert abs(np.mean(found) - acceptance) < 5 * np.std(found) / np.sqrt(len(found))


def test_identities_are_unique_over_processes_shards_and_samples():
    small = ShardJob("signal", 0, 2)
    jobs = [
        (quick_settings(), small),
        (quick_settings(), ShardJob("4b", 0, 2)),
        (quick_settings(), ShardJob("signal", 1, 2)),
    ]
    jobs.append((quick_settings(seed=2), small))
    made = [make_shard(*job) for job in jobs]
    identities = np.concatenate([arrays["event_id"] for _, arrays in made])
    assert len(set(identities.tolist())) == 8
    masses = {float(arrays["kinematics"][0, 0, 0]) for _, arrays in made}
    assert len(masses) == 4, "each shard has a random stream of its own"


def test_thrown_tags_keep_tagged_events_only():
    settings = quick_settings(b_tagging={"random": True, "b_efficiency": 1.0, "c_mistag": 0.0, "light_mistag": 0.0})
    header, arrays = make_shard(settings, JOB)
    assert np.all(arrays["truth/track_jets"][..., 0] >= 2), (
        "with perfect tagging each jet has two b-labelled track jets"
    )
    assert np.isfinite(arrays["truth/b_hadrons"]).all()
    assert np.all(arrays["weights"] == 1.0)
    flow = {row["cut"]: row for row in header.cut_flow["signal"]}
    assert flow[TAG]["raw"] == flow[TAG]["weighted"] == 8
    assert flow["mass window"]["raw"] > 8


def test_thrown_tags_and_weights_agree_on_the_rate():
    weighted, thrown = (
        make_shard(quick_settings(b_tagging={"random": random}), ShardJob("signal", 3, 40))[0]
        for random in (False, True)
    )
    flow, other = weighted.cut_flow["signal"], thrown.cut_flow["signal"]
    rates = [flow[-1]["weighted"] / flow[-2]["raw"], other[-1]["raw"] / other[-2]["raw"]]
    errors = [0.4 / np.sqrt(flow[-2]["raw"]), np.sqrt(0.25 / other[-2]["raw"])]
    assert abs(rates[0] - rates[1]) < 4 * np.hypot(*errors)


def test_labels_never_enter_the_features():
    process = {"kind": "heavy_higgs", "pythia": QUICK}
    first, second = (
        make_shard(quick_settings(processes={"same": {**process, "label": label}}), ShardJob("same", 0, 4))[1]
        for label in (0, 1)
    )
    assert first["label"].tolist() == [0] * 4
    assert second["label"].tolist() == [1] * 4
    for name in ("constituents", "kinematics", "raw/constituents", "weights"):
        np.testing.assert_array_equal(first[name], second[name])


def test_the_order_of_processes_in_the_file_does_not_matter():
    settings = quick_settings()
    turned = quick_settings(processes=dict(reversed(settings.processes.items())))
    assert shard.stored_digest(turned) == shard.stored_digest(settings)
    assert shard.process_names(turned) == shard.process_names(settings)


def test_the_digest_ignores_name_and_size_only():
    digest = shard.stored_digest(quick_settings())
    assert shard.stored_digest(quick_settings(name="other", events=48)) == digest
    for change in ({"seed": 2}, {"shard_events": 9}, {"sqrt_s": 13_000.0}, {"detector": "none"}):
        assert shard.stored_digest(quick_settings(**change)) != digest


def test_a_hopeless_selection_is_given_up():
    settings = quick_settings(
        max_generated_per_selected=40, selection={"leading_pt_min": 3000.0, "subleading_pt_min": 200.0}
    )
    with pytest.raises(GenerationError, match=r"process 'signal': 0 of \d+ generated.*cut 'leading pT'"):
        make_shard(settings, JOB)


def test_tags_that_never_come_are_given_up_by_their_name():
    never = {"b_efficiency": 0.0, "c_mistag": 0.0, "light_mistag": 0.0, "tags_per_jet": 1, "random": True}
    settings = quick_settings(max_generated_per_selected=40, b_tagging=never)
    with pytest.raises(GenerationError, match=r"cut 'b tag \(random\)'"):
        make_shard(settings, JOB)


def test_biased_top_pairs_carry_their_weight_and_keep_the_cross_section():
    """With and without `pt_hat_bias`: more events pass per generated one, the fiducial cross-section stays."""
    found = []
    for bias in (0.0, 3.0):
        process = {"kind": "ttbar", "pt_hat_bias": bias, "pythia": QUICK}
        selection = {"leading_pt_min": 500.0, "subleading_pt_min": 250.0}
        settings = quick_settings(processes={"ttbar": process}, selection=selection, events=60)
        header, arrays = make_shard(settings, ShardJob("ttbar", 0, 60))
        generator, normalisation = arrays["weights"][:, 0].astype(float), header.normalisation["ttbar"]
        fiducial = normalisation.cross_section_fb * generator.sum() / normalisation.sum_of_weights
        effective = generator.sum() ** 2 / np.square(generator).sum()
        found.append((normalisation.generated_events, fiducial, fiducial / np.sqrt(effective), generator))
    (plain, one, error_one, flat), (biased, other, error_other, weights) = found
    assert (flat == 1.0).all()
    assert ((weights > 0) & (weights <= 1.0)).all()
    assert biased < plain / 2
    assert abs(one - other) < 4 * np.hypot(error_one, error_other)


def test_single_jets_of_a_boson_make_a_sample_with_one_jet_and_one_token(tmp_path):
    process = {"kind": "boson_and_jet", "boson": "Z", "pythia": QUICK}
    settings = quick_settings(
        processes={"Z": process, "jets": {"kind": "qcd_jets", "pythia": QUICK}},
        fat_jets={"number": 1, "radius": 0.8},
        tokens={"subjets": {"number": 4}},
    )
    header, arrays = make_shard(settings, ShardJob("Z", 0, 12))
    schema.write_sample(tmp_path / "x.h5", header, arrays)
    assert (header.jets, header.tokens, header.subjets) == (1, 1, 4)
    assert arrays["constituents"].shape == (12, 1, 50, 4)
    assert arrays["subjets/mask"][:, 0].any(axis=-1).all()
    assert np.all(arrays["subjets/subjets"][:, 0, 0, 0] < 1.0001 * arrays["kinematics"][:, 0, 3])
    assert arrays["kinematics"].shape == (12, 1, 6)
    assert arrays["truth/track_jets"].shape == (12, 1, 3)
    assert [row["cut"] for row in header.cut_flow["Z"]][1] == "a fat jet"
    generator = arrays["weights"][:, 0]
    assert np.all((generator > 0) & (generator <= 1.0))
    assert np.median(arrays["kinematics"][:, 0, 0]) < 130.0


def test_bottom_jets_are_tagged_more_often_than_all_jets():
    """`qcd_jets`: with b quarks in the hard process more fat jets hold a b-labelled track jet."""
    labelled = []
    for flavour in ("all", "bottom"):
        process = {"kind": "qcd_jets", "flavour": flavour, "pythia": QUICK}
        settings = quick_settings(processes={"jets": process}, events=20)
        arrays = make_shard(settings, ShardJob("jets", 0, 20))[1]
        labelled.append(np.mean(arrays["truth/track_jets"][..., 0] > 0))
    assert labelled[0] < 0.3 < 0.7 < labelled[1]
