"""The search: what keras-tuner proposes is trained and remembered; the trainings themselves are played here."""

import json
import math
import shutil

import pytest
import tensorflow as tf

from mscat_tf.config import load_config
from mscat_tf.config.space import checked_space
from mscat_tf.errors import ConfigError, DivergedError, InputError, OutputError
from mscat_tf.evaluation.selection import expected_best
from mscat_tf.files import make_folder, write_json, write_text
from mscat_tf.lock import locked
from mscat_tf.run_folder import Run
from mscat_tf.training.search import search

pytestmark = [
    pytest.mark.filterwarnings("ignore:currentThread:DeprecationWarning"),  # keras-tuner 1.4.8, oracle.py
    pytest.mark.filterwarnings("ignore:getName:DeprecationWarning"),
]

SPACE = (
    "{train.learning_rate: {min: 1e-4, max: 1e-2, log: true}, model.width: [16, 32], model.head_units: [[8], [8, 4]]}"
)


class Played:
    """Trains by a closed form: the loss is least at learning rate 1e-3, width 32, two layers in the head."""

    def __init__(self, interrupt_at=None, failures=None):
        self.configs, self.interrupt_at, self.failures = [], interrupt_at, failures or {}

    def __call__(self, config, folder):
        self.configs.append(config)
        number = int(folder.name.removeprefix("trial-"))
        if number == self.interrupt_at:
            raise KeyboardInterrupt
        if number in self.failures:
            raise self.failures[number]
        make_folder(folder)
        write_text(folder / "config.yaml", config.to_yaml())
        training = {"best_validation_loss": loss(config), "best_validation_auc": 1 - loss(config)}
        write_json(folder / "training.json", {**training, "best_epoch": 1, "epochs_trained": 2, "seconds": 60.0})
        return Run(folder)


def loss(config):
    distance = math.log10(config.train.learning_rate / 1e-3) ** 2
    return 0.1 + 0.1 * distance + (config.model.width == 16) * 0.03 + (len(config.model.head_units) == 1) * 0.02


@pytest.fixture
def config(mock_config):
    def make(*overrides, space=SPACE):
        return mock_config(f"search={{trials: 6, epochs: 3, space: {space}}}", *overrides)

    return make


def values(trainer):
    return [(c.train.learning_rate, c.model.width, c.model.head_units) for c in trainer.configs]


@pytest.fixture(scope="module")
def straight(tmp_path_factory, mock_folder):
    """A search that nothing interrupted: its folder, what was trained, what it found."""
    overrides = [f"data.path={mock_folder}", "model.name=kinematics_only"]
    config = load_config("smoke", [*overrides, f"search={{trials: 6, epochs: 3, space: {SPACE}}}"])
    trainer, folder = Played(), tmp_path_factory.mktemp("search") / "smoke-search"
    return folder, trainer, search(config, folder, trainer)


def test_every_trial_is_an_ordinary_training_of_proposed_values(straight):
    folder, trainer, found = straight
    assert len(trainer.configs) == 6
    assert len(set(map(str, values(trainer)))) == 6
    for config in trainer.configs:
        assert 1e-4 <= config.train.learning_rate <= 1e-2
        assert config.model.width in (16, 32)
        assert config.model.head_units in ((8,), (8, 4))
        assert (config.train.epochs, config.train.monitor, config.search) == (3, "val_loss", None)
    rows = {trial["trial"]: trial for trial in found["trials"]}
    for number, config in enumerate(trainer.configs):
        row = rows[f"trial-{number:04d}"]
        assert row["value"] == pytest.approx(loss(config))
        assert row["values"]["train.learning_rate"] == config.train.learning_rate
        assert tuple(row["values"]["model.head_units"]) == config.model.head_units
    assert json.loads((folder / "search.json").read_text())["ended_by"] == "trials"
    assert found["seconds"] == 6 * 60.0


def test_best_is_the_least_loss_and_its_file_is_a_configuration_with_its_own_epochs(straight):
    folder, trainer, found = straight
    best = load_config(folder / "best.yaml")
    assert loss(best) == pytest.approx(min(map(loss, trainer.configs)))
    assert loss(best) == pytest.approx(found["trials"][0]["value"])
    assert [trial["value"] for trial in found["trials"]] == sorted(trial["value"] for trial in found["trials"])
    assert (best.train.epochs, best.search, best.train.monitor) == (2, None, "val_loss")


def test_a_search_that_another_process_does_is_refused(config, tmp_path):
    """Each would overwrite what the other has learned."""
    trainer = Played()
    with locked(make_folder(tmp_path / "s"), "this search"), pytest.raises(OutputError, match="is writing this search"):
        search(config(), tmp_path / "s", trainer)
    assert not trainer.configs


@pytest.mark.parametrize("at", [0, 4])
def test_interrupted_search_goes_on_with_the_trial_that_was_interrupted(straight, config, tmp_path, at):
    first, second = Played(interrupt_at=at), Played()
    with pytest.raises(KeyboardInterrupt):
        search(config(), tmp_path / "s", first)
    found = search(config(), tmp_path / "s", second)
    assert values(first) + values(second)[1:] == values(straight[1])
    assert values(second)[0] == values(first)[-1]
    assert found["trials"] == straight[2]["trials"]


def test_finished_search_trains_nothing_and_a_larger_budget_only_what_is_new(straight, config, tmp_path):
    short, again, more = Played(), Played(), Played()
    search(config("search.trials=2"), tmp_path / "s", short)
    search(config("search.trials=2"), tmp_path / "s", again)
    search(config(), tmp_path / "s", more)
    assert (len(short.configs), len(again.configs), len(more.configs)) == (2, 0, 4)
    assert values(short) + values(more) == values(straight[1])


@pytest.mark.parametrize(
    "failure",
    [
        DivergedError("the loss is not a finite number: lower it"),
        ConfigError("impossible together"),
        tf.errors.ResourceExhaustedError(None, None, "out of memory\nmore"),
    ],
)
def test_failed_trials_are_named_and_the_search_goes_on(config, tmp_path, failure):
    found = search(config(), tmp_path / "s", Played(failures={1: failure, 2: failure}))
    failed = [trial for trial in found["trials"] if trial["value"] is None]
    assert [trial["trial"] for trial in failed] == ["trial-0001", "trial-0002"]
    assert {trial["reason"] for trial in failed} == {str(failure).splitlines()[0]}
    assert len(found["trials"]) == 6
    again = Played()
    search(config("search.trials=7"), tmp_path / "s", again)
    assert len(again.configs) == 1  # the failed ones are not tried again


def test_not_a_number_fails_the_trial(config, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "loss", lambda config: float("nan") if config.model.width == 16 else 0.5)
    found = search(config(), tmp_path / "s", Played())
    bad = [trial for trial in found["trials"] if trial["values"]["model.width"] == 16]
    assert bad
    assert all(trial["reason"] == "val_loss is nan" for trial in bad)


def test_nothing_trained_is_one_sentence(config, tmp_path):
    failures = dict.fromkeys(range(6), DivergedError("diverged"))
    with pytest.raises(InputError, match="none of 6 trials could be trained; the last: diverged"):
        search(config(), tmp_path / "s", Played(failures=failures))


@pytest.mark.parametrize("error", [OutputError("disk full"), ZeroDivisionError("a fault")])
def test_what_is_no_trials_fault_stops_the_search(config, tmp_path, error):
    trainer = Played(failures={1: error})
    with pytest.raises(type(error), match=str(error)):
        search(config(), tmp_path / "s", trainer)
    assert len(trainer.configs) == 2
    assert len(search(config(), tmp_path / "s", Played())["trials"]) == 6


def test_hours_begin_no_trial_after_them(config, tmp_path):
    trainer = Played()  # of one minute each
    found = search(config("search.hours=0.04"), tmp_path / "s", trainer)
    assert (len(trainer.configs), found["ended_by"]) == (3, "hours")
    assert search(config("search.hours=0.06"), tmp_path / "s", trainer)["ended_by"] == "hours"
    assert len(trainer.configs) == 4


def test_space_of_few_values_ends_by_itself(config, tmp_path):
    trainer = Played()
    found = search(config(space="{model.width: [16, 32]}"), tmp_path / "s", trainer)
    assert found["ended_by"] == "nothing left to try"
    assert sorted(config.model.width for config in trainer.configs) == [16, 32]


def test_bayesian_search_looks_where_the_loss_is_small(config, tmp_path):
    """Three random trials, then proposals, and those end nearer to the minimum of the closed form."""
    trainer, space = Played(), "{train.learning_rate: {min: 1e-4, max: 1e-2, log: true}}"
    found = search(
        config("search.algorithm=bayesian", "search.objective=val_auc", space=space), tmp_path / "s", trainer
    )
    losses = list(map(loss, trainer.configs))
    assert min(losses[3:]) < min(losses[:3])
    assert found["trials"][0]["value"] == pytest.approx(1 - min(losses))
    assert {config.train.monitor for config in trainer.configs} == {"val_auc"}


def test_hyperband_trains_the_better_third_for_longer(config, tmp_path):
    trainer = Played()
    search(config("search.algorithm=hyperband"), tmp_path / "s", trainer)
    epochs = [config.train.epochs for config in trainer.configs]
    assert epochs[:4] == [1, 1, 1, 3]
    assert loss(trainer.configs[3]) == pytest.approx(min(map(loss, trainer.configs[:3])))


def test_other_settings_do_not_touch_a_search(config, tmp_path):
    search(config("search.trials=1"), tmp_path / "s", Played())
    before = (tmp_path / "s/search.json").read_bytes()
    with pytest.raises(OutputError, match=r"search.epochs was 3, now 4\); choose another `name`"):
        search(config("search.epochs=4"), tmp_path / "s", Played())
    assert (tmp_path / "s/search.json").read_bytes() == before


def test_damaged_state_is_one_sentence_and_loses_no_trial(straight, config, tmp_path):
    search(config("search.trials=3"), tmp_path / "s", Played())
    state = tmp_path / "s/keras-tuner/oracle.json"
    state.write_text(state.read_text()[:100])
    with pytest.raises(InputError, match=r"state of the search cannot be read.*delete this folder"):
        search(config(), tmp_path / "s", Played())
    shutil.rmtree(state.parent)
    again = Played()
    assert search(config(), tmp_path / "s", again)["trials"] == straight[2]["trials"]
    assert values(again) == values(straight[1])  # proposed anew; `mscat train` says of three that nothing is to do


def test_the_example_that_ships_has_a_sound_space():
    config = load_config("search")
    assert set(checked_space(config).space) > {"train.learning_rate", "model.width"}


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ("{train.lerning_rate: [1, 2]}", "unknown key 'lerning_rate'; did you mean 'learning_rate'"),
        ("{model.width.more: [1, 2]}", "goes on below a value"),
        ("{model.width: [0, 32]}", "search.space: model.width = 0: model.width: Input should be greater than 0"),
        ("{model.embedding: [linear, lstm]}", "Input should be 'linear' or 'mlp'"),
        ("{model.dropout_rate: {min: 0.0, max: 1.5}}", "model.dropout_rate = 1.5: .*less than 1"),
    ],
)
def test_space_is_checked_before_anything_runs(config, tmp_path, space, sentence):
    trainer = Played()
    with pytest.raises(ConfigError, match=sentence):
        search(config(space=space), tmp_path / "s", trainer)
    assert not trainer.configs
    assert not (tmp_path / "s").exists()


def test_search_needs_a_section_a_sample_and_one_machine(config, mock_config, tmp_path):
    with pytest.raises(ConfigError, match="no section 'search' here; add one"):
        search(mock_config(), tmp_path / "s", Played())
    with pytest.raises(ConfigError, match="trains on one machine"):
        search(config("train.strategy=multi_worker"), tmp_path / "s", Played())
    with pytest.raises(InputError, match="no such file or folder"):
        search(config("data.path=nowhere"), tmp_path / "s", Played())
    with pytest.raises(InputError, match="no data set 'lund/declusterings'"):
        search(config("model.name=lund_net"), tmp_path / "s", Played())


@pytest.mark.parametrize(
    ("trials", "published"), [(1, 0.0), (2, 0.56419), (10, 1.53875), (20, 1.86748), (100, 2.50759)]
)
def test_best_of_equals_against_the_tables_of_normal_order_statistics(trials, published):
    """Harter, Biometrika 48 (1961) 151, table 1."""
    assert expected_best(trials) == pytest.approx(published, abs=1e-5)
