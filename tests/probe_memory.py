"""What one operation holds over a stream of some size; measured in a process that does nothing else."""

import resource
import shlex

import numpy as np

from sweeptools import words
from sweeptools.engines.preload import preload
from sweeptools.measure import Peak, give_back, resident
from sweeptools.ops import load
from sweeptools.params import Volume
from sweeptools.run import Run, Settings
from sweeptools.spec import Block, Head, Node, Source

SIDE, DEPTH = 512, 8


def endless(slices, pool, dtype="uint8"):
    """A source of 512 x 512 slices that costs next to nothing: a few random slices, over and over."""
    rng = np.random.default_rng(1)
    pattern = rng.integers(0, 256, (DEPTH, SIDE, SIDE)).astype(dtype)
    pattern[:, : SIDE // 2] //= 64

    def blocks(direction):
        for z in range(0, slices, DEPTH) if direction == "up" else range(slices - DEPTH, -1, -DEPTH):
            data = pool.array((DEPTH, SIDE, SIDE), dtype)
            np.copyto(data, pattern)
            yield Block(z, DEPTH, data)

    head = Head((slices, SIDE, SIDE), dtype, spacing=(1.0, 1.0, 1.0), unit="micrometer", depth=DEPTH)
    return Source(head, blocks, again=True)


def probe(op, example, mib, limit=None):
    """Bytes that a run of `op` over so many MiB held, and those that were predicted, above the baseline."""
    params = words.parse(op, shlex.split(example))
    slices = (mib << 20) // SIDE**2
    settings = Settings(threads=2)
    names = ["stdin"] + [name for name, p in op.params.items() if isinstance(p, Volume) and name in params]
    if op.name == "calc":
        names = ["a"]
    sources = {name: endless(slices, settings.pool) for name in names}
    node = Node(op, tuple(Node(head=s.head, name=n) for n, s in sources.items()), params, op.name,
                names=tuple(names) if op.name == "calc" else ())  # fmt: skip
    run = Run([node], sources, settings, found_only=bool(params.get("print")))
    predicted = sum(n for _, n in run.memory())
    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    give_back()
    baseline = resident()
    peak = Peak(0.004)
    for _ in run.blocks():
        pass
    if run.head is None:
        run.values()
    return {"measured": peak.stop() - baseline - run.grown, "predicted": predicted, "baseline": baseline + run.grown}


def limited(name, example, mib, limit):
    """What `probe` finds of a command under a limit of its data segment, after what it needs is imported and compiled."""
    op = load(name)
    preload(op)()                                    # as a stage does before it says what it will hold
    return probe(op, example, mib, limit)
