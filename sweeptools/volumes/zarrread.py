"""Boxes of a Zarr array, each chunk and each shard opened once; what a codec pipeline holds meanwhile."""

import os
import warnings
from itertools import product
from math import prod

import numpy as np

LARGE = 8 << 20          # bytes of a shard of which only few are coded at once
OWN = 4 << 20            # bytes of a codec pipeline's own


def at_once(size, count, threads):
    """How many of so many files of `size` bytes of voxels are coded at once: zarrs takes few large shards, and gives
    them several threads each."""
    return max(1, min(threads, count, 4 if size >= LARGE else threads))


def _padded(array):
    """The same array as if its shape were a multiple of its shards; never to be written."""
    import zarr

    shape = tuple(-(-n // s) * s for n, s in zip(array.shape, array.shards))
    return zarr.Array(zarr.AsyncArray(array.metadata.update_shape(shape), array.store_path))


class Reader:
    """Boxes of an array; `keep` are its axes that are (components,) z, y, x, `at` the index along each other one."""

    def __init__(self, array, keep, at, comps, path, chunks, shards, whole_shards):
        self.array, self.keep, self.at, self.comps = array, keep, at, comps
        self.path, self.grid, self.shards, self.files = path, chunks, shards, shards or chunks
        self.plain = not comps and keep == sorted(keep)      # else voxels are decoded beside the box and put in order
        self.packed = bool(array.compressors or array.filters)
        self.fill = array.dtype.type(0) if array.fill_value is None else array.fill_value
        self.folder = self._folder()
        self.whole = tuple(array.shape[i] for i in keep[-3:])
        self.padded = _padded(array) if whole_shards and not comps else None

    def read(self, dst, box):
        """Fill dst with a box. Where it takes whole shards they are read whole: zarrs opens a shard of which it wants
        a part, and be it all that lies in the volume, once for each chunk."""
        if self.padded is None or not self._at_border(box):
            return self._read(self.array, dst, box)
        first = [range(a - a % s, b, s) for (a, b), s in zip(box, self.files)]
        whole = np.empty(self.files, dst.dtype)
        for corner in product(*first):
            part = tuple((max(a, c), min(b, c + s)) for (a, b), c, s in zip(box, corner, self.files))
            inside = tuple((c, min(n, c + s)) for c, s, n in zip(corner, self.files, self.whole))
            into = tuple(slice(p - a, q - a) for (p, q), (a, _) in zip(part, box))
            if part == inside:
                self._read(self.padded, whole, tuple((c, c + s) for c, s in zip(corner, self.files)))
                dst[into] = whole[tuple(slice(0, q - p) for p, q in part)]
            else:
                some = np.empty([q - p for p, q in part], dst.dtype)
                self._read(self.array, some, part)
                dst[into] = some

    def _at_border(self, box):
        return any(b % s and b == n for (_, b), s, n in zip(box, self.files, self.whole))

    def _read(self, array, dst, box):
        import zarr

        ask = {**{i: slice(k, k + 1) for i, k in self.at.items()}}
        ask |= {i: slice(*span) for i, span in zip(self.keep[-3:], box)}
        if self.comps:
            ask[self.keep[0]] = slice(0, len(self.comps))
        shape = tuple(ask[i].stop - ask[i].start for i in range(self.array.ndim))
        native = self.array.dtype.newbyteorder("=")
        out = dst.view(native).reshape(shape) if self.plain else np.empty(shape, native)
        buffer = zarr.core.buffer.cpu.NDBuffer.from_numpy_array(out)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array.get_basic_selection(tuple(ask[i] for i in range(self.array.ndim)), out=buffer)
        if not self.plain:
            order = [*self.keep[-3:], *self.keep[:-3]]
            rest = [i for i in range(self.array.ndim) if i not in order]
            np.copyto(dst, out.transpose(*order, *rest).reshape(dst.shape))

    def held(self, box, threads):
        """Bytes that decoding a box holds: the packed bytes of files that are read whole and the chunks that come out
        of them, also a copy of files that the border cuts; of parts of shards, and of chunks, the packed bytes and the
        voxels. Chunks of which a part is wanted zarrs keeps until all are there, where they are packed."""
        voxel = self.array.dtype.itemsize * max(1, len(self.comps))
        file, chunk = (prod(sizes) * voxel for sizes in (self.files, self.grid))
        turned = 0 if self.plain else prod(b - a for a, b in box) * voxel
        inside = all(a % s == 0 and (b % s == 0 or b == n) for (a, b), s, n in zip(box, self.files, self.whole))
        if self.shards is None:
            return (2 * threads + (self.cut(box) if self.packed else 0)) * chunk + turned + OWN
        if self.padded is None or not inside:
            return 2 * threads * chunk + turned + OWN
        if self._at_border(box):
            return 2 * file + threads * chunk + turned + OWN
        atonce = at_once(file, prod((b - a) // s for (a, b), s in zip(box, self.files)), threads)
        return atonce * file + threads * chunk + turned + OWN

    def chunks(self, box):
        """How many stored chunks a box touches: those within shards are counted each."""
        count = 1
        for (a, b), size in zip(box, self.grid):
            count *= (b - 1) // size - a // size + 1 if b > a else 0
        return count

    def cut(self, box):
        """How many chunks a box, or the border, cuts."""
        whole = prod(max(0, b // size - -(-a // size)) for (a, b), size in zip(box, self.grid))
        return self.chunks(box) - whole

    def empty(self, box):
        """The fill value where no chunk of a row of files is stored: then their directory is not there."""
        if self.folder is None:
            return None
        a, b = box[0]
        rows = range(a // self.files[0], (b - 1) // self.files[0] + 1)
        return None if any(os.path.isdir(self.folder / str(k)) for k in rows) else self.fill

    def _folder(self):
        """The directory that has one directory for each row of files along z; None where files are named otherwise."""
        z = self.keep[-3]
        if z != len(self.at) or self.comps:
            return None
        meta = self.array.metadata
        if self.array.metadata.zarr_format == 2:
            if meta.dimension_separator != "/" or self.array.ndim < 2:
                return None
            begin = self.path
        else:
            encoding = meta.chunk_key_encoding
            if encoding.name != "default" or encoding.separator != "/":
                return None
            begin = self.path / "c"
        outer = self.array.shards or self.array.chunks
        return begin.joinpath(*(str(self.at[i] // outer[i]) for i in range(z)))
