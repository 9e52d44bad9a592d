"""A stored volume as a stream: read by chunk rows, one ahead, each stored chunk once, cut into blocks.

A format says how its voxels lie (Stored); which part is read, along which axis and in which direction is the same for
all of them and is here. At most two slabs (chunk rows) are alive: the one being cut and the next one.
"""

import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import SweepError, UsageError
from ..flow import pieces
from ..params import convert, resolve_range
from ..spec import Block, Head, Source

BLOCK = 4 << 20          # bytes of a block
LAG = 4                  # blocks of a slab that are given out before the memory of the slab before it must be free
AXES = ("z", "y", "x")


@dataclass(eq=False)
class Stored:
    """A volume as a format sees it: axes z, y, x, all of it, from 0.

    read(dst, box) fills dst [n, y, x(, c)] with the voxels of box ((z0, z1), (y0, y1), (x0, x1)). grain is the depth of
    a chunk row along each axis; 0 where it is read along z and turned. empty(box) gives the fill
    value where nothing is stored in a box, else None, and is cheap. chunks(box) counts the stored chunks it touches.
    """

    head: Head
    read: Callable
    grain: tuple[int, int, int]
    name: str
    empty: Callable = lambda box: None
    chunks: Callable = lambda box: 0
    why: str = ""
    close: Callable = lambda: None
    held: Callable = lambda box: 0               # bytes that decoding holds beside the slab
    ordered: bool = False                        # it can be read from its first slice on only, and z is read alone
    said: tuple[str, ...] = ()                   # warnings, of what was passed over
    encoded: object = None                       # where its chunks are, for a sink that takes them as they are
    stats: dict = field(default_factory=lambda: {"bytes": 0, "chunks": 0, "chunks_total": 0})


def source(stored, pool, *, sweep="up", axis="z", box=None, range=None, spacing=None, role=None, tmpdir=None):
    """The Source of a stored volume, or of the part of it that `box` and `range` keep (a volume of its own then).

    Along an axis on which it has no grain, and down where it is ordered, it goes through a temporary file in `tmpdir`.

    box: three (start, stop, step); range: one, along `axis`, after box. spacing: ((z, y, x), unit).
    `stats` counts bytes of voxels decoded, chunks opened, and the chunks that the part touches.
    """
    whole = stored.head if spacing is None else _spaced(stored.head, *spacing)
    window, head = _select(whole, stored.name, axis, box, range)
    if role is not None:
        head = replace(head, role=role)
    a = AXES.index(axis)
    if not stored.grain[a] or stored.ordered and sweep == "down":
        from . import along

        part = tuple((w.start, w.stop, w.step) for w in window)
        return along.source(source(stored, pool, box=part, spacing=spacing, role=role), a, pool, sweep, tmpdir)
    order = (a, *(i for i in (0, 1, 2) if i != a))
    turn = lambda triple: None if triple is None else tuple(triple[i] for i in order)  # noqa: E731
    head = replace(
        head, whole=turn(head.whole), box=turn(head.box), spacing=turn(head.spacing), origin=turn(head.origin),
        axes=turn(head.axes), order=turn(head.order), chunks=turn(head.chunks), sweep=sweep,
    )  # fmt: skip
    depth = max(1, min(BLOCK // max(1, head.slice_bytes), -(-stored.grain[a] // window[a].step), head.slices))
    head = replace(head, depth=depth)
    sweeper = _Sweeper(stored, pool, window, order, head)
    return Source(head, sweeper.blocks, again=not stored.ordered, name=stored.name, stats=stored.stats,
                  memory=sweeper.memory(), least=sweeper.least(), close=stored.close, said=stored.said,
                  some=None if stored.ordered else sweeper.blocks,
                  encoded=stored.encoded and replace(stored.encoded, box=tuple(window)))  # fmt: skip


def _spaced(head, values, unit):
    """The head with another spacing; an origin in a known unit stays where it is."""
    if unit == "px" or min(values) <= 0:
        raise UsageError(f"spacing is {','.join(map(str, values))}{unit}, must be lengths above 0: --spacing 2,1,1um")
    origin = tuple(convert(o, head.unit, unit) for o in head.origin) if head.unit else head.origin
    return replace(head, spacing=values, unit=unit, origin=origin)


def _select(head, name, axis, box, range):
    """The part of each axis that is kept, as ranges into the stored volume, and the head of that part."""
    window = []
    for i, this in enumerate(AXES):
        start, stop, step = resolve_range(box[i], head.whole[i], "box") if box else (0, head.whole[i], 1)
        if range is not None and this == axis:
            n = len(_range(start, stop, step))
            a, b, s = resolve_range(range, n, "range")
            start, stop, step = start + a * step, min(stop, start + b * step), step * s
        window.append(_range(start, stop, step))
    steps = head.spacing or (1.0,) * 3
    origin = tuple(o + w.start * (1.0 if s is None else s) for o, w, s in zip(head.origin, window, steps))
    spacing = head.spacing and tuple(None if s is None else s * w.step for s, w in zip(head.spacing, window))
    if spacing is None and any(w.step > 1 for w in window):
        spacing = tuple(float(w.step) for w in window)
    whole = tuple(len(w) for w in window)
    if 0 in whole and 0 not in head.whole:
        raise UsageError(f"{name}: the part asked for is empty: {' x '.join(map(str, whole))} voxels")
    return window, head.but(whole=whole, origin=origin, spacing=spacing)


_range = range           # the word stands for an option below


@dataclass(eq=False)
class _Sweeper:
    stored: Stored
    pool: object
    window: list
    order: tuple
    head: Head

    def rows(self):
        """(first, last) kept index of every chunk row along the axis swept, in the stored volume's own order."""
        axis = self.order[0]
        kept, grain = self.window[axis], self.stored.grain[axis]
        rows, i = [], 0
        while i < len(kept):
            end = (kept[i] // grain + 1) * grain                 # of the chunk row, in stored voxels
            j = min(len(kept), i + -(-(end - kept[i]) // kept.step))
            rows.append((i, j))
            i = j
        return rows

    def region(self, i, j):
        """The stored box that kept slices i to j lie in."""
        box = [(w.start, w[-1] + 1) if len(w) else (0, 0) for w in self.window]
        kept = self.window[self.order[0]]
        box[self.order[0]] = (kept[i], kept[j - 1] + 1)
        return tuple(box)

    def deepest(self):
        """Slices z that the largest of the slabs has: the first one or two may be cut by the box, and the last."""
        rows = self.rows()
        z0, z1 = zip(*(self.region(*row)[0] for row in rows[:2] + rows[-1:]))
        return max(b - a for a, b in zip(z0, z1))

    def copies(self):
        """Whether blocks are copied out of the slab: turned or thinned ones are."""
        return self.order != (0, 1, 2) or any(w.step > 1 for w in self.window)

    def least(self):
        """(what, bytes) of a chunk row, the first as any other."""
        rows = self.rows()
        boxes = [self.region(*row) for row in rows[:2] + rows[-1:]]
        voxels = max((int(np.prod([b - a for a, b in box], dtype=object)) for box in boxes), default=0)
        row = f"{self.stored.name}: one chunk row ({self.stored.grain[self.order[0]]} slices)"
        return row, voxels * self.head.dtype.itemsize * max(1, len(self.head.components))

    def memory(self):
        rows = self.rows()
        if not rows or 0 in self.head.shape:
            return ()
        slab = self.least()[1]
        n = self.stored.grain[self.order[0]]
        items = [(f"{self.stored.name}: {min(2, len(rows))} slabs of {n} slices", min(2, len(rows)) * slab)]
        decoding = max(self.stored.held(self.region(*row)) for row in rows[:2] + rows[-1:])
        if decoding:
            items.append((f"{self.stored.name}: decoding", decoding))
        if self.copies():
            items.append((f"{self.stored.name}: blocks", 2 * self.head.depth * self.head.slice_bytes))
        return tuple(items)

    def blocks(self, direction="up", wanted=None):
        """The blocks of one sweep, up or down; where slices are `wanted` (rising), those of the chunk rows that have any."""
        if 0 in self.head.shape:
            nothing = np.empty((self.head.slices, *self.head.slice_shape), self.head.dtype)
            yield from pieces(Block(0, self.head.slices, nothing), self.head.depth, direction)
            return
        rows = self.rows() if direction == "up" else self.rows()[::-1]
        if wanted is not None:
            rows = [(i, j) for i, j in rows if np.searchsorted(wanted, i) < np.searchsorted(wanted, j)]
        stats = self.stored.stats
        stats["chunks_total"] += sum(self.stored.chunks(self.region(*row)) for row in rows)
        worker = ThreadPoolExecutor(1, "read")
        try:
            ahead, before = worker.submit(self.slab, rows[0]), None
            for k, row in enumerate(rows):
                slab, ahead = ahead.result(), None
                for n, block in enumerate(self.cut(slab, row, direction)):
                    if ahead is None and k + 1 < len(rows) and (n >= LAG or before is None or before() is None):
                        ahead = worker.submit(self.slab, rows[k + 1])
                    yield block
                    del block
                if ahead is None and k + 1 < len(rows):
                    ahead = worker.submit(self.slab, rows[k + 1])
                before = None if slab.data is None else weakref.ref(_owner(slab.data))
                del slab
        finally:
            worker.shutdown(cancel_futures=True)

    def slab(self, row):
        """One chunk row as a block of stored voxels; without data where nothing is stored."""
        box = self.region(*row)
        fill = self.stored.empty(box)
        if fill is not None:
            return Block(row[0], row[1] - row[0], None, fill)
        comps = (len(self.head.components),) if self.head.components else ()
        data = self.pool.array((*(b - a for a, b in box), *comps), self.head.dtype, self.deepest())
        try:
            self.stored.read(data, box)
        except (SweepError, MemoryError):
            raise
        except Exception as error:
            place = ",".join(f"{a}:{b}" for a, b in box)
            what = f"{type(error).__name__}: {error}"
            raise SweepError(f"{self.stored.name}: cannot read voxels {place}: {what}") from error
        self.stored.stats["bytes"] += data.nbytes
        self.stored.stats["chunks"] += self.stored.chunks(box)
        return Block(row[0], row[1] - row[0], data)

    def cut(self, slab, row, direction):
        """Blocks of the stream out of a slab: views of it, or copies where axes are turned or voxels left out."""
        depth = self.head.depth
        if slab.data is None or not self.copies():
            yield from pieces(slab, depth, direction)
            return
        view = slab.data[tuple(slice(None, None, w.step) for w in self.window)]
        view = view.transpose(*self.order, *range(3, view.ndim))
        for part in pieces(Block(row[0], row[1] - row[0], view), depth, direction):
            data = self.pool.array(part.data.shape, part.data.dtype, depth)
            np.copyto(data, part.data)
            yield Block(part.z, part.n, data)


def _owner(array):
    """The object that owns an array's memory, and lives as long as any view of it."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array if array.base is None else array.base
