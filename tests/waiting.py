"""To wait for what another process does."""

import time


def wait_until(reached, seconds=30.0):
    """Until `reached()` is true; a failure after so many seconds."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)
