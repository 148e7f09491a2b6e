"""The command line in this process."""

import sys

import pytest

from mscat_tf.cli import main as command_line


@pytest.fixture
def mscat(monkeypatch, tmp_path, capfd):
    """Run a command in an empty folder, in this process; gives exit status, output and complaint."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mscat", *map(str, arguments)])
        monkeypatch.setattr(command_line.signal, "signal", lambda *_: None)
        with pytest.raises(SystemExit) as end:
            command_line.main()
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run
