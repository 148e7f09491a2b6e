"""Which commands `mscat reproduce --jobs` starts, and what each may use."""

import os

import pytest

from mscat_tf.cli import side_by_side
from mscat_tf.cli.side_by_side import Work, number_of_jobs, slots, tasks_of
from mscat_tf.config.study import Row, Study
from mscat_tf.errors import ConfigError


def study(name, **rows):
    return Study(
        name=name, title="Tiny", question="?", base="smoke", reference=next(iter(rows)),
        scales={"demo": {"seeds": 2}}, rows=rows,
    )  # fmt: skip


def work(made, *asked):
    plan = made.configurations("demo")
    return Work(made, plan, asked or plan.keys())


def by_row(tasks):
    return {task.command[task.command.index("--row") + 1]: task for task in tasks if "--row" in task.command}


@pytest.fixture(autouse=True)
def _empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def test_one_command_for_each_run_folder_that_is_asked_for():
    elsewhere = Row(trained_as="wide", set=("data.mass_hypothesis=1000",))
    first = study("first", wide=Row(set=("model.width=24",)), narrow=Row(), elsewhere=elsewhere)
    second = study("second", same=Row(), deep=Row(set=("model.constituent_blocks=3",)))
    tasks = tasks_of([work(first), work(second)], "demo")
    assert list(by_row(tasks)) == ["wide", "narrow", "deep"], "a run that two studies share is trained once"
    assert tasks[2].command[3:] == ["reproduce", "second", "--scale", "demo", "--row", "deep", "--train-only",
                                    "--jobs", "1", "--workers", "1"]  # fmt: skip
    assert tasks[2].helper[3:] == ["reproduce", "second", "--scale", "demo", "--row", "deep", "--free-seeds"]
    assert tasks[2].seats == 2, "as many as there are seeds"
    assert list(by_row(tasks_of([work(first, "narrow")], "demo"))) == ["narrow"]


def test_the_study_that_wants_more_seeds_trains():
    few = study("few", same=Row())
    many = few.model_copy(
        update={"name": "many", "scales": {"demo": few.scales["demo"].model_copy(update={"seeds": 5})}}
    )
    for order in ([few, many], [many, few]):
        (task,) = tasks_of([work(made) for made in order], "demo")
        assert "many" in task.command


def test_who_needs_another_row_waits_for_it():
    made = study(
        "needs",
        parent=Row(),
        tuned=Row(start_from_row="parent"),
        told=Row(knows_row="parent", set=("train.epochs=2",)),
        also_told=Row(knows_row="parent", set=("train.epochs=3",)),
    )
    all_tasks = tasks_of([work(made)], "demo")
    tasks = by_row(all_tasks)
    (folds,) = (task for task in all_tasks if task not in tasks.values())
    parent = tasks["parent"].name
    assert tasks["parent"].after == set()
    assert folds.command[-2:] == ["cross-fit", f"runs/{parent}"]
    assert tasks["tuned"].after == folds.after == {parent}
    assert tasks["told"].after == {folds.name}
    assert tasks["also_told"].after == {folds.name, tasks["told"].name}, "told derives the sample for both"


def test_what_is_trained_and_evaluated_is_left_alone(monkeypatch):
    made = study("done", one=Row(), two=Row(set=("model.width=24",)))
    monkeypatch.setattr(side_by_side, "is_evaluated", lambda config: config.model.width == 24)
    assert list(by_row(tasks_of([work(made)], "demo"))) == ["one"]


def test_jobs_by_what_the_machine_has(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert number_of_jobs(5) == 5
    assert number_of_jobs(None) == min(len(os.sched_getaffinity(0)), side_by_side.MOST_JOBS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    assert number_of_jobs(None) == 3


def test_cores_and_gpus_are_dealt(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4, 5, 6, 7, 9})
    first, second = slots(2, {"CUDA_VISIBLE_DEVICES": "0,1"})
    assert (first.cores, second.cores) == ([4, 6, 9], [5, 7])
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in (first, second)] == ["0", "1"]
    assert first.environment["TF_NUM_INTRAOP_THREADS"] == "2"
    with pytest.raises(ConfigError, match="2 GPUs cannot be shared equally by 3 processes; choose --jobs"):
        slots(3, {"CUDA_VISIBLE_DEVICES": "0,1"})
