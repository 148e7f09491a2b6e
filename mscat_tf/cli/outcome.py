"""How a command ends: its exit status, and the one sentence on standard error."""

import logging
import sys
import tempfile
import traceback
from typing import Any

from mscat_tf.errors import MscatError

FAULT, WRONG_INPUT, INTERRUPTED, TERMINATED = 1, 2, 130, 143


def start_logging(level: str) -> None:
    """Show messages from `MSCAT_LOG` upwards. The handler filters too: dask gives its loggers levels of their own."""
    handler = logging.StreamHandler()
    handler.setLevel(level if level in logging.getLevelNamesMapping() else "WARNING")
    logging.basicConfig(level=handler.level, format="%(message)s", handlers=[handler])


def status_of(command: Any) -> int:
    """Run the command line; its exit status."""
    try:
        status = int(command.main(standalone_mode=False) or 0)
    except MscatError as error:
        _say(str(error))
        return WRONG_INPUT
    except ModuleNotFoundError as error:
        from mscat_tf.cli.extras import missing_extra

        missing = missing_extra(error)
        if missing is None:
            return _fault(error)
        _say(str(missing))
        return WRONG_INPUT
    except Exception as error:  # the last line of defence: keep the traceback, show where
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # a usage error of the command line itself
            error.show()
            return WRONG_INPUT
        return _fault(error)
    if status == INTERRUPTED:  # what typer makes of KeyboardInterrupt
        _say("interrupted; the same command resumes")
    return status


def terminated(*_: object) -> None:
    """What to do about SIGTERM."""
    sys.exit(TERMINATED)


def _fault(error: Exception) -> int:
    with tempfile.NamedTemporaryFile("w", prefix="mscat-fault-", suffix=".log", delete=False) as file:
        traceback.print_exception(error, file=file)
    _say(f"a fault of mscat itself, not of your input ({error.__class__.__name__}: {error}); traceback in {file.name}")
    return FAULT


def _say(sentence: str) -> None:
    sys.stderr.write(f"mscat: {sentence}\n")
