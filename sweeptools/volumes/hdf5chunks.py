"""Raw chunks of an HDF5 dataset, read and decoded by several threads; h5py decodes one at a time.

Filters that are known here: deflate, byte shuffle, LZ4 (32004), bit shuffle with LZ4 or zstd (32008), Blosc (32001) and
zstd (32015), by the layouts of https://github.com/HDFGroup/hdf5_plugins. Any other pipeline is h5py's.
"""

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import product
from math import prod

import numpy as np

from ..errors import Corrupt
from ..memory import THREAD

DEFLATE, SHUFFLE, LZ4, BITSHUFFLE, BLOSC, ZSTD = 1, 2, 32004, 32008, 32001, 32015


def filters(dataset):
    """[(code, values, name)] of a dataset's filters, in the order in which they were applied."""
    made = dataset.id.get_create_plist()
    every = [made.get_filter(i) for i in range(made.get_nfilters())]
    return [(code, values, name) for code, _, values, name in every]


def decoders(pipeline, itemsize):
    """[function (bytes, size of the chunk) -> bytes] in the order of `pipeline`; None where a filter is not known."""
    made = []
    for code, values, _ in pipeline:
        if code == DEFLATE:
            made.append(_inflate())
        elif code == SHUFFLE:
            made.append(lambda data, size, n=values[0] if values else itemsize: unshuffle(data, n))
        elif code == LZ4:
            made.append(_unlz4)
        elif code == ZSTD:
            made.append(_unzstd)
        elif code == BLOSC:
            made.append(_unblosc)
        elif code == BITSHUFFLE and len(values) >= 4 and find_spec("imagecodecs"):
            n, block, packed = (*values, 0)[2:5]
            made.append(lambda data, size, n=n, block=block, packed=packed: _unbits(data, n, block, packed))
        else:
            return None
    return made


def _libdeflate():
    """imagecodecs where it has libdeflate, which is twice as fast as zlib; else None."""
    if not find_spec("imagecodecs"):
        return None
    import imagecodecs

    return imagecodecs if imagecodecs.DEFLATE.available else None


def _inflate():
    fast = _libdeflate()
    if fast:
        return lambda data, size: fast.deflate_decode(data, raw=False, out=bytearray(size))
    return lambda data, size: zlib.decompress(data, bufsize=size)


def deflate(data, level):
    """Bytes packed as the filter deflate has them."""
    fast = _libdeflate()
    return fast.deflate_encode(data, level=level, raw=False) if fast else zlib.compress(data, level)


def unshuffle(data, n):
    """Bytes that were put together by their place in a number, as numbers again."""
    flat = np.frombuffer(data, "u1")
    count = flat.size // n
    out = np.empty(flat.size, "u1")
    np.copyto(out[: count * n].reshape(count, n), flat[: count * n].reshape(n, count).T)
    out[count * n :] = flat[count * n :]
    return out


def _unlz4(data, size):
    """Blocks of LZ4: sizes of all and of a block, then for each block its packed size; as it is where that is not less."""
    total, block = struct.unpack_from(">QI", data)
    return b"".join(_blocks(data, 12, total, block))


def _blocks(data, at, total, block):
    import lz4.block

    view, left = memoryview(data), total
    while left:
        want = min(block, left)
        (n,) = struct.unpack_from(">I", data, at)
        part = view[at + 4 : at + 4 + n]
        if len(part) != n:
            raise ValueError("an LZ4 block is cut off")
        yield part if n == want else lz4.block.decompress(part, uncompressed_size=want)
        at, left = at + 4 + n, left - want


def _unzstd(data, size):
    import zstandard

    return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)


def _unblosc(data, size):
    from numcodecs import blosc

    return blosc.decompress(data)


def _unbits(data, n, block, packed):
    """Bit shuffle in blocks of `block` numbers; with LZ4 or zstd each block is packed by itself, and what is left of
    less than eight numbers stands at the end as it is."""
    import imagecodecs

    if not packed:
        return imagecodecs.bitshuffle_decode(data, itemsize=n, blocksize=block)
    total, step = struct.unpack_from(">QI", data)
    at, view, parts, left = 12, memoryview(data), [], total - total % (8 * n)
    while left:
        want = min(step, left - left % (8 * n))
        (length,) = struct.unpack_from(">I", data, at)
        part = view[at + 4 : at + 4 + length]
        parts.append(_unzstd(part, want) if packed == 3 else _unpack(part, want))
        at, left = at + 4 + length, left - want
    parts.append(view[at : at + total % (8 * n)])
    return imagecodecs.bitshuffle_decode(b"".join(parts), itemsize=n, blocksize=step // n)


def _unpack(part, want):
    import lz4.block

    return lz4.block.decompress(part, uncompressed_size=want)


class Chunks:
    """Boxes of a chunked dataset: every chunk that a box touches is read and decoded once, by one of `threads`."""

    def __init__(self, dataset, view, dtype, decode, threads, name):
        self.dataset, self.view, self.dtype, self.decode, self.name = dataset, view, dtype, decode, name
        self.grid, self.fill = dataset.chunks, dataset.fillvalue
        self.bytes = prod(self.grid) * dtype.itemsize
        self.threads, self.pool = threads, ThreadPoolExecutor(threads, "hdf5")
        file = dataset.file
        import h5py

        plain = file.id.get_access_plist().get_driver() == h5py.h5fd.SEC2 and not file.userblock_size
        self.fd = os.open(file.filename, os.O_RDONLY | os.O_CLOEXEC) if plain else -1

    def corners(self, window):
        """The first voxel of every chunk that a window touches."""
        return product(*(range(a - a % c, b, c) for (a, b), c in zip(window, self.grid)))

    def place(self, corner):
        """Where a chunk is stored; None where it is not."""
        info = self.dataset.id.get_chunk_info_by_coord(corner)
        return info if info.byte_offset is not None else None

    def read(self, dst, box):
        """Fill dst with a box."""
        window = self.view.window(box)
        out = self.view.back(dst) if self.view.plain else np.empty([b - a for a, b in window], dst.dtype)
        places = [(corner, self.place(corner)) for corner in self.corners(window)]
        for job in [self.pool.submit(self._one, out, window, corner, place) for corner, place in places]:
            job.result()
        if not self.view.plain:
            np.copyto(dst, self.view.turned(out))

    def _one(self, out, window, corner, place):
        spans = [(max(a, c), min(b, c + n)) for (a, b), c, n in zip(window, corner, self.grid)]
        into = tuple(slice(p - a, q - a) for (p, q), (a, _) in zip(spans, window))
        if place is None:
            out[into] = self.fill
            return
        chunk = self._chunk(corner, place).reshape(self.grid)
        out[into] = chunk[tuple(slice(p - c, q - c) for (p, q), c in zip(spans, corner))]

    def _chunk(self, corner, place):
        if self.fd >= 0:
            data, mask = os.pread(self.fd, place.size, place.byte_offset), place.filter_mask
        else:
            mask, data = self.dataset.id.read_direct_chunk(corner)
        try:
            for i in reversed(range(len(self.decode))):
                if not mask >> i & 1:
                    data = self.decode[i](data, self.bytes)
            return np.frombuffer(data, self.dtype, prod(self.grid))
        except Exception as error:                   # every codec has exceptions of its own
            spelt = ",".join(map(str, corner))
            raise Corrupt(f"{self.name}: chunk at {spelt} cannot be decoded: {type(error).__name__}: {error}") from error

    def empty(self, box):
        """The fill value where no chunk of a box is stored, else None."""
        if any(self.place(corner) for corner in self.corners(self.view.window(box))):
            return None
        return self.fill

    def held(self, box):
        """Bytes that decoding holds: of a chunk its packed bytes, and the voxels before and after a filter."""
        return self.threads * (3 * self.bytes + THREAD)

    def close(self):
        """Let the file and the threads go."""
        self.pool.shutdown()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
