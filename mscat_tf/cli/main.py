"""`mscat`: one command per stage. `mscat --help` answers at once, since every command imports what it needs itself."""

import os
import signal
import sys
from collections.abc import Callable

import typer
from typer.main import get_command

from mscat_tf.cli import inference_commands, network_commands, outcome, sample_commands

COMMANDS: dict[str, Callable[..., None]] = {
    "generate": sample_commands.generate,
    "make-4b": sample_commands.make_4b,
    "import": sample_commands.import_samples,
    "prepare": sample_commands.prepare,
    "models": network_commands.models,
    "inspect": sample_commands.inspect,
    "convert": sample_commands.convert,
    "validate": sample_commands.validate,
    "train": network_commands.train,
    "cost": network_commands.cost,
    "search": network_commands.search,
    "launch": network_commands.launch,
    "evaluate": network_commands.evaluate,
    "cross-fit": network_commands.cross_fit,
    "explain": network_commands.explain,
    "report": network_commands.report,
    "presets": inference_commands.presets,
    "make-preset": inference_commands.make_preset,
    "predict": inference_commands.predict,
    "export": inference_commands.export,
    "train-mirror": network_commands.train_mirror,
    "compare": network_commands.compare,
    "figures": network_commands.figures,
    "reach": network_commands.reach,
    "reproduce": network_commands.reproduce,
}
"""By name, in the order of `mscat --help`."""

app = typer.Typer(
    name="mscat",
    help="Multi-scale cross-attention transformers for collider events, from generation to explanation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def main() -> None:
    """Run the command line and exit with its status (see DESIGN: 0, 1, 2, 130, 143)."""
    signal.signal(signal.SIGTERM, outcome.terminated)
    outcome.start_logging(os.environ.get("MSCAT_LOG", "WARNING").upper())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(outcome.status_of(get_command(app)))


if __name__ == "__main__":
    main()
