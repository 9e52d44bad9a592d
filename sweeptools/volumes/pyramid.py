"""Pyramids: which coarser levels a volume has, and their rows, each reduced from the level before while the voxels pass.

A row is what is written at once: as deep as the files of its level, along the axis that is swept. Everything here is in
the volume's own order z, y, x.
"""

import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from ..errors import UsageError
from ..kernels.blocks import reduce_blocks
from ..memory import THREAD
from .slabs import _owner

MOMENT = 0.1             # seconds


@dataclass(frozen=True)
class Level:
    """One level of a volume: its voxels, the depth of its rows along the axis swept, the blocks (z, y, x) of the level
    before that its voxels are made of, and of level 0."""

    whole: tuple[int, int, int]
    grain: int
    factor: tuple[int, int, int] = (1, 1, 1)
    scale: tuple[int, int, int] = (1, 1, 1)


def factors(head, chunks, wanted):
    """The factors (z, y, x) from each level to the next, for `wanted` coarser levels, or until one fits in a chunk
    ("auto"). Halved are the axes whose spacing is within sqrt 2 of the finest; axes of one voxel are left out, unknown
    spacings are taken for the finest. UsageError where the volume cannot be halved so often.
    """
    whole, steps = head.whole, []
    known = [s for s in head.spacing or () if s]
    distance = [s or min(known) for s in head.spacing] if known else [1.0] * 3
    while any(n > c for n, c in zip(whole, chunks)) if wanted == "auto" else len(steps) < wanted:
        long = [d for d, n in zip(distance, whole) if n > 1]
        if not long or 0 in whole:
            raise UsageError(f"pyramid is {wanted}, must be at most {len(steps)}: then one voxel is left")
        near = min(long) ** 2 * 2.000001
        factor = tuple(2 if n > 1 and d * d <= near else 1 for d, n in zip(distance, whole))
        distance = [d * f for d, f in zip(distance, factor)]
        whole = halved(whole, factor)
        steps.append(factor)
    return steps


def halved(whole, factor):
    """Voxels of the next level: an incomplete block is reduced over the voxels it has."""
    return tuple(-(-n // f) for n, f in zip(whole, factor))


def method_of(role):
    """How a level is reduced: labels and masks have no means."""
    return "mode" if role in ("labels", "mask") else "mean"


class Rows:
    """Blocks of one level gathered to rows. sparse: rows that are 0 throughout have no data. depth: slices of the blocks
    that come; where they hold a number of whole rows these are handed on as they are, else a row would hold more."""

    def __init__(self, level, dtype, components, axis, pool, sparse=True, depth=1):
        self.level, self.dtype, self.axis, self.pool, self.sparse = level, np.dtype(dtype), axis, pool, sparse
        self.size, self.extra = level.whole[axis], (components,) if components else ()
        self.grain = min(level.grain, max(1, self.size))
        self.bytes = prod(self.shape(self.grain)) * self.dtype.itemsize
        self.fits = depth % self.grain == 0 or depth >= self.size
        self._rows = {}                              # row -> [data or None, slices that are there, [(a, b, fill)]]

    def shape(self, n):
        """Of an array of n slices along the axis swept."""
        return tuple(n if i == self.axis else m for i, m in enumerate(self.level.whole)) + self.extra

    def room(self, n):
        """Memory for n slices, in which any row fits."""
        shape = self.shape(n)
        return self.pool.array((prod(shape),), self.dtype, self.bytes // self.dtype.itemsize).reshape(shape)

    def at(self, a, b):
        """The index of slices a to b along the axis swept."""
        return (slice(None),) * self.axis + (slice(a, b),)

    def take(self, a, b, data, fill=0, down=False):
        """Slices a to b, all `fill` where data is None. Gives (start, stop, [data or None]) of rows that are complete."""
        rows = range(a // self.grain, (b - 1) // self.grain + 1)
        for k in reversed(rows) if down else rows:
            start, stop = k * self.grain, min((k + 1) * self.grain, self.size)
            lo, hi = max(a, start), min(b, stop)
            row = self._rows.setdefault(k, [None, 0, []])
            if data is None:
                row[2].append((lo, hi, fill))
            else:
                part = data[self.at(lo - a, hi - a)]
                if (lo, hi) == (start, stop) and part.flags.c_contiguous and self.fits:
                    row[0] = part                    # no copy
                else:
                    row[0] = self.room(stop - start) if row[0] is None else row[0]
                    row[0][self.at(lo - start, hi - start)] = part
                del part
            row[1] += hi - lo
            if row[1] == stop - start:
                del self._rows[k]
                box, row = [self._filled(row, start, stop)], None
                yield start, stop, box               # who pops it is the only one who holds it

    def _filled(self, row, start, stop):
        """The voxels of a complete row, or None where it is 0 throughout."""
        data, _, fills = row
        if data is None:
            if self.sparse and all(self._is_zero(fill) for _, _, fill in fills):
                return None
            data = self.room(stop - start)
        for a, b, fill in fills:
            data[self.at(a - start, b - start)] = fill
        return data

    def _is_zero(self, fill):
        return not any(np.asarray(fill, self.dtype).tobytes())         # by its bits: -0.0 is not 0.0

    def let_go(self, row):
        """Wait, a moment at most, until nobody holds the memory of the row that is popped from `row`: a thread of the
        codec pipeline forgets it only after it has told that it is done, and the next row would take more."""
        data = row.pop()
        if data is None or self.fits:                # a view of a block, which may be wanted still
            return
        held = weakref.ref(_owner(data))
        del data
        until = time.monotonic() + MOMENT
        while held() is not None and time.monotonic() < until:
            time.sleep(MOMENT / 500)


@dataclass(eq=False)
class Pyramid:
    """The coarser levels of a volume. `take` rows of level 0; store(data or None, (start, stop), k) writes one of level k.

    levels: all of them, 0 first; method: as in kernels.blocks. Down sweeps give the same rows in the other order.
    """

    levels: list
    dtype: np.dtype
    components: int
    axis: int
    method: str
    store: Callable
    pool: object
    threads: int = 1

    def __post_init__(self):
        facts = (self.dtype, self.components, self.axis, self.pool)
        self.rows = [Rows(self.levels[0], *facts)]
        for level in self.levels[1:]:
            depth = -(-self.rows[-1].grain // level.factor[self.axis])
            self.rows.append(Rows(level, *facts, depth=depth))
        self._workers = ThreadPoolExecutor(self.threads, "reduce") if self.threads > 1 and self.levels[1:] else None
        for factor in {level.factor for level in self.levels[1:]}:     # compiled before anything is measured
            this = np.zeros((3, 3, 3, *self.rows[0].extra), self.dtype)
            reduce_blocks(this, np.empty((2, 2, 2, *self.rows[0].extra), self.dtype), (0, 1) * 3, factor, self.method)

    def memory(self):
        """(what, bytes) of each coarser level, a row that is gathered and what was reduced of one of the level before."""
        for k, (before, here) in enumerate(zip(self.rows, self.rows[1:]), 1):
            depth = -(-before.grain // here.level.factor[self.axis])
            part = 0 if here.fits and depth <= here.grain else prod(here.shape(depth)) * here.dtype.itemsize
            yield f"level {k}: {here.grain} slices", here.bytes + part

        if self._workers:
            yield f"{self.threads} threads that reduce", self.threads * THREAD

    def take(self, start, stop, data, k=0, down=False):
        """Reduce a row of level k, all 0 where data is None, and store the rows of the next level that it completes."""
        if k + 1 == len(self.levels):
            return
        factor = self.levels[k + 1].factor
        a, b = start // factor[self.axis], -(-stop // factor[self.axis])
        part = None if data is None else self._reduced(data, k + 1, b - a)
        for first, end, row in self.rows[k + 1].take(a, b, part, down=down):
            self.store(row[0], (first, end), k + 1)
            self.take(first, end, row[0], k + 1, down)
            self.rows[k + 1].let_go(row)

    def _reduced(self, data, k, n):
        """n slices of level k, reduced from the voxels of the level before; in threads over bands of rows."""
        out = self._part(k, n)
        ny = out.shape[1]
        cuts = [ny * i // self.threads for i in range(self.threads + 1)] if self._workers else [0, ny]
        calls = [
            partial(reduce_blocks, data, out, (0, out.shape[0], a, b, 0, out.shape[2]), self.levels[k].factor, self.method)
            for a, b in zip(cuts, cuts[1:]) if a < b
        ]  # fmt: skip
        for done in [self._workers.submit(call) for call in calls] if self._workers else ():
            done.result()
        if not self._workers:
            calls[0]()
        return out

    def _part(self, k, n):
        """Memory for n slices of level k, of which a row of the level before never gives more than some."""
        here, before = self.rows[k], self.rows[k - 1]
        most = prod(here.shape(-(-before.grain // here.level.factor[self.axis])))
        shape = here.shape(n)
        return here.pool.array((prod(shape),), here.dtype, most).reshape(shape)

    def close(self):
        """End the threads."""
        if self._workers:
            self._workers.shutdown(wait=False, cancel_futures=True)
