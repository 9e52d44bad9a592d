"""HDF5 written by chunk rows: chunks are packed by several threads and put into the file as they are, in their order."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from math import prod

import numpy as np

from ..errors import Refused, UsageError
from ..flow import mapped
from ..memory import THREAD
from ..params import convert
from .formats import library
from .hdf5chunks import BITSHUFFLE, ZSTD, deflate
from .metadata import OWN, facts

CHUNKS = (64, 64, 64)
OWN_BYTES = 2 << 20      # that HDF5 holds of its own
PLACE = "data"           # of the volume in its file, where none is given


def codec_of(text, role):
    """(name, level) of a word such as `gzip:4`. The default is gzip, which every HDF5 has."""
    name, colon, level = (text or "gzip").partition(":")
    top = {"gzip": 9, "zstd": 22}.get(name)
    if name not in ("gzip", "zstd", "lz4", "none") or (colon and (top is None or not level.isdecimal()
                                                                  or not 0 <= int(level) <= top)):  # fmt: skip
        raise UsageError(f"codec is {text!r}, must be gzip or zstd, with a level as in gzip:4, lz4, or none")
    return name, int(level) if colon else 1


def shuffle(data, n):
    """The first bytes of all numbers, then the second ones: they pack better."""
    flat = np.ascontiguousarray(data).reshape(-1).view("u1")
    return flat if n == 1 else np.ascontiguousarray(flat.reshape(-1, n).T).reshape(-1)


class Writer:
    """A new file with one dataset; boxes are whole rows of chunks. Chunks that are 0 everywhere are not stored."""

    axes = (0, 1, 2)
    why = ""
    skips = True

    def __init__(self, path, head, axis=0, chunks=None, codec=None, inside="", threads=1, history=True):
        h5py = library("h5py", "hdf5", f"{path.name}: HDF5")
        self.head, self.place, self.history = head, inside.strip("/") or PLACE, history
        self.codec, level = codec_of(codec, head.role)
        self.chunks = tuple(max(1, min(c, n)) for c, n in zip(chunks or CHUNKS, head.whole))
        self.grain = self.chunks
        self.stats = {"chunks": 0, "files": 1}
        comps = (len(head.components),) if head.components else ()
        self.grid = (*self.chunks, *comps)
        self.file = h5py.File(path, "x", locking="best-effort", rdcc_nbytes=0)       # chunks come whole, none comes twice
        try:
            self.data = self.file.create_dataset(
                self.place, (*head.whole, *comps), head.dtype, chunks=self.grid if 0 not in head.whole else None,
                track_times=False, **(self._filters(level) if 0 not in head.whole else {}),
            )  # fmt: skip
        except (ValueError, TypeError, RuntimeError) as error:
            self.file.close()
            raise Refused(f"{path.name}: HDF5 cannot hold this: {error}") from None
        self.pool = ThreadPoolExecutor(threads, "hdf5")
        self.threads, self.level = threads, level
        self.bytes = prod(self.grid) * head.dtype.itemsize
        # of a chunk its voxels one after the other, shuffled and packed; packed ones wait for their turn
        each, waiting = 2 * self.bytes + self._workspace() + THREAD, 2 * threads + 1
        self.held = (3 * self.bytes if self.codec == "lz4" else threads * each + waiting * self.bytes) + OWN_BYTES

    def _filters(self, level):
        if self.codec in ("zstd", "lz4"):
            library("hdf5plugin", "hdf5", f"codec {self.codec} of HDF5")
        return {
            "none": {}, "gzip": {"compression": "gzip", "compression_opts": level, "shuffle": True},
            "zstd": {"compression": ZSTD, "compression_opts": (level,), "shuffle": True},
            "lz4": {"compression": BITSHUFFLE, "compression_opts": (0, 2)},
        }[self.codec]  # fmt: skip

    def _workspace(self):
        """Bytes that a packer takes for itself, where that is much."""
        if self.codec != "zstd":
            return 0
        import zstandard

        facts = zstandard.ZstdCompressionParameters.from_level(self.level, source_size=self.bytes)
        return facts.estimated_compression_context_size()

    def write(self, data, box):
        """Write voxels [z, y, x(, c)] of a box of whole rows of chunks."""
        if data is None or not data.size:
            return
        if self.codec == "lz4":                      # bit shuffle is hdf5plugin's, one chunk at a time
            self.data[tuple(slice(a, b) for a, b in box)] = data
            self.stats["chunks"] += prod(-(-(b - a) // c) for (a, b), c in zip(box, self.chunks))
            return
        corners = list(product(*(range(a, b, c) for (a, b), c in zip(box, self.chunks))))
        every = mapped(self.pool, partial(self._pack, data, box), corners, 2 * self.threads)
        for corner, packed in zip(corners, every):
            if packed is not None:
                self.data.id.write_direct_chunk((*corner, 0) if self.head.components else corner, packed)
                self.stats["chunks"] += 1

    def _pack(self, data, box, corner):
        part = data[tuple(slice(c - a, c - a + n) for c, n, (a, _) in zip(corner, self.chunks, box))]
        if not np.ascontiguousarray(part).view("u1").any():
            return None
        if part.shape != self.grid:                  # at the border a chunk is filled up
            whole = np.zeros(self.grid, data.dtype)
            whole[tuple(slice(n) for n in part.shape)] = part
            part = whole
        if self.codec == "none":
            return np.ascontiguousarray(part).tobytes()
        mixed = shuffle(part, data.dtype.itemsize)
        if self.codec == "gzip":
            return deflate(mixed, self.level)
        import zstandard

        return zstandard.ZstdCompressor(self.level).compress(mixed)

    def finish(self, said):
        """Write what is known of the volume, as attributes of the dataset, and close the file."""
        import json

        head = self.head
        own = facts(head, False) | ({"history": said["history"]} if said.get("history") else {})
        if own:
            self.data.attrs[OWN] = json.dumps(own, separators=(",", ":"), default=float)
        if head.spacing and head.unit and None not in head.spacing:
            self.data.attrs["element_size_um"] = [convert(s, head.unit, "micrometer") for s in head.spacing]
        for dim, name in zip(self.data.dims, (*head.axes, "c")):
            dim.label = name
        self.pool.shutdown()
        self.file.close()

    def abort(self):
        """Close what is open."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.file.close()

    @staticmethod
    def alone(path, inside):
        """Whether an existing file holds the one dataset that is to be replaced, and nothing else."""
        h5py = library("h5py", "hdf5", f"{path}: HDF5")
        names = []
        with h5py.File(path, "r", locking="best-effort") as file:
            file.visit_links(names.append)
            place = inside.strip("/") or PLACE
            parts = place.split("/")
            return place in names and set(names) <= {"/".join(parts[: i + 1]) for i in range(len(parts))}
