"""Ours from an array to an array in this process: no files, no pipes, no start."""

import shlex

import numpy as np

from sweeptools import words
from sweeptools.ops import load
from sweeptools.run import Run, Settings
from sweeptools.spec import Block, Head, Node, Source

BLOCK = 4 << 20        # bytes of a block that comes in: as readers give them


def source(array, role="image"):
    """A Source of an array, block by block without a copy, as often as asked."""
    depth = max(1, min(len(array), BLOCK // max(1, array[:1].nbytes)))

    def blocks(direction):
        starts = range(0, len(array), depth)
        for z in starts if direction == "up" else reversed(starts):
            part = array[z : z + depth]
            yield Block(z, len(part), part)

    return Source(Head(array.shape, array.dtype, depth=depth, role=role), blocks, again=True)


def run(array, *commands, threads=1, role="image", tmpdir=None):
    """(the first stream that comes out or None, values of the rest, the run) of commands such as "gauss 2"; each goes on
    from the one before, or where it begins with "+" is a second reader of the same stream."""
    given = source(array, role)
    stream, beside = Node(head=given.head, name="stdin"), []
    for command in commands:
        name, *rest = shlex.split(command.removeprefix("+"))
        op = load(name)
        node = Node(op, (stream,), words.parse(op, rest), op.name)
        if command.startswith("+"):
            beside.append(node)
        else:
            stream = node
    done = Run([stream, *beside], {"stdin": given}, Settings(threads=threads, tmpdir=tmpdir))
    out = None
    if done.head is not None:
        out = np.empty((done.head.slices, *done.head.slice_shape), done.head.dtype)
    for task, block in done.events():
        if task is done.graph.outs[0]:
            out[block.z : block.z + block.n] = block.array(done.head)
        del block
    return out, done.values(), done


def apply(array, *commands, threads=1):
    """The array that commands make of an array."""
    return run(array, *commands, threads=threads)[0]


def value(array, command, threads=1):
    """The answer of a command about an array."""
    return run(array, command, threads=threads)[1][0]
