"""What a process that `child.py` started does: read a request, answer it. Standard library alone, any Python."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any


def serve(make: Callable[[], tuple[Any, Any]], answers: Sequence[str]) -> None:
    """Answer one JSON line for each line read, until the input ends; what else is printed goes to standard error.

    Args:
        make: the object whose methods are called and what to say at first, `{"result": ...}`.
        answers: names of the methods that a request `{"do": NAME, ...arguments}` may call.
    """
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    bench, ready = make()
    print(json.dumps({"result": ready}), file=out, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] not in answers:
                raise ValueError(f"unknown request {request['do']}")
            answer = {"result": getattr(bench, request.pop("do"))(**request)}
        except Exception as error:  # whatever it is, the other end says it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=out, flush=True)
