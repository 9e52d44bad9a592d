"""A stream in a temporary file from which it is read along another axis: each voxel is written once and read once.

kernels/turn.py says how the voxels lie. A slab and a tile are held while it is written, a row while it is read.
"""

import os

import numpy as np

from .errors import SweepError
from .flow import pieces
from .kernels import turn
from .spec import Block
from .spool import File, full, require


class Turned:
    """Written in stream order as a stream with `head`; then read as often as wanted, in either direction, as one with
    the head `out`, whose axis i is axis order[i] of the former. order[0] is not 0: what keeps its slices needs no file.

    The file loses its name at once and takes as many bytes as the voxels, less where slabs are 0. Refused where the
    directory has no room for them.
    """

    def __init__(self, head, out, order, directory, pool):
        self.head, self.out, self.order, self.pool = head, out, order, pool
        self.axis = order[0]
        (self.rest,) = {1, 2} - {self.axis}
        self.comps = head.slice_shape[2:]
        self.voxel = head.dtype.itemsize * max(1, len(head.components))
        self.depth, self.rows = turn.cut(head.shape, self.voxel, self.axis)
        self.plane = head.shape[0] * head.shape[self.rest] * self.voxel     # bytes of a slice along the new axis
        self.bytes = 0                                                      # written
        require(directory, self.plane * head.shape[self.axis])
        self._file = File(directory)
        with full(directory):
            os.ftruncate(self._file.fd, self.plane * head.shape[self.axis])
        self._slab, self._there, self._seen = None, 0, 0         # what is gathered, slices of it that came, of all
        self._room = self._tile = None                           # the memory of a slab, and of a tile

    def write(self, block):
        """Take the next block in stream order."""
        first, end = block.z - self.head.first, block.z - self.head.first + block.n
        cuts = [first, *range((first // self.depth + 1) * self.depth, end, self.depth), end]
        parts = [(a, block.part(a + self.head.first, b + self.head.first)) for a, b in zip(cuts, cuts[1:])]
        for a, part in parts if self.head.sweep == "up" else reversed(parts):
            j = a // self.depth
            n = min(self.depth, self.head.slices - j * self.depth)
            if part.n == n and part.data is not None:
                self._put(j, part.data)                          # a whole slab in one block: no copy
            else:
                self._gather(j, n, a - j * self.depth, part)
        self._seen += block.n

    def _gather(self, j, n, at, part):
        """Put a part into slab j of n slices; write the slab when it is complete. What is not written reads as 0."""
        if part.data is not None or np.asarray(part.fill, self.head.dtype).tobytes().strip(b"\0"):
            if self._slab is None:
                if self._room is None:
                    self._room = np.empty((self.depth, *self.head.slice_shape), self.head.dtype)
                self._slab = self._room[:n]
                self._slab[...] = 0
            self._slab[at : at + part.n] = part.array(self.head)
        self._there += part.n
        if self._there == n:
            slab, self._slab, self._there = self._slab, None, 0
            if slab is not None:
                self._put(j, slab)

    def finish(self):
        """Say that all slices were written. SweepError where some are missing."""
        if self._seen != self.head.slices:
            raise SweepError(f"{self._seen} of {self.head.slices} slices came")
        self._room = self._tile = None                           # not of the pool, which would keep it

    def _put(self, j, slab):
        """Write the tiles of slab j."""
        view = slab.transpose(self.axis, 0, self.rest, *range(3, slab.ndim))
        if self._tile is None:
            self._tile = np.empty(self.rows * self.depth * self.head.shape[self.rest] * self.voxel, np.uint8)
        for r in range(0, len(view), self.rows):
            part = view[r : r + self.rows]
            tile = self._tile[: part.nbytes].view(part.dtype).reshape(part.shape)
            turn.copy(tile, part)
            self._write(tile, r * self.plane + len(part) * self._before(j))

    def _before(self, j):
        """Bytes of the slabs before slab j, in one slice along the new axis."""
        return j * self.depth * self.head.shape[self.rest] * self.voxel

    def _write(self, tile, at):
        rest = memoryview(tile.reshape(-1).view("u1"))
        self.bytes += len(rest)
        with full(self._file.directory):
            while len(rest):
                n = os.pwrite(self._file.fd, rest[: 1 << 30], at)
                rest, at = rest[n:], at + n

    def blocks(self, direction="up"):
        """The blocks of one sweep, up or down."""
        n = self.out.slices
        if 0 in self.out.shape:
            nothing = np.empty((n, *self.out.slice_shape), self.out.dtype)
            yield from pieces(Block(0, n, nothing), max(1, self.out.depth), direction)
            return
        starts = range(0, n, self.rows)
        room = np.empty(self.rows * self.plane, np.uint8)
        for r in starts if direction == "up" else reversed(starts):
            count = min(self.rows, n - r)
            raw = room[: count * self.plane]
            self._read(raw, r * self.plane)
            parts = range(0, count, self.out.depth)
            for a in parts if direction == "up" else reversed(parts):
                b = min(count, a + self.out.depth)
                block = Block(r + a, b - a, self._block(raw, count, a, b))
                yield block
                del block

    def _block(self, raw, count, a, b):
        """Slices a to b of a row of `count`."""
        dst = self.pool.array((b - a, *self.out.slice_shape), self.out.dtype, self.out.depth)
        across = dst if self.order[1] == 0 else dst.swapaxes(1, 2)
        voxels = raw.view(self.head.dtype)
        width = self.head.shape[self.rest]
        for z in range(0, self.head.slices, self.depth):
            m = min(self.depth, self.head.slices - z)
            size = width * m * max(1, len(self.head.components))
            at = z * width * max(1, len(self.head.components)) * count
            tile = voxels[at : at + count * size].reshape(count, m, width, *self.comps)[a:b]
            if across is dst:
                np.copyto(dst[:, z : z + m], tile)
            else:
                turn.copy(dst[:, :, z : z + m], tile.swapaxes(1, 2))
        return dst

    def _read(self, raw, at):
        into = memoryview(raw)
        while len(into):
            n = os.preadv(self._file.fd, [into[: 1 << 30]], at)
            if n == 0:
                raise SweepError(f"the temporary file in {self._file.directory} is cut off at byte {at}")
            into, at = into[n:], at + n

    def close(self):
        """Give the disk's space back."""
        self._file.close()
