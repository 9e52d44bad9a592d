"""No block is held while the next is awaited: on a loaded machine one more than was predicted would be alive at times."""

import json
import os
import queue
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sweeptools import ops
from sweeptools.flow import Pool, mapped
from sweeptools.memory import AHEAD
from sweeptools.run import Run, Settings
from sweeptools.spec import Block, Head, Node, Source
from sweeptools.words import parse

CUT, SLICES, SIDE = 3, 39, 31                        # blocks of a size that nothing else has


def late(get):
    """A queue's get after which other threads come first."""

    def taken(*args, **more):
        item = get(*args, **more)
        time.sleep(0.01)
        return item

    return taken


@pytest.mark.parametrize("depth", [2, 7])
@pytest.mark.parametrize("line", ["clip 3 9", "box 3", "median 3 --mode nearest", "otsu", "stats", "label", "calc a+1"])
def test_as_many_blocks_of_a_reader_as_predicted(line, depth, monkeypatch):
    monkeypatch.setattr(queue.Queue, "get", late(queue.Queue.get))
    name, *rest = line.split()
    op, pool = ops.load(name), Pool()
    head = Head((SLICES, SIDE, SIDE), "uint8", depth=CUT)

    def blocks(direction):
        for z in range(0, SLICES, CUT):
            data = pool.array((CUT, SIDE, SIDE), "uint8")
            data[:] = z % 7
            yield Block(z, CUT, data)
            del data

    stored = Source(head, blocks, again=True)
    leaf = Node(head=head, name="a" if name == "calc" else "stdin")
    node = Node(op, (leaf,), parse(op, rest), name, names=("a",) if name == "calc" else ())
    work = Run([node], {leaf.name: stored}, Settings(threads=2, depth=depth, pool=pool))
    for _ in work.blocks():
        pass
    room = -(-CUT * SIDE * SIDE // 64) * 64              # what the pool has for such a block: as many as ever lived at once
    assert 1 <= len(pool._free[room]) <= AHEAD


def test_no_more_results_wait_than_are_allowed():
    """Of what a pool works out in order: the rest is not begun before its turn."""
    begun, pool = [], ThreadPoolExecutor(3)
    for i, result in enumerate(mapped(pool, lambda n: begun.append(n) or n * n, range(40), 5)):
        assert result == i * i and len(begun) <= i + 1 + 5
    assert sorted(begun) == list(range(40)) and i == 39 and not list(mapped(pool, len, (), 5))


def test_what_scans_compile_is_no_part_of_what_they_hold(tmp_path):
    """In a process that finds no compiled code, as the first on a machine."""
    text = "sweep-synth checker --period 32 --shape 64,256,250 | sweep-label | sweep-edt --by-value | sweep-digest"
    words = [sys.executable, "-m", "sweeptools", "run", text, "--report", tmp_path / "r.json", "--threads", "2", "-q"]
    subprocess.run(words, check=True, env={**os.environ, "SWEEP_CACHE": str(tmp_path)}, stdout=subprocess.PIPE)
    told = json.loads((tmp_path / "r.json").read_text())
    assert told["peak_bytes"] <= told["predicted_peak_bytes"], told["memory_items"]
