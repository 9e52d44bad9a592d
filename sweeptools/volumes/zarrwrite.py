"""Zarr written by chunk rows: every chunk once, the same bytes in every run, the root's metadata last."""

import json
import os
from math import ceil, prod
from pathlib import Path

from ..errors import UsageError
from . import ome
from .pyramid import Level, factors, halved, method_of
from .zarrarray import Array
from .zarrpass import passing
from .zarrread import OWN

CHUNKS = (64, 64, 64)
SHARD = 32 << 20         # bytes a shard is to have at least; twice that at most
KEPT = 2 << 20           # bytes of small pieces that the allocator keeps of each array that is written by turns
CODECS = ("lz4", "zstd", "gzip", "none")


def layout(head, axis, chunks=None, shards=None, zarr_format=3):
    """(chunks, shards or None) along z, y, x for a volume that is written along `axis`.

    shards: None for the default, "none", or (z, y, x).
    """
    chunks = tuple(max(1, min(c, n)) for c, n in zip(chunks or CHUNKS, head.whole))
    if shards not in (None, "none"):
        if zarr_format == 2:
            raise UsageError("--ome 0.4 is Zarr 2, which has no shards; use --shards none")
        for c, s in zip(chunks, shards):
            if s % c:
                raise UsageError(f"shards are {_spell(shards)}, must be multiples of the chunks {_spell(chunks)}")
        return chunks, tuple(shards)
    if shards == "none" or zarr_format == 2:
        return chunks, None
    wide = list(chunks)
    for i in (i for i in (2, 1, 0) if i != axis):
        count = ceil(head.whole[i] / chunks[i])
        want = max(1, ceil(SHARD / (prod(wide) * head.dtype.itemsize)))
        parts = max(1, count // want)
        wide[i] = chunks[i] * max(1, ceil(count / parts))
    return chunks, None if tuple(wide) == chunks else tuple(wide)


def fitting(shards, chunks, level):
    """Shards that were asked for as they fit a coarser level, whose chunks may be smaller too."""
    if shards in (None, "none"):
        return shards
    sizes = [max(1, min(c, n)) for c, n in zip(chunks or CHUNKS, level.whole)]
    return tuple(c * max(1, ceil(min(s, n) / c)) for s, c, n in zip(shards, sizes, level.whole))


def shrunk(head, steps):
    """The heads of the levels that these factors make, as far as their layout depends on them."""
    heads = [head]
    for factor in steps:
        heads.append(head.but(whole=halved(heads[-1].whole, factor)))
    return heads


def levels_of(head, axis, steps, grids):
    """The Levels of a volume: rows as deep as its files along `axis`, or twice, so that each gives whole slices of the
    next level. grids: (chunks, shards or None) of each."""
    levels, scale = [], (1, 1, 1)
    for k, (level, (chunks, shards)) in enumerate(zip(shrunk(head, steps), grids)):
        factor = steps[k - 1] if k else (1, 1, 1)
        scale = tuple(s * f for s, f in zip(scale, factor))
        depth = (shards or chunks)[axis]
        rest = steps[k][axis] if k < len(steps) else 1
        levels.append(Level(level.whole, depth if depth % rest == 0 else depth * rest, factor, scale))
    return levels


def _spell(triple):
    return ",".join(map(str, triple))


def codec_of(text, role):
    """(name, level) of a word such as `zstd:3`; None is the default for the role."""
    if text is None:
        return ("zstd", 1) if role in ("labels", "mask") else ("lz4", 1)
    name, colon, level = text.partition(":")
    top = {"lz4": 9, "zstd": 22, "gzip": 9}.get(name)
    if name not in CODECS or (colon and (top is None or not level.isdecimal() or not 0 <= int(level) <= top)):
        raise UsageError(f"codec is {text!r}, must be lz4, zstd or gzip, with a level as in zstd:3, or none")
    return name, int(level) if colon else {"gzip": 5}.get(name, 1)


def _compressors(codec, zarr_format):
    name, level = codec
    if name == "none":
        return None
    if zarr_format == 2:
        import numcodecs

        kinds = {"lz4": lambda: numcodecs.Blosc("lz4", level, numcodecs.Blosc.BITSHUFFLE),
                 "zstd": lambda: numcodecs.Zstd(level), "gzip": lambda: numcodecs.GZip(level)}  # fmt: skip
        return kinds[name]()
    from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

    kinds = {"lz4": lambda: BloscCodec(cname="lz4", clevel=level, shuffle="bitshuffle"),
             "zstd": lambda: ZstdCodec(level=level), "gzip": lambda: GzipCodec(level=level)}  # fmt: skip
    return kinds[name]()


class Writer:
    """A Zarr store at `path`. `version` is "0.5", "0.4" or "none" (a bare array); boxes are whole chunk rows.

    pyramid: "auto" or the number of coarser levels, each an array of its own; `levels` tells all, 0 first. within:
    whether these are labels in an image. encoded: where the voxels are stored already; see zarrpass.py.
    """

    axes = (0, 1, 2)
    why = ""
    skips = True

    def __init__(self, path, head, axis=0, chunks=None, shards=None, codec=None, version="0.5", threads=1, name="",
                 pyramid=None, within=False, encoded=None):  # fmt: skip
        self.head, self.version, self.path = head, version, Path(path)
        self.title, self.threads, self.within = name, threads, within
        self.method = method_of(head.role)
        form = 2 if version == "0.4" else 3
        codec = codec_of(codec, head.role)
        steps = () if pyramid is None else factors(head, chunks or CHUNKS, pyramid)
        self.stats = {"chunks": 0, "files": 0}
        if version == "none":
            if steps:
                raise UsageError("--pyramid needs a group for its levels, --ome none is a bare array; leave one of them out")
            places = [self.path]
        else:
            places = [self.path / str(k) for k in range(len(steps) + 1)]
        self.windows = ome.Windows(head) if version != "none" and head.role == "image" else None
        facts = {"zarr_format": form, "compressors": _compressors(codec, form), "threads": threads}
        heads = shrunk(head, steps)
        grids = [layout(heads[0], axis, chunks, shards, form)]
        grids += [layout(level, axis, chunks, fitting(shards, chunks, level), form) for level in heads[1:]]
        self.levels = levels_of(head, axis, steps, grids)
        self.arrays = [Array(place, head.but(whole=level.whole), axis, *grid, **facts)
                       for place, level, grid in zip(places, self.levels, grids)]  # fmt: skip
        self.grain, self.chunks = self.arrays[0].files, self.arrays[0].chunks
        self.passes = passing(encoded, self.arrays[0].array, places[0]) if encoded else None
        self.stats |= {"files_passed": 0} if self.passes else {}
        first, *coarser = (OWN if self.passes and not k else array.held for k, array in enumerate(self.arrays))
        self.held = max([first, *coarser]) + sum(min(held - OWN, KEPT) for held in coarser)
        if version == "none":                                    # it opens as a volume only when all is written
            os.rename(self.path / "zarr.json", self.path / ".array.json")

    def write(self, data, box, k=0):
        """Write voxels [z, y, x(, c)] of a box of whole chunk rows of level k."""
        if k == 0 and self.passes:
            self.stats["files_passed"] += self.passes(box)
        else:
            self.arrays[k].write(data, box)
        self.stats["chunks"] += self.arrays[k].count(box)

    def finish(self, facts):
        """Write the root's metadata, the last of the store's files: `facts` are kept under our own key."""
        head = self.head
        own = {**facts, **({"role": head.role} if head.role != "image" else {})}
        if head.components:
            own["components"] = list(head.components)
        if head.meta.get("channel"):
            own["channel"] = head.meta["channel"]
        if head.nodata is not None:
            own["nodata"] = head.nodata
        passed = dict(head.meta.get("attributes", {}))
        if self.version == "none":
            place = {"spacing": head.spacing and list(head.spacing), "unit": head.unit}
            if any(head.origin):
                place["origin"] = list(head.origin)
            own |= {key: value for key, value in place.items() if value}
            hidden = self.path / ".array.json"
            said = json.loads(hidden.read_text())
            said["attributes"] = {**passed, ome.OWN: own}
            _write(self.path / "zarr.json", said)
            hidden.unlink()
        elif self.version == "0.4":
            _write(self.path / ".zattrs", {**passed, **self._described(own)})
            _write(self.path / ".zgroup", {"zarr_format": 2})
        else:
            said = {**passed, **self._described(own)}
            _write(self.path / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": said})
        self.stats["files"] = sum(len(files) for _, _, files in os.walk(self.path))

    def _described(self, own):
        places = [(str(k), level.scale) for k, level in enumerate(self.levels)]
        method = self.method if len(places) > 1 else None
        channels = self.windows.channels() if self.windows else ()
        return ome.describe(self.head, self.title, self.version, own, places, method, channels, self.within)

    @property
    def planned(self):
        """How many files there will be at most: one for each shard, or chunk, and the metadata."""
        data = sum(prod(ceil(n / f) for n, f in zip(level.whole, array.files))
                   for level, array in zip(self.levels, self.arrays))  # fmt: skip
        return data + 2 * (len(self.levels) + 1)

    @property
    def root(self):
        """The file whose time is the volume's."""
        return ".zgroup" if self.version == "0.4" else "zarr.json"

    def abort(self):
        """Nothing is open between two rows."""


def _write(path, said):
    path.write_text(json.dumps(said, indent=2) + "\n")
