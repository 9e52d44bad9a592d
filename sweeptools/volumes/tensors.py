"""Arrays that tensorstore reads and writes, x first on disk: N5 and neuroglancer's precomputed volumes share this."""

from math import prod

import numpy as np

from ..errors import Corrupt, SweepError
from . import axes
from .formats import library
from .hdf5 import rows
from .slabs import Stored

OWN_BYTES = 4 << 20      # that tensorstore holds of its own


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


class Reader:
    """Boxes of an array."""

    def __init__(self, array, view, name):
        self.array, self.view, self.name = array, view, name
        self.grid = tuple(array.chunk_layout.read_chunk.shape)

    def read(self, dst, box):
        """Fill dst with a box."""
        window = self.view.window(box)
        part = self.array[tuple(slice(a, b) for a, b in window)]
        try:
            data = np.asarray(part.read(order="C").result())
        except ValueError as error:
            spelt = ",".join(f"{a}:{b}" for a, b in window)
            raise Corrupt(f"{self.name}: voxels {spelt} cannot be read: {str(error).split(' [source')[0]}") from None
        np.copyto(dst, self.view.turned(data))

    def chunks(self, box):
        """How many stored chunks a box touches."""
        return prod((b - 1) // c - a // c + 1 if b > a else 0 for (a, b), c in zip(self.view.window(box), self.grid))

    def held(self, box):
        """Bytes beside the slab: the voxels as tensorstore gives them, and packed chunks."""
        return prod(b - a for a, b in self.view.window(box)) * self.array.dtype.numpy_dtype.itemsize + OWN_BYTES


def stored(array, view, head, name, threads):
    """A Stored of the kept axes of an array."""
    reader = Reader(array, view, name)
    head = head.but(chunks=tuple(min(reader.grid[i], array.shape[i]) for i in view.keep[:3]))
    return Stored(head, reader.read, rows(reader.grid, view, head, threads), name, chunks=reader.chunks, held=reader.held)


def viewed(name, array, channel, time, components):
    """The View of an array's z, y, x(, components)."""
    keep, at = axes.kept(name, axes.named(None, array.ndim), array.shape, channel, time, components)
    return axes.View(tuple(array.shape), keep, at)


class Writer:
    """Boxes into an array; a format makes it and its metadata."""

    axes = (0, 1, 2)
    why = ""
    skips = True

    def begin(self, array, head, chunks, threads):
        """Take the array, with components (where there are) before z, y, x."""
        self.array, self.head, self.chunks, self.grain = array, head, chunks, chunks
        self.stats = {"chunks": 0, "files": 0}
        row = max(head.slice_bytes * chunks[0], 1)
        self.held = row + threads * 3 * prod(chunks) * head.dtype.itemsize + OWN_BYTES

    def write(self, data, box):
        """Write voxels [z, y, x(, c)] of a box of whole rows of chunks."""
        if data is None or not data.size:
            return
        window = tuple(slice(a, b) for a, b in box)
        if self.head.components:
            data, window = np.moveaxis(data, -1, 0), (slice(None), *window)
        try:
            self.array[window].write(np.ascontiguousarray(data)).result()
        except ValueError as error:
            raise SweepError(f"slices {box[0][0]} to {box[0][1]} could not be stored: {error}") from None
        self.stats["chunks"] += prod(-(-(b - a) // c) for (a, b), c in zip(box, self.chunks))

    def abort(self):
        """Nothing is open between two rows."""


def clipped(head, chunks):
    """Chunks of 64, or as asked for, within the volume."""
    return tuple(max(1, min(c, n)) for c, n in zip(chunks or (64, 64, 64), head.whole))
