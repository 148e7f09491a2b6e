"""A function of a benchmark in a Python process of its own, in which nothing was loaded or done before."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import importlib, json, sys
module, function, *arguments = sys.argv[1:]
answer = getattr(importlib.import_module(f"experiments.benchmarks.{module}"), function)(*arguments)
print("\\n" + json.dumps(answer))
"""


def alone(module: str, function: str, *arguments: object) -> Any:
    """What a function of a module beside this one answers.

    Args:
        module: e.g. `predict`. function: it takes texts, and what it returns can be said in JSON.
        arguments: given to it as texts.
    """
    command = [sys.executable, "-c", CODE, module, function, *map(str, arguments)]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT, env=environment)
    return json.loads(done.stdout.splitlines()[-1])
