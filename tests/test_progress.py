"""What the end of a pipe shows, on a terminal, in a log and to a program."""

import io
import json
import pty
import re
import sys
import termios
from contextlib import suppress

import pytest

from sweeptools.progress import Progress, clock_time, spell


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    "note, said",
    [
        ({"stage": "otsu", "sweep": 1, "sweeps": 2, "done": 37, "total": 100}, "otsu sweep 1/2 37 %"),
        ({"stage": "label", "done": 0, "total": 100}, "label waiting"),
        ({"stage": "label"}, "label waiting"),
        ({"stage": "gauss", "sweeps": 1, "done": 999, "total": 1000}, "gauss 99 %"),
        ({"stage": "gauss", "text": "compiling"}, "gauss compiling"),
    ],
)
def test_a_stage_in_words(note, said):
    assert spell(note) == said


@pytest.mark.parametrize("seconds, said", [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (90061, "25:01:01")])
def test_time(seconds, said):
    assert clock_time(seconds) == said


def test_plain_says_a_line_a_minute():
    out, clock = io.StringIO(), Clock()
    progress = Progress("auto", "write", 1000, 10**6, out, clock)
    assert progress.mode == "plain"
    for _ in range(150):
        clock.now += 1
        progress.advance(5)
    progress.close()
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d sweep-write: write \d+ %, 5 MB/s, \d+:\d\d left.*", line)
    assert "write 30 %, 5 MB/s, 2:20 left" in lines[0] and lines[-1].endswith("done")


def test_plain_is_silent_when_it_is_over_in_a_minute():
    out, clock = io.StringIO(), Clock()
    progress = Progress("plain", "write", 10, 10, out, clock)
    progress.advance(10)
    progress.close()
    assert out.getvalue() == ""


def test_notes_stand_until_the_next_block():
    progress = Progress("off", "write", 10, 10, io.StringIO(), Clock())
    progress.note({"stage": "otsu", "sweep": 1, "sweeps": 2, "done": 37, "total": 100})
    progress.note({"stage": "label"})
    assert progress.line() == "otsu sweep 1/2 37 % | label waiting"
    progress.advance(1)
    assert progress.line() == "write 10 %"


def test_json_is_one_object_a_line():
    out, clock = io.StringIO(), Clock()
    progress = Progress("json", "write", 10, 100, out, clock)
    progress.advance(2)
    clock.now += 2
    progress.advance(2)
    progress.note({"stage": "otsu", "done": 1, "total": 2})
    clock.now += 2
    progress.note({"stage": "otsu", "done": 2, "total": 2})
    progress.close(False)
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [t["done"] for t in told] == [4, 4, 4] and told[-1]["state"] == "failed"
    assert told[0] | {"time": 0} == {
        "time": 0, "stage": "write", "done": 4, "total": 10, "bytes_per_s": 100, "left_s": 6.0, "state": "running",
        "notes": [],
    }  # fmt: skip
    assert told[1]["notes"] == [{"stage": "otsu", "done": 2, "total": 2}]


def test_off_says_nothing():
    out, clock = io.StringIO(), Clock()
    progress = Progress("off", "write", 10, 100, out, clock)
    clock.now += 1000
    progress.advance(2)
    progress.close()
    assert out.getvalue() == "" and progress._bar is None


def test_an_unknown_total_or_an_empty_volume():
    for total in (0, None):
        progress = Progress("off", "write", total, 100, io.StringIO(), Clock())
        assert progress.line() == "write 0 slices"


def received(terminal):
    """All that was written to a terminal whose other end is closed by now, which is told as an error."""
    with open(terminal, "rb", buffering=0) as file, suppress(OSError):
        while piece := file.read(10000):
            yield piece.decode()


def test_a_terminal_has_one_line_that_is_taken_away():
    main, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 60))
    clock = Clock()
    with open(end, "w") as terminal:
        progress = Progress("auto", "write", 10, 10**6, terminal, clock)
        assert progress.mode == "draw" and "tqdm" in sys.modules
        for _ in range(5):
            clock.now += 1
            progress.advance(1)
        progress.aside()
        progress.close()
    drawn = "".join(received(main))
    assert "\n" not in drawn
    assert "write 50 %, 1 MB/s, 0:05 left" in drawn
    assert drawn.rstrip("\r").split("\r")[-1].strip() == ""
