"""Branches: order, waiting, and every way to end."""

import threading
import time

import pytest

from sweeptools.engines.branch import Behind, BranchFailed, search_path
from sweeptools.errors import SweepError


def test_behind_keeps_the_order_and_waits_at_the_end():
    done = []
    behind = Behind(size=2)
    for i in range(50):
        behind.put(done.append, i)
    behind.finish()
    assert done == list(range(50))


def test_behind_is_at_most_its_size_behind():
    gate, done = threading.Event(), []
    behind = Behind(size=2)
    feeder = threading.Thread(target=lambda: [behind.put(lambda i=i: (gate.wait(), done.append(i))) for i in range(6)])
    feeder.start()
    feeder.join(0.3)
    assert feeder.is_alive() and not done
    gate.set()
    feeder.join()
    behind.finish()
    assert done == list(range(6))


def test_what_is_raised_comes_out_at_the_feeder():
    def fail():
        raise SweepError("no space")

    behind = Behind()
    behind.put(fail)
    with pytest.raises(SweepError, match="no space"):
        for _ in range(100):
            behind.put(time.sleep, 0)
    with pytest.raises(SweepError, match="no space"):
        behind.finish()


def test_a_stopped_one_begins_nothing_more():
    done, gate = [], threading.Event()
    behind = Behind()
    behind.put(gate.wait)
    behind.put(done.append, 1)
    assert not behind.stop(0.1)
    gate.set()
    assert behind.stop(2)
    assert done == []


@pytest.mark.parametrize(("status", "mine", "says"), [
    (3, 3, "'sweep-x' ended with exit status 3"), (0, 1, "ended before the stream did"), (137, 1, "exit status 137"),
])  # fmt: skip
def test_exit_status_of_a_branch(status, mine, says):
    error = BranchFailed("sweep-x", status)
    assert error.status == mine and says in str(error)


def test_commands_of_this_installation_come_first(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr("sys.argv", ["/opt/bin/sweep-tee"])
    assert search_path() == "/opt/bin:/usr/bin"
    monkeypatch.setattr("sys.argv", ["-c"])
    assert search_path() == "/usr/bin"
