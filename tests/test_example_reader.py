"""The reader made from the page alone reads what the writer sends, and sees what is wrong without checksums."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from wire import GOLDEN, cut, facts, framed, preamble, sent, volume, written

from sweeptools.spec import Head

EXAMPLE = Path(__file__).parents[1] / "examples/read-stream.py"


def read(raw):
    return subprocess.run([sys.executable, EXAMPLE], input=raw, capture_output=True, check=False)


def test_it_is_short_and_needs_msgpack_alone():
    lines = EXAMPLE.read_text().splitlines()
    assert len(lines) <= 60
    assert {line.split()[1] for line in lines if line.startswith(("import", "from"))} == {"struct", "sys", "msgpack"}


@pytest.mark.parametrize("dtype,sweep", [("uint8", "up"), ("int16", "down"), ("float32", "up"), ("uint64", "up")])
def test_it_prints_the_mean_of_each_slice(dtype, sweep):
    data = (volume((6, 3, 4), "uint8") % 100).astype(dtype)
    data[2:4] = 7
    blocks = list(cut(data, 2, 4, 5, fill=(2,)))
    head = Head(data.shape, dtype, sweep=sweep, depth=6)
    note = lambda writer: (writer.note({"stage": "a"}), writer.other(ord("z"), b"\x80", b"more"))  # noqa: E731
    done = read(sent(head, blocks if sweep == "up" else blocks[::-1], name="gauss", tell=note))
    assert done.returncode == 0, done.stderr
    first, *rows = done.stdout.decode().splitlines()
    assert first == f"6 slices of 3 x 4, type {np.dtype(dtype).str[1:]}, sweep {sweep}"
    means = dict(row.split("\t") for row in rows)
    assert {int(z): float(mean) for z, mean in means.items()} == pytest.approx(
        {z: data[z].astype(float).mean() for z in range(6)}, rel=1e-5
    )


@pytest.mark.parametrize("raw,text", [
    (b"", "cut or damaged"), (b"text" * 50, "not a stream of version 1"), (preamble(2), "not a stream of version 1"),
    (GOLDEN[:-70], "cut or damaged"), (GOLDEN[:-192], "cut or damaged"), (GOLDEN[:576] + GOLDEN[704:], "no frame 2"),
    (written(facts(whole=[3, 1, 2], box=[[0, 3], [0, 1], [0, 2]])), "counts other slices"),
    (written(block={"box": [[0, 2], [0, 1], [0, 2]], "codec": "lz4"}), "out of order or compressed"),
    (written(block={"box": [[1, 2], [0, 1], [0, 2]], "codec": "raw"}), "out of order"),
    (written(payload=b"\1\2\3"), "have 3 bytes"), (written(between=[(b"z", {}, b"", None, 0)]), "cannot do without"),
    (preamble() + framed(b"X", {"stage": "read", "why": "gone", "status": 1}), "read failed: gone"),
])  # fmt: skip
def test_it_says_what_is_wrong(raw, text):
    done = read(raw)
    assert done.returncode == 1 and text in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
