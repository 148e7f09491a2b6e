"""A benchmark's other side in a process of its own, driven line by line: each with its own libraries and threads.

While one side works the other waits for a line and takes no processor time, so turns can be taken in one run.
"""

import json
import subprocess
from typing import Any


class Child:
    """A context manager; inside, `child.ask("turn", name="eager", calls=3)` calls a method of what the script serves.

    Args:
        command: its words; it ends in `answering.serve`. name: for errors.

    Attributes:
        ready: what the script said at first.
    """

    def __init__(self, command: list[str], name: str) -> None:
        self.name = name
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready: dict[str, Any] = self._answer()

    def ask(self, do: str, **arguments: Any) -> Any:
        """Result of one request.

        Raises:
            RuntimeError: the child could not do it, or ended.
        """
        assert self._process.stdin
        print(json.dumps({"do": do, **arguments}), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"ended with code {self._process.wait()}"}
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {answer['error']}")
        return answer["result"]

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)
