"""What the end of a pipe shows, on a terminal, in a log and to a program."""

import io
import json
import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import environment

from sweeptools.progress import Progress, clock_time, speed, spell

HOME = Path(__file__).parent.parent


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


@pytest.mark.parametrize(
    "rate, said", [(300, "0.3 kB/s"), (27300, "27 kB/s"), (5e6, "5.0 MB/s"), (25.4e6, "25 MB/s"), (2.35e9, "2.4 GB/s")]
)
def test_speed(rate, said):
    assert speed(rate) == said


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
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d sweep-write: write \d+ %, 5.0 MB/s, \d+:\d\d left.*", line)
    assert "write 30 %, 5.0 MB/s, 2:20 left" in lines[0] and lines[-1].endswith("done")


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


def test_a_note_that_is_not_renewed_goes():
    clock = Clock()
    progress = Progress("off", "write", 10, 10, io.StringIO(), clock)
    progress.note({"stage": "otsu", "sweep": 1, "sweeps": 2, "done": 93, "total": 100})
    clock.now += 2
    progress.note({"stage": "label", "sweep": 1, "sweeps": 2, "done": 3, "total": 100})
    assert progress.line() == "otsu sweep 1/2 93 % | label sweep 1/2 3 %"
    clock.now += 2
    progress.note({"stage": "label", "sweep": 1, "sweeps": 2, "done": 5, "total": 100})
    assert progress.line() == "label sweep 1/2 5 %"


def test_an_answer_learns_from_its_own_notes_how_far_it_is():
    clock = Clock()
    progress = Progress("off", "stats", 100, 10**6, io.StringIO(), clock)
    for done in (10, 20, 30):
        progress.note({"stage": "stats", "sweep": 1, "sweeps": 1, "done": done, "total": 100})
        clock.now += 1
    assert progress.line() == "stats 30 %, 6.7 MB/s, 0:10 left"


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
    assert "write 50 %, 1.0 MB/s, 0:05 left" in drawn
    assert drawn.rstrip("\r").split("\r")[-1].strip() == ""


SLOW = """
import sys, time
import numpy as np
from sweeptools.spec import Block, Head
from sweeptools.stream import Writer
writer = Writer(1, Head((int(sys.argv[1]), 64, 64), "uint8"), name="slow")
for z in range(int(sys.argv[1])):
    writer.block(Block(z, 1, np.full((1, 64, 64), z, np.uint8)))
    time.sleep(0.1)
writer.end()
"""


@pytest.mark.parametrize("line, slices, shown, said", [
    ("sweep-cast uint16 | sweep-write o.npy", 20, r"write \d+ %, \d+ kB/s, 0:0\d left", ""),
    ("sweep-otsu -v | sweep-write o.zarr", 50, r"otsu (waiting|sweep 1/2 \d+ %)", "sweep-otsu: threshold 24"),
    ("sweep-stats --out o.tsv", 70, r"stats \d+ %", ""),
])  # fmt: skip
def test_a_pipe_on_a_terminal_has_one_line_and_messages_of_their_own(line, slices, shown, said, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    main, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 100))
    env = {k: v for k, v in environment().items() if k != "SWEEP_PROGRESS"} | {"PYTHONPATH": str(HOME)}
    line = f"{sys.executable} slow.py {slices} | {line}"
    with subprocess.Popen(["bash", "-c", line], cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, stderr=end) as process:
        os.close(end)
        drawn = "".join(received(main))
    assert process.returncode == 0 and re.search(shown, drawn), drawn
    visible = [re.split(r"\r(?:\x1b\[K)?", text)[-1].strip() for text in drawn.split("\r\n")]
    assert [text for text in visible if text] == ([said] if said else []), drawn
