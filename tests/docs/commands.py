"""How a command of a page is checked: run, run with `--dry-run`, or only parsed, which has to have a reason."""

import configparser
import fnmatch
import re
import subprocess
import sys
from pathlib import Path

from typer.main import get_command

from mscat_tf.cli import outcome
from mscat_tf.cli.main import app
from tests.docs.blocks import ROOT, strings_of
from tests.docs.workplace import WORDS

REAL = ("convert", "cost", "export", "inspect", "models", "predict", "presets", "report")
"""Commands that are run as they stand; of the others those that have `--dry-run` are run with it."""

PARSED = {
    "mscat validate *": "draws for ten seconds; tests/validation/test_run.py runs it",
    "mscat inspect * --figures *": "draws for ten seconds; tests/cli/test_end_to_end.py draws the same",
    "mscat models": "builds every network; tests/models builds them",
    "mscat cost * --device here": "measures the machine",
    "mscat explain * --cka*": "tests/interpretation/test_cka_run.py runs it",
    "mscat explain runs/repeated/*": "no run with several seeds is made here; docs/tutorial.md makes one",
    "mscat explain runs/demo/*": "no run with several seeds is made here; docs/tutorial.md makes one",
    "mscat evaluate *": "docs/tutorial.md evaluates a run, tests/cli/test_evaluate_scores.py the scores of others",
    "mscat reach *": "needs more events than the smoke run has; docs/tutorial.md and tests/cli/test_reach.py run it",
    "mscat export * --format saved_model": "takes ten seconds; tests/inference/test_export.py runs it",
    "mscat predict * --mass-hypothesis *": "needs a network that reads m_H; tests/inference has one",
    "mscat predict runs/told *": "needs a network that reads m_H; tests/inference has one",
    "mscat cross-fit *": "trains five networks; tests/cli has a test of its own",
    "mscat make-4b *": "needs Sherpa",
    "mscat make-preset *": "trains a network; tests/presets makes one",
    "mscat predict --preset mixer-small events.root": "finds subjets for some seconds; tests/presets does",
    "mscat predict presets/NAME *": "a preset of one's own; tests/presets has one",
    "mscat import jet_class *": "needs the public set; tests/data_prep/test_import_public.py makes files like it",
    "mscat import top_tagging *": "needs the public set; tests/data_prep/test_import_public.py makes files like it",
}
"""Only the arguments of these are checked, by the command line itself."""

NOT_RUN = {
    "git": "fetches the checkout",
    "cd": "changes the folder",
    ".": "changes the shell",
    "pip": "installs; the extras are looked up in setup.cfg",
    "unzip": "unpacks what pip has fetched",
    "chmod": "of what pip has fetched",
    "dask": "starts servers; tests/data_prep/test_dask_cluster.py runs on one",
    "tensorboard": "starts a server",
    "pyhf": "its figures belong to one workspace; tests/reach asks pyhf itself",
}
"""Programs that are not run here."""


def check_command(words):
    """Run or check one command; gives the entry of `PARSED` or `NOT_RUN` that it fell under, or None."""
    if words[0] == "mscat":
        return check_mscat(words)
    if words[0] == "make":
        subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, check=True, capture_output=True)
    elif words[0] == "python":
        check_python(words[1:])
    else:
        assert words[0] in NOT_RUN, f"{words[0]} is unknown here: run it, or say in NOT_RUN why not"
        check_extras(words)
        return words[0]
    return None


def resolved(words):
    """With names that exist instead of placeholders."""
    return [WORDS.get(word, word) for word in words]


def check_mscat(words):
    """See `check_command`."""
    arguments = parsed(words)
    if words[1] == "launch":
        return check_mscat(list(arguments.params["command"]))
    line = " ".join(words)
    for pattern in PARSED:
        if fnmatch.fnmatchcase(line, pattern):
            return pattern
    has_dry_run = "dry_run" in arguments.params
    assert words[1] in REAL or has_dry_run, f"{line}: no --dry-run; run it in REAL, or say in PARSED why not"
    run_mscat(words if words[1] in REAL else [*words, "--dry-run"])
    return None


def parsed(words):
    """The arguments as the command line takes them; unknown options and missing arguments fail."""
    assert len(words) > 1, "mscat alone"
    command = get_command(app).commands[words[1]]
    try:
        return command.make_context(f"mscat {words[1]}", list(words[2:]))
    except Exception as error:  # a usage error, of click or of the copy of it that typer holds
        if not hasattr(error, "format_message"):
            raise
        raise AssertionError(f"{' '.join(words)}: {error.format_message()}") from error


def run_mscat(words):
    """Run a command in this process and folder; its complaint is what pytest has caught."""
    before, sys.argv = sys.argv, ["mscat", *expanded(words[1:])]
    try:
        status = outcome.status_of(get_command(app))
    finally:
        sys.argv = before
    assert status == 0, f"{' '.join(words)}: status {status}"


def expanded(words):
    """As a shell does: a pattern becomes the files that match, if there are any."""
    found = []
    for word in words:
        is_pattern = "*" in word and "=" not in word
        found += (sorted(map(str, Path().glob(word))) if is_pattern else []) or [word]
    return found


def check_python(words):
    """`-c CODE` is executed; of a script, the file and every option's name must be there."""
    if words[0] == "-c":
        exec(words[1], {})
        return
    if words[0] == "-m" and words[1] == "pytest":
        assert all((ROOT / word).exists() for word in words[2:] if word.startswith("tests/"))
        return
    script = ROOT / (words[1].replace(".", "/") + ".py" if words[0] == "-m" else words[0])
    assert script.is_file(), f"no {script.relative_to(ROOT)}"
    unknown = {word.partition("=")[0] for word in words if word.startswith("--")} - strings_of(script)
    assert not unknown, f"{script.name} has no {unknown}"


def check_extras(words):
    """`pip install '.[a,b]'` names extras of setup.cfg."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for names in re.findall(r"\[([\w,-]+)\]", " ".join(words)):
        assert set(names.split(",")) <= set(setup["options.extras_require"]), f"no such extra: {names}"
