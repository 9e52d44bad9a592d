"""What formats share that are a header and then all voxels, x fastest: NIfTI, NRRD, MetaImage, MRC, raw."""

import os
import threading
import zlib
from math import prod

import numpy as np

from ..errors import Corrupt, Refused, UsageError
from ..params import METRES, convert
from . import npy
from .metadata import FACTS, packed
from .npy import COLUMN, Raw, grains
from .slabs import BLOCK, Stored

READ = 1 << 20           # bytes of a packed file that are read at once
WHY = "its rows lie along x; copy it to .zarr first"
WHY_PACKED = "it is packed as one stream, which is read from its beginning; copy it to .zarr first"


def stored(path, head, offset, dtype, *, name=None, file=None, deflated=False, skip=0, values=None, said=(), tail=False):
    """A Stored of a head's voxels, which lie in `file` (else in `path`) from `offset` on as numbers of `dtype`.

    deflated: they are packed, gzip or zlib, from `offset` on, and begin `skip` bytes into what comes out. values: from
    stored numbers to the head's. tail: that more follows is in order. Corrupt where the file is too short.
    """
    name, file = name or str(path), file or path
    shape = (*head.whole, *((len(head.components),) if head.components else ()))
    dtype = np.dtype(dtype)
    if not os.path.isfile(file):
        raise Corrupt(f"{name}: its voxels are in {file}, which does not exist")
    if deflated:
        raw = Deflated(file, offset, skip, dtype, shape)
        grain, why = (grains(head, (BLOCK, 0, 0))[0], 0, 0), WHY_PACKED
        held = lambda box: 2 * READ + 8 * READ + (_plane(shape) * dtype.itemsize)  # noqa: E731
    else:
        need, has = offset + skip + prod(shape) * dtype.itemsize, os.path.getsize(file)
        if has < need:
            raise Corrupt(f"{name} is cut off: {file} has {has} bytes, {need} are needed")
        raw = Raw(file, offset + skip, dtype, shape)
        grain, why, held = grains(head, (BLOCK, COLUMN, 0)), WHY, lambda box: 0
    read = raw.read
    if values is not None or dtype.newbyteorder("=") != head.dtype:
        converted = Converted(raw.read, dtype.newbyteorder("="), values)
        read, plain = converted.read, held
        voxel = 2 * max(dtype.itemsize, head.dtype.itemsize) * max(1, len(head.components))
        held = lambda box: plain(box) + prod(b - a for a, b in box) * voxel  # noqa: E731
    return Stored(head, read, grain, name, close=raw.close, why=why, held=held, ordered=deflated, said=tuple(said))


def _plane(shape):
    return prod(shape[1:])


class Converted:
    """Stored numbers of one type as voxels of another."""

    def __init__(self, read, dtype, values):
        self.inner, self.dtype, self.values = read, dtype, values

    def read(self, dst, box):
        """Fill dst with a box."""
        some = np.empty(dst.shape, self.dtype)
        self.inner(some, box)
        np.copyto(dst, some if self.values is None else self.values(some), casting="unsafe")


class Deflated:
    """Voxels in a gzip or zlib stream, in their order; a box before the last one begins the stream anew."""

    def __init__(self, path, offset, skip, dtype, shape):
        self.path, self.offset, self.skip, self.dtype, self.shape = path, offset, skip, np.dtype(dtype), shape
        self.file, self.lock = open(path, "rb"), threading.Lock()
        self._begin()

    def _begin(self):
        self.file.seek(self.offset)
        self.inflate, self.at, self.rest, self.waiting = zlib.decompressobj(47), 0, b"", b""

    def read(self, dst, box):
        """Fill dst with the voxels of a box, of which slices z rise from call to call."""
        raw = dst.view(self.dtype)
        (z0, z1), (y0, y1), (x0, x1) = box
        _, ny, nx = self.shape[:3]
        size = _plane(self.shape) * self.dtype.itemsize
        whole = (y0, y1, x0, x1) == (0, ny, 0, nx)
        plane = None if whole else np.empty(self.shape[1:], self.dtype)
        with self.lock:
            for z in range(z0, z1):
                start = self.skip + z * size
                if start < self.at:
                    self._begin()
                self.fill(None, start - self.at)
                self.fill(memoryview((raw[z - z0] if whole else plane).reshape(-1).view("u1")), size)
                if not whole:
                    raw[z - z0] = plane[y0:y1, x0:x1]
        if not self.dtype.isnative:
            raw.byteswap(inplace=True)

    def fill(self, into, size):
        """The next bytes, into memory or (None) past them."""
        done = 0
        while done < size:
            part = self.waiting[: size - done] if self.waiting else self._more(min(READ * 4, size - done))
            self.waiting = self.waiting[len(part) :] if self.waiting else b""
            if into is not None:
                into[done : done + len(part)] = part
            done += len(part)
        self.at += size

    def _more(self, most):
        """Some bytes, at most so many; a stream may have several members."""
        while True:
            if self.inflate.eof:
                self.rest, self.inflate = self.inflate.unused_data or self.rest, zlib.decompressobj(47)
            data = self.inflate.unconsumed_tail or self.rest or self.file.read(READ)
            self.rest = b""
            if not data:
                raise Corrupt(f"{self.path} is cut off: its packed voxels end at byte {self.at}")
            try:
                part = self.inflate.decompress(data, most)
            except zlib.error as error:
                raise Corrupt(f"{self.path} is damaged: {error}") from None
            if part:
                return part

    def close(self):
        """Let the file go."""
        self.file.close()


class Writer(npy.Writer):
    """A header, which a format makes, and then the voxels; `own` are the bytes in it that hold what is ours."""

    keeps = FACTS
    axes = (0, 1)
    history = True

    def begin(self, path, head, lead, own=(0, 0), dtype=None):
        """Make the file: `lead` comes before the voxels, bytes own[0] to own[0] + own[1] of it are ours."""
        self.name, self.head, self.own = str(path), head.but(dtype=dtype or head.dtype), own
        self.grain = grains(head, (BLOCK, COLUMN, 0))
        self.stats = {"chunks": 0, "files": 1}
        self.shape = tuple(head.whole) + ((len(head.components),) if head.components else ())
        self.file = open(path, "xb", buffering=0)
        self.file.write(lead)
        self.offset = len(lead)
        self.file.truncate(self.offset + prod(self.shape) * self.head.dtype.itemsize)

    def finish(self, facts):
        """Write what is known of the volume, and close the file."""
        start, size = self.own
        if size:
            os.pwrite(self.file.fileno(), packed(self.head, size, facts.get("history")), start)
        self.file.close()


def lengths(head, units):
    """(spacing, unit, origin) of a head in the first of the format's `units` that is not finer than the head's; a spacing
    that is not known is None. (None, None, origin) where there is none at all."""
    if head.spacing is None or head.unit is None:
        return head.spacing, None, head.origin
    unit = head.unit if head.unit in units else min(units, key=lambda u: abs(np.log10(METRES[u] / METRES[head.unit])))
    to = lambda v: None if v is None else convert(v, head.unit, unit)  # noqa: E731
    return tuple(map(to, head.spacing)), unit, tuple(map(to, head.origin))


def code_of(name, head, codes, what):
    """The format's code of a head's type; Refused where it has none."""
    if head.dtype.name not in codes:
        known = ", ".join(codes)
        raise Refused(f"{name}: {what} has no {head.dtype.name}, only {known}; change the type with sweep-cast")
    return codes[head.dtype.name]


def one_file(name, two, one):
    """UsageError where a name asks for a header alone: two files cannot be put in place at once."""
    if name.lower().endswith(two):
        raise UsageError(f"{name}: a {two} has its voxels in a second file; write {one}")


def no_voxels(name, head, what):
    """Refused where a format has no word for a volume without voxels."""
    if 0 in head.whole:
        shape = " x ".join(map(str, head.whole))
        raise Refused(f"{name}: {what} cannot hold a volume of {shape} voxels; use .zarr or .npy")


