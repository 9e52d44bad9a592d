"""Arrays that tensorstore reads and writes, x first on disk: N5 and neuroglancer's precomputed volumes share this."""

from math import prod

import numpy as np

from ..errors import Corrupt, SweepError
from . import axes
from .formats import library
from .hdf5 import rows
from .slabs import Stored

OWN_BYTES = 8 << 20      # that tensorstore holds of its own
PIECE = 4 << 20          # voxels that it works on at once, about


def opened(spec, name, threads, **how):
    """A tensorstore array, its axes turned to x last, its first voxel at 0; Corrupt where it cannot be opened."""
    ts = library("tensorstore", "tensorstore", f"{name}: {spec['driver']}")
    limits = {"data_copy_concurrency": {"limit": threads}, "file_io_concurrency": {"limit": threads},
              "cache_pool": {"total_bytes_limit": 0}}  # fmt: skip
    try:
        array = ts.open(spec, context=ts.Context(limits), **how).result()
    except (ValueError, NotImplementedError, KeyError) as error:
        raise Corrupt(f"{name} cannot be opened: {str(error).split(' [source')[0]}") from None
    return array.T[tuple(slice(None) for _ in array.shape)][ts.d[:].translate_to[0]]


def pieces(window, grid):
    """Parts of a window, of whole chunks but at its borders, cut along the axis that has most of them: tensorstore holds
    what it works on twice and more."""
    counts = [(b - 1) // c - a // c + 1 for (a, b), c in zip(window, grid)]
    i = counts.index(max(counts))
    size = prod(c if k == i else b - a for k, ((a, b), c) in enumerate(zip(window, grid)))
    step = grid[i] * max(1, PIECE // size)
    (a, b) = window[i]
    for start in range(a - a % step, b, step):
        yield [*window[:i], (max(a, start), min(b, start + step)), *window[i + 1 :]]


def in_turn(jobs, start, end):
    """end(job, start(job)) for each job, of which two are under way at a time."""
    before = None
    for job in jobs:
        now = (job, start(job))
        if before:
            end(*before)
        before = now
    if before:
        end(*before)


class Reader:
    """Boxes of an array."""

    def __init__(self, array, view, name):
        self.array, self.view, self.name = array, view, name
        self.grid = tuple(array.chunk_layout.read_chunk.shape)

    def read(self, dst, box):
        """Fill dst with a box."""
        window = self.view.window(box)

        def end(part, future):
            try:
                data = np.asarray(future.result())
            except ValueError as error:
                spelt = ",".join(f"{a}:{b}" for a, b in part)
                raise Corrupt(f"{self.name}: voxels {spelt} cannot be read: {str(error).split(' [source')[0]}") from None
            into = tuple(slice(part[i][0] - window[i][0], part[i][1] - window[i][0]) for i in self.view.keep)
            np.copyto(dst[into], self.view.turned(data))

        in_turn(pieces(window, self.grid), lambda part: self.array[_slices(part)].read(order="C"), end)

    def chunks(self, box):
        """How many stored chunks a box touches."""
        return prod((b - 1) // c - a // c + 1 if b > a else 0 for (a, b), c in zip(self.view.window(box), self.grid))

    def held(self, box):
        """Bytes beside the slab: pieces of it, and their chunks as they are packed and unpacked."""
        return held(self.view.window(box), self.grid, self.array.dtype.numpy_dtype.itemsize)


def stored(array, view, head, name, threads):
    """A Stored of the kept axes of an array."""
    reader = Reader(array, view, name)
    head = head.but(chunks=tuple(min(reader.grid[i], array.shape[i]) for i in view.keep[:3]))
    return Stored(head, reader.read, rows(reader.grid, view, head, threads), name, chunks=reader.chunks, held=reader.held)


def viewed(name, array, channel, time, components):
    """The View of an array's z, y, x(, components)."""
    keep, at = axes.kept(name, axes.named(None, array.ndim), array.shape, channel, time, components)
    return axes.View(tuple(array.shape), keep, at)


def held(window, grid, voxel):
    """Bytes that tensorstore holds for two pieces of a window: their voxels, and chunks packed and unpacked."""
    largest = max((prod(b - a for a, b in part) for part in pieces(window, grid)), default=0)
    return 6 * largest * voxel + OWN_BYTES


def _slices(window):
    return tuple(slice(a, b) for a, b in window)


class Writer:
    """Boxes into an array; a format makes it and its metadata."""

    axes = (0, 1, 2)
    why = ""
    skips = True

    def begin(self, array, head, chunks, axis):
        """Take the array, with components (where there are) before z, y, x."""
        self.array, self.head, self.chunks, self.grain = array, head, chunks, chunks
        self.stats = {"chunks": 0, "files": 0}
        row = [(0, min(n, c) if k == axis else n) for k, (n, c) in enumerate(zip(head.whole, chunks))]
        self.held = held(row, chunks, head.dtype.itemsize * max(1, len(head.components)))

    def write(self, data, box):
        """Write voxels [z, y, x(, c)] of a box of whole rows of chunks."""
        if data is None or not data.size:
            return
        lead = (slice(None),) if self.head.components else ()

        def start(part):
            some = data[tuple(slice(p - a, q - a) for (p, q), (a, _) in zip(part, box))]
            some = np.moveaxis(some, -1, 0) if lead else some
            return self.array[(*lead, *_slices(part))].write(np.ascontiguousarray(some))

        def end(part, future):
            try:
                future.result()
            except ValueError as error:
                raise SweepError(f"slices {box[0][0]} to {box[0][1]} could not be stored: {error}") from None

        in_turn(pieces(list(box), self.chunks), start, end)
        self.stats["chunks"] += prod(-(-(b - a) // c) for (a, b), c in zip(box, self.chunks))

    def abort(self):
        """Nothing is open between two rows."""


def clipped(head, chunks):
    """Chunks of 64, or as asked for, within the volume."""
    return tuple(max(1, min(c, n)) for c, n in zip(chunks or (64, 64, 64), head.whole))
