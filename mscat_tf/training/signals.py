"""Ending a training in good order when the batch system, or the user, asks for it."""

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Self

TERMINATED = 143


class StopRequest:
    """Within the block SIGTERM and the first SIGINT only ask to stop; a second SIGINT interrupts at once.

    Attributes:
        asked: the signal, or None.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                if signal.getsignal(number) is not signal.SIG_IGN:  # a job in the background of a shell ignores SIGINT
                    self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.asked == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = number

    def obey(self) -> None:
        """End as the signal wants it, SIGTERM if it was another worker that was asked."""
        if self.asked == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(TERMINATED)
