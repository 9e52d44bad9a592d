"""Values between voxels: which voxels with which weights, and slices on their way."""

from math import fsum, sqrt

import numpy as np

from ..errors import Refused
from ..params import Choice
from ..window import edge_index
from ._lines import NONE, precision, separable

POLE = sqrt(3.0) - 2.0                 # of the cubic spline's inverse filter (Unser, Aldroubi and Eden 1993)
FAR = {"float32": 14, "float64": 30}   # voxels after which its weights are less than a rounding


class Order(Choice):
    """Order of the spline; `auto` goes by what the volume is."""

    def bind(self, value, head):
        return int(value) if value != "auto" else 0 if head.role in ("labels", "mask") else 1


def coefficients(stdin, axes, mode, dtype):
    """The graph that makes a volume the coefficients of its cubic spline along some axes, float32 or float64.

    The inverse filter is cut where its weights are less than a rounding; the volume beyond its border is as mode says.
    """
    precise = precision(stdin.head.dtype, dtype)
    half = [sqrt(3.0)]
    for _ in range(FAR[precise]):
        half.append(half[-1] * POLE)
    total = fsum(half + half[1:])
    along = (tuple(w / total for w in half), False)
    return separable(stdin, tuple(along if i in axes else NONE for i in (0, 1, 2)), mode, 0, precise)


def taps(size, count, order):
    """(voxels, weights), both [count, order + 1], of `count` places spread evenly over an axis of `size` voxels.

    Both lengths are the same from edge to edge: place i lies at (i + 0.5) * size / count - 0.5.
    """
    at = (np.arange(count) + 0.5) * (size / count) - 0.5
    if order == 0:
        return np.clip(np.floor(at + 0.5).astype(np.int64), 0, size - 1)[:, None], np.ones((count, 1))
    start = np.floor(at)
    t = at - start
    u = 1.0 - t
    if order == 1:
        weights = [u, t]
    else:
        weights = [u * u * u / 6, (4 - 6 * t * t + 3 * t * t * t) / 6, (4 - 6 * u * u + 3 * u * u * u) / 6, t * t * t / 6]
    first = start.astype(np.int64) - order // 2
    return edge_index(first[:, None] + np.arange(order + 1), size, "reflect"), np.stack(weights, axis=1)


class Held:
    """Slices of a stream by their number: asked for in stream order, or again as long as they were not dropped."""

    def __init__(self, blocks, head, way):
        self.blocks, self.head, self.up, self.held, self.least = iter(blocks), head, way == "up", [], None

    def slice(self, v):
        """Slice v, [y, x(, c)]; what comes before it is read on the way, and kept if it was not dropped."""
        while True:
            for block in self.held:
                if block.z <= v < block.z + block.n:
                    return np.ascontiguousarray(block.part(v, v + 1).array(self.head)[0])
            block = next(self.blocks, None)
            if block is None:
                raise Refused(f"the stream ended before slice {v}")
            self.held.append(block)
            del block
            self.drop(self.least)

    def drop(self, v):
        """Forget the blocks that end before slice v, now and as they come; None for none."""
        self.least = v
        if v is not None:
            self.held = [b for b in self.held if (b.z + b.n > v if self.up else b.z <= v)]

    def drain(self):
        """Read on to the end of the stream, so that its end mark is seen."""
        self.held = []
        for block in self.blocks:
            del block                                # so that its memory is free while the next is made


def spans(count, depth, way):
    """(first, end) of blocks of `count` slices in stream order."""
    starts = range(0, count, depth)
    return [(a, min(a + depth, count)) for a in (starts if way == "up" else reversed(starts))]
