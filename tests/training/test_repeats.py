"""Several seeds: members are ordinary runs, interruptions cost nothing, spread and mean score are right."""

import errno
import fcntl
import json
import math
import time
from contextlib import ExitStack
from threading import Event, Thread, Timer

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mscat_tf.config import load_config
from mscat_tf.errors import ConfigError, InputError, OutputError
from mscat_tf.evaluation.evaluate import evaluate_scores
from mscat_tf.evaluation.run import evaluate, score_split
from mscat_tf.evaluation.scores import read_scores
from mscat_tf.evaluation.spread import spread
from mscat_tf.files import make_folder, write_json, write_text
from mscat_tf.lock import locked
from mscat_tf.models.ensemble import mixture_logit
from mscat_tf.run_folder import Run
from mscat_tf.training.repeats import train_free_members, train_repeats
from mscat_tf.training.run import train

finite = st.floats(-1e3, 1e3)


@pytest.fixture(scope="module")
def config(mock_folder):
    settings = [f"data.path={mock_folder}", "train.tensorboard=false", "model.name=kinematics_mlp"]
    return load_config("smoke", [*settings, "train.repeats=2", "train.epochs=1", "train.batch_size=96"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory, config):
    """Two seeds, interrupted before the second. With the run: which trainings were begun."""
    folder, begun = tmp_path_factory.mktemp("runs") / "smoke", []

    def train_member(config, folder):
        begun.append(folder.name)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return train(config, folder)

    with pytest.raises(KeyboardInterrupt):
        train_repeats(config, folder, train_member)
    assert not Run(folder).finished
    with pytest.raises(InputError, match="not finished; run the same `mscat train` again"):
        Run(folder).predictor  # noqa: B018
    first = (folder / "seed-1/model.keras").stat().st_mtime_ns
    run = train_repeats(config, folder, train_member)
    assert (folder / "seed-1/model.keras").stat().st_mtime_ns == first
    return run


def played(config, folder):
    """A member without a training: its figures are its seed."""
    make_folder(folder)
    write_text(folder / "config.yaml", config.to_yaml())
    write_text(folder / "environment.json", '{"data_digest": "x"}')
    write_text(folder / "model.keras", "")
    columns = ("best_validation_loss", "best_validation_auc", "seconds", "events_per_second")
    whole = {"network": "played", "parameters": 7, "best_epoch": config.seed, "epochs_trained": 9}
    write_json(folder / "training.json", {**dict.fromkeys(columns, config.seed / 8), **whole})
    return Run(folder)


def test_members_are_ordinary_runs_of_their_own_seeds(trained, config, tmp_path):
    assert trained.finished
    assert [member.path.name for member in trained.members] == ["seed-1", "seed-2"]
    for number, member in enumerate(trained.members, start=1):
        assert (member.config.seed, member.config.train.repeats, member.repeated) == (number, 1, False)
    alone = train(config.updated(["seed=2", "train.repeats=1"]), tmp_path / "alone")
    first, second = (member.model.get_weights() for member in trained.members)
    for weight, same in zip(alone.model.get_weights(), second, strict=True):
        np.testing.assert_array_equal(weight, same)
    assert any(np.any(one != two) for one, two in zip(first, second, strict=True))


def test_train_itself_repeats(trained, config):
    before = (trained.path / "seed-2/model.keras").stat().st_mtime_ns
    assert train(config, trained.path).repeated
    assert (trained.path / "seed-2/model.keras").stat().st_mtime_ns == before


def test_report_against_numpy(config, tmp_path):
    run = train_repeats(config.updated(["train.repeats=3", "seed=4"]), tmp_path / "run", played)
    found = json.loads((run.path / "repeats.json").read_text())
    assert (found["seeds"], found["members"]) == ([4, 5, 6], ["seed-4", "seed-5", "seed-6"])
    for name, scale in (("best_validation_loss", 8), ("seconds", 8), ("best_epoch", 1)):
        figure = found["spread"][name]
        assert figure["values"] == [4 / scale, 5 / scale, 6 / scale]
        assert (figure["mean"], figure["standard_deviation"]) == (5 / scale, 1 / scale)
        assert (figure["least"], figure["greatest"]) == (4 / scale, 6 / scale)
        assert figure["error"] == pytest.approx(1 / scale / math.sqrt(3))
        assert figure["standard_deviation_error"] == pytest.approx(1 / scale / 2)
    training = run.training
    assert (training["parameters"], training["seconds"], training["best_epoch"]) == (21, 15 / 8, 5)
    assert (training["best_validation_loss"], training["repeats"]) == (5 / 8, 3)


def test_more_seeds_join_those_that_are_there(config, tmp_path):
    begun = []

    def train_member(config, folder):
        begun.append(folder.name)
        if len(begun) == 4:
            raise KeyboardInterrupt
        return played(config, folder)

    train_repeats(config, tmp_path / "run", train_member)
    with pytest.raises(KeyboardInterrupt):
        train_repeats(config.updated(["train.repeats=3"]), tmp_path / "run", train_member)
    assert not Run(tmp_path / "run").finished
    run = train_repeats(config.updated(["train.repeats=3"]), tmp_path / "run", played)
    assert (run.finished, len(run.members), run.training["parameters"]) == (True, 3, 21)


def slowly(begun, seconds):
    """Members that take their time, each with its folder locked, as trainings are."""

    def train_member(config, folder):
        if (folder / "training.json").is_file():
            return Run(folder)
        with locked(make_folder(folder), "this run"):
            if (folder / "training.json").is_file():
                return Run(folder)
            begun.append(folder.name)
            time.sleep(seconds)
            return played(config, folder)

    return train_member


def test_helpers_and_the_command_itself_train_every_seed_once(config, tmp_path):
    seven, folder = config.updated(["train.repeats=7"]), tmp_path / "run"
    own, others = [], []
    helpers = [Thread(target=train_free_members, args=(seven, folder, slowly(others, 0.1))) for _ in range(2)]
    for helper in helpers:
        helper.start()
    run = train_repeats(seven, folder, slowly(own, 0.1))
    for helper in helpers:
        helper.join()
    assert sorted(own + others) == [f"seed-{number}" for number in range(1, 8)]
    assert own, "the command itself works too"
    assert "seed-7" in others, "helpers begin at the other end"
    assert (run.finished, run.training["parameters"]) == (True, 7 * 7)
    alone = train_repeats(seven, tmp_path / "alone", played)
    assert (run.path / "repeats.json").read_bytes() == (alone.path / "repeats.json").read_bytes()


def test_who_waits_for_a_seed_goes_on_where_a_killed_helper_left_it(config, tmp_path, caplog):
    """The helper's lock ends with it, no training is there: the command trains that seed itself."""
    begun, killed = [], Event()
    with ExitStack() as helper:
        helper.enter_context(locked(make_folder(tmp_path / "run/seed-2"), "this run"))
        train_free_members(config, tmp_path / "run", slowly(begun, 0.0))
        assert begun == ["seed-1"], "what is held is left out, not waited for"
        let_go = helper.pop_all()
    Timer(0.3, lambda: (killed.set(), let_go.close())).start()
    assert train_repeats(config, tmp_path / "run", slowly(begun, 0.0)).finished
    assert begun == ["seed-1", "seed-2"]
    assert killed.is_set()
    assert "seed-2: another process trains it; this one waits" in caplog.text


def test_without_locks_nobody_helps(config, tmp_path, monkeypatch):
    def refuse(handle, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    begun = []
    train_free_members(config, tmp_path / "run", slowly(begun, 0.0))
    assert begun == []
    assert list(tmp_path.iterdir()) == []


def test_ensemble_score_is_the_mean_of_the_members_scores(trained, monkeypatch):
    monkeypatch.setattr("mscat_tf.evaluation.run.draw_run", lambda *_: [])
    metrics = evaluate(trained)
    single = [score_split(member, "test") for member in trained.members]
    together = read_scores(trained.path / "scores.h5")
    np.testing.assert_allclose(together.score, np.mean([member.score for member in single], axis=0), rtol=1e-5)
    for name, figure in metrics["members"].items():
        own = [evaluate_scores(member, trained.config.evaluate, 1, False)[name] for member in single]
        assert figure["auc"]["values"] == pytest.approx([entry["auc"]["value"] for entry in own])
        assert figure["auc"]["standard_deviation"] == pytest.approx(
            np.std([entry["auc"]["value"] for entry in own], ddof=1)
        )
        for efficiency, rejection in figure["rejection"].items():
            assert rejection["values"] == pytest.approx([e["rejection"][efficiency]["value"] for e in own])
    assert trained.metrics == json.loads(json.dumps(metrics))


def test_an_ensemble_has_no_layers(trained):
    with pytest.raises(InputError, match=r"an ensemble of 2 networks; choose one of them, for example .*/seed-1"):
        trained.model  # noqa: B018


def test_other_settings_and_fewer_seeds_do_not_touch_it(config, tmp_path):
    three = config.updated(["train.repeats=3"])
    run = train_repeats(three, tmp_path / "run", played)
    for override, was in (("train.ema=0.5", "train.ema was 0.0, now 0.5"), ("seed=2", "seed was 1")):
        with pytest.raises(OutputError, match=was):
            train_repeats(three.updated([override]), run.path, played)
    with pytest.raises(OutputError, match=r"train.repeats was 3, now 2"):
        train_repeats(config, run.path, played)
    with pytest.raises(OutputError, match=r"train.repeats was 3, now 1"):
        train(config.updated(["train.repeats=1"]), run.path)
    with pytest.raises(OutputError, match=r"train.repeats was 1, now 3"):
        train_repeats(three, run.members[0].path, played)


def test_what_cannot_be_trained_leaves_no_folder_behind(config, tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'mscat'"):
        train_repeats(config.updated(["model.name=mscta"]), tmp_path / "run", train)
    with pytest.raises(ConfigError, match="shuffle_labels gives every seed labels of its own"):
        config.updated(["data.shuffle_labels=true"])
    assert not (tmp_path / "run").exists()


@given(st.lists(finite, min_size=2, max_size=9))
def test_spread_against_numpy(values):
    found = spread([*values, math.inf, math.nan])
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert found.standard_deviation == pytest.approx(np.std(values, ddof=1))
    assert found.error == pytest.approx(np.std(values, ddof=1) / np.sqrt(len(values)))
    assert (found.least, found.greatest, len(found.values)) == (min(values), max(values), len(values) + 2)


@pytest.mark.parametrize("n", [5, 10, 30])
def test_error_of_the_standard_deviation_against_the_exact_one_of_a_gaussian(n):
    """The mean of s is c4 sigma, so that its variance is (1 - c4^2) sigma^2."""
    c4 = math.sqrt(2 / (n - 1)) * math.exp(math.lgamma(n / 2) - math.lgamma((n - 1) / 2))
    found = spread(np.random.default_rng(0).normal(size=n))
    assert found.standard_deviation_error / found.standard_deviation == pytest.approx(math.sqrt(1 - c4**2), rel=0.05)


def test_spread_of_one_or_none_claims_nothing():
    assert spread([2.0]).mean == 2.0
    assert math.isnan(spread([2.0]).standard_deviation)
    assert math.isnan(spread([math.inf]).mean)


@given(arrays(np.float64, (3, 4), elements=st.floats(-15, 15)))
def test_mixture_against_the_mean_of_probabilities(logits):
    p = np.mean(1 / (1 + np.exp(-logits)), axis=0)
    np.testing.assert_allclose(mixture_logit(logits), np.log(p / (1 - p)), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mixture_logit(-logits), -mixture_logit(logits), rtol=1e-6)


@given(arrays(np.float64, (3, 4), elements=st.floats(-500, 500)))
def test_mixture_lies_between_its_members_and_its_loss_below_their_mean(logits):
    """Also where a score is 0 or 1 to all digits. The second is Jensen's inequality for -log."""
    mixed = mixture_logit(logits).astype(np.float64)
    slack = 1e-6 * (1 + np.abs(mixed))
    assert np.all((logits.min(axis=0) - slack <= mixed) & (mixed <= logits.max(axis=0) + slack))
    for sign in (1, -1):
        of_members = np.logaddexp(0.0, -sign * logits).mean(axis=0)
        assert np.all(np.logaddexp(0.0, -sign * mixed) <= of_members + slack)
