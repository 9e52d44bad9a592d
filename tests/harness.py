"""Run operations on arrays, in this process, cut however a test likes."""

import numpy as np

from sweeptools.ops import load
from sweeptools.run import Run, Settings
from sweeptools.spec import Block, Head, Node, Source


def head_of(array, spacing=None, unit="micrometer", components=(), **facts):
    """The head of an array [z, y, x(, c)] that is a whole volume."""
    return Head(
        array.shape[:3], array.dtype, spacing=spacing, unit=unit if spacing else None, components=tuple(components), **facts
    )


def source(array, head=None, cut=None, again=False, name="stdin", **facts):
    """A Source of an array. `cut`: None for one block, a depth, or a list of depths; blocks of one value become fills
    where cut is "fill"."""
    head = head or head_of(array, **facts)
    n = head.slices
    if cut is None or cut == "fill":
        sizes = [1] * n if cut == "fill" else [n] * bool(n)
    else:
        sizes = [cut] * (n // cut) + [n % cut] * bool(n % cut) if isinstance(cut, int) else list(cut)
    ends = np.cumsum([0, *sizes])

    def blocks(direction):
        order = range(len(sizes)) if direction == "up" else reversed(range(len(sizes)))
        for i in order:
            a, b = int(ends[i]), int(ends[i + 1])
            data = np.array(array[a:b], order="C")   # a copy that vanishes, as a real reader's does
            if cut == "fill" and (data == data.flat[0]).all():
                yield Block(head.first + a, b - a, None, data.flat[0])
            else:
                yield Block(head.first + a, b - a, data)

    return Source(head.but(depth=max(sizes, default=1)), blocks, again, name)


def parsed(op, params):
    """Parameters given as words are parsed, others are values already."""
    return {k: op.params[k].parse(v) if isinstance(v, str) and k in op.params else v for k, v in params.items()}


def prepare(name, array, *, cut=None, threads=1, depth=None, inputs=None, again=False, head=None, facts=None, tmpdir=None,
            **params):  # fmt: skip
    """A Run of one command on an array, and the head that goes in."""
    op = name if not isinstance(name, str) else load(name)
    first = source(array, head, cut, again, **(facts or {}))
    sources = {"stdin": first}
    for key, other in (inputs or {}).items():
        sources[key] = source(other, None, cut, again, key)
    leaves = tuple(Node(head=s.head, name=n) for n, s in sources.items())
    names = ("a", *list(sources)[1:]) if op.name == "calc" else ()
    node = Node(op, leaves, parsed(op, params), op.name, names=names)
    return Run([node], sources, Settings(threads=threads, depth=depth, tmpdir=tmpdir))


def collect(run):
    """(head, array) of what a Run gives; every voxel exactly once, in stream order."""
    head = run.head
    out = np.zeros((head.slices, *head.slice_shape), head.dtype)
    seen = 0
    at = head.first if head.sweep == "up" else head.box[0][1]
    for block in run.blocks():
        z = block.z if head.sweep == "up" else block.z + block.n
        assert z == at, f"block at {z}, expected {at}"
        at += block.n if head.sweep == "up" else -block.n
        data = block.array(head)
        assert data.dtype == head.dtype, (data.dtype, head.dtype)
        assert data.shape[1:] == head.slice_shape, (data.shape, head.slice_shape)
        out[block.z - head.first : block.z - head.first + block.n] = data
        seen += block.n
    assert seen == head.slices
    return head, out


def apply(name, array, *, with_head=False, spacing=None, unit="micrometer", components=(), **settings):
    """The array that a command makes of an array; parameters are keywords, as words or values."""
    facts = {"spacing": spacing, "unit": unit, "components": components}
    head, out = collect(prepare(name, array, facts=facts, **settings))
    return (head, out) if with_head else out


def value(name, array, *, spacing=None, unit="micrometer", components=(), **settings):
    """The value or table that a command comes to."""
    facts = {"spacing": spacing, "unit": unit, "components": components}
    return prepare(name, array, facts=facts, **settings).values()[0]
