"""NumPy's .npy files: read and written slice by slice, without a map of the file where its order allows."""

import os

import numpy as np

from ..errors import Corrupt, SweepError, UsageError
from ..spec import Head
from .slabs import BLOCK, Stored

COLUMN = 32 << 20        # bytes of a slab that is read along y: one read per slice z


def stored(path):
    """The volume in a .npy file: three axes, or four with components last."""
    name = str(path)
    with open(path, "rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            if version not in ((1, 0), (2, 0)):
                raise UsageError(f"{name}: .npy version {version} cannot be read, must be 1.0 or 2.0")
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file)
        except ValueError as error:
            raise Corrupt(f"{name}: its header is damaged: {str(error).splitlines()[0]}") from None
        offset, size = file.tell(), os.fstat(file.fileno()).st_size
    facts = voxels(name, shape, dtype)
    need = offset + int(np.prod(shape, dtype=object)) * dtype.itemsize
    if size < need:
        raise Corrupt(f"{name} is cut off: it has {size} bytes, {need} are needed")
    head = Head(shape[:3], **facts)
    if fortran:
        mapped = Mapped(path, dtype, shape, offset)
        return Stored(head, mapped.read, grains(head, (COLUMN, COLUMN, BLOCK)), name)
    raw = Raw(path, offset, dtype, shape)
    return Stored(head, raw.read, grains(head, (BLOCK, COLUMN, 0)), name, close=raw.close)


def voxels(name, shape, dtype):
    """What a head says of voxels of a stored type: dtype, role, components. UsageError where they are none of ours."""
    if len(shape) == 4 and 1 <= shape[3] <= 16:
        facts = {"components": component_names(shape[3])}
    elif len(shape) == 3:
        facts = {}
    else:
        count = {0: "no dimension", 1: "one dimension", 2: "two dimensions"}.get(len(shape), f"{len(shape)} dimensions")
        raise UsageError(f"{name} has {count} ({' x '.join(map(str, shape))}), a volume has three: z, y, x")
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return {**facts, "dtype": np.dtype("u1"), "role": "mask"}
    if dtype.kind not in "uif" or dtype.itemsize > 8 or dtype == np.float16:
        raise UsageError(f"{name} holds {dtype.name}, must be an integer of 8 to 64 bits, float32 or float64")
    return {**facts, "dtype": dtype.newbyteorder("=")}


def component_names(n):
    """Red, green, blue (and alpha) where it may be a colour, else numbers."""
    return {3: ("r", "g", "b"), 4: ("r", "g", "b", "a")}.get(n, tuple(str(i) for i in range(n)))


def grains(head, sizes):
    """Slices along each axis that make about so many bytes; 0 for none."""
    voxel = head.dtype.itemsize * max(1, len(head.components))
    all_of_it = int(np.prod(head.whole, dtype=object)) * voxel
    return tuple(
        0 if not size else max(1, min(n, size * n // all_of_it)) if all_of_it else 1
        for n, size in zip(head.whole, sizes)
    )


class Raw:
    """Voxels that lie in a file one after the other, in C order, from `offset` on."""

    def __init__(self, path, offset, dtype, shape):
        self.path, self.offset, self.dtype, self.shape = path, offset, np.dtype(dtype), tuple(shape)
        self.fd = os.open(path, os.O_RDONLY)

    def read(self, dst, box):
        """Fill dst with the voxels of a box, in as few reads as their order allows."""
        raw = dst.view("u1") if self.dtype.kind == "b" else dst.view(self.dtype)
        (z0, z1), (y0, y1), (x0, x1) = box
        _, ny, nx = self.shape[:3]
        row = int(np.prod(self.shape[2:])) * self.dtype.itemsize
        if (x0, x1) != (0, nx):
            lines = np.empty((y1 - y0, *self.shape[2:]), raw.dtype)
            for z in range(z0, z1):
                self._fill(lines, (z * ny + y0) * row)
                raw[z - z0] = lines[:, x0:x1]
        elif (y0, y1) != (0, ny):
            for z in range(z0, z1):
                self._fill(raw[z - z0], (z * ny + y0) * row)
        else:
            self._fill(raw, z0 * ny * row)
        if self.dtype.kind == "b":
            np.not_equal(raw, 0, out=raw.view(bool))
        elif not self.dtype.isnative:
            raw.byteswap(inplace=True)

    def _fill(self, dst, at):
        into = memoryview(dst.reshape(-1).view("u1"))
        at += self.offset
        while len(into):
            n = os.preadv(self.fd, [into[: 1 << 30]], at)
            if n == 0:
                raise Corrupt(f"{self.path} is cut off at byte {at}")
            into, at = into[n:], at + n

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Mapped:
    """Voxels in Fortran's order, through a map of the file: what is touched twice comes from the page cache."""

    def __init__(self, path, dtype, shape, offset):
        self.array = np.memmap(path, dtype, "r", offset, shape, "F") if 0 not in shape else np.empty(shape, dtype)

    def read(self, dst, box):
        np.copyto(dst, self.array[tuple(slice(a, b) for a, b in box)], casting="unsafe")


class Writer:
    """Writes a .npy file of a head's voxels, slabs of z in any order."""

    axes = (0, 1)        # of the volume that slabs may be cut along
    skips = False        # whether a slab that is all 0 need not be written
    keeps = ()           # of a head, beside shape and type

    def __init__(self, path, head):
        self.name = str(path)
        self.head = head
        self.grain = grains(head, (BLOCK, COLUMN, 0))
        self.stats = {"chunks": 0, "files": 1}
        shape = tuple(head.whole) + ((len(head.components),) if head.components else ())
        facts = {"descr": np.lib.format.dtype_to_descr(head.dtype), "fortran_order": False, "shape": shape}
        self.file = open(path, "xb", buffering=0)
        np.lib.format.write_array_header_1_0(self.file, facts)
        self.offset = self.file.tell()
        self.file.truncate(self.offset + int(np.prod(shape, dtype=object)) * head.dtype.itemsize)
        self.shape = shape

    def write(self, data, box):
        """Write the voxels of a box, which spans all of x and, but for slabs of y, all of y."""
        (z0, z1), (y0, y1), (x0, x1) = box
        _, ny, nx = self.shape[:3]
        row = int(np.prod(self.shape[2:])) * self.head.dtype.itemsize
        if (y0, y1) == (0, ny):
            return self._put(data, z0 * ny * row)
        for z in range(z0, z1):
            self._put(data[z - z0], (z * ny + y0) * row)

    def _put(self, data, at):
        if not data.size:
            return
        rest, at = memoryview(np.ascontiguousarray(data).reshape(-1).view("u1")), at + self.offset
        while len(rest):
            n = os.pwrite(self.file.fileno(), rest[: 1 << 30], at)
            if n == 0:
                raise SweepError(f"{self.name}: nothing more can be written at byte {at}")
            rest, at = rest[n:], at + n

    def finish(self, facts):
        self.file.close()

    def abort(self):
        self.file.close()
