"""What is held is sampled while somebody wants to know."""

import threading
import time

import numpy as np

from sweeptools.measure import Peak


def watchers():
    return [t for t in threading.enumerate() if t.name.endswith("(_watch)")]


def test_the_most_that_was_held():
    peak = Peak(0.001)
    before = peak.bytes
    held = np.ones(64 << 20, np.uint8)
    time.sleep(0.05)
    del held
    assert peak.stop() - before > 60 << 20


def test_nothing_is_sampled_for_nobody():
    """A command that fails never asks; in one process with others it must not be looked for for ever."""
    before = len(watchers())
    peaks = [Peak(0.001) for _ in range(5)]
    assert len(watchers()) == before + 5
    del peaks
    until = time.monotonic() + 20
    while len(watchers()) > before and time.monotonic() < until:
        time.sleep(0.01)
    assert len(watchers()) <= before
