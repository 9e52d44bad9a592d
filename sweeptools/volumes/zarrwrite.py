"""Zarr written by chunk rows: every chunk once, the same bytes in every run, the root's metadata last."""

import json
import os
import warnings
from math import ceil, prod
from pathlib import Path

import numpy as np

from ..errors import SweepError, UsageError
from . import ome
from .zarr import pipeline
from .zarrread import OWN, at_once

CHUNKS = (64, 64, 64)
SHARD = 32 << 20         # bytes a shard is to have at least; twice that at most
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


def _compressors(zarr, codec, zarr_format):
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
    """A Zarr store at `path`. `version` is "0.5", "0.4" or "none" (a bare array); boxes are whole chunk rows."""

    axes = (0, 1, 2)
    why = ""
    skips = True

    def __init__(self, path, head, axis=0, chunks=None, shards=None, codec=None, version="0.5", threads=1, name=""):
        self.head, self.version, self.path = head, version, Path(path)
        self.title = name
        form = 2 if version == "0.4" else 3
        codec = codec_of(codec, head.role)
        chunks, shards = layout(head, axis, chunks, shards, form)
        self.grain, self.chunks = shards or chunks, chunks
        self.stats = {"chunks": 0, "files": 0}
        zarr = pipeline(threads)
        self.inner = self.path if version == "none" else self.path / "0"
        lead = (len(head.components),) if head.components else ()
        ones = (1,) * len(lead)
        names = [*(["c"] if lead else []), *head.axes]
        row = prod(lead) * prod(ceil(head.whole[i] / self.grain[i]) for i in (0, 1, 2) if i != axis)
        # zarrs lays the chunks of a shard down in the order in which its threads end: one thread a shard, then, so
        # that every run writes the same bytes
        size = prod(self.grain) * head.dtype.itemsize
        atonce = at_once(size, row, threads)
        cut = any(n % s for n, s in zip(head.whole, self.grain))
        self.held = (3 if cut else 2) * atonce * size + OWN      # of files at the border the old voxels are looked for
        bound = {"threading.max_workers": atonce, "codec_pipeline.chunk_concurrent_minimum": atonce}
        facts = {"dimension_names": names} if form == 3 else {"chunk_key_encoding": {"name": "v2", "separator": "/"}}
        with zarr.config.set(bound), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.array = zarr.create_array(
                str(self.inner), shape=(*lead, *head.whole), chunks=(*ones, *chunks), dtype=head.dtype,
                shards=(*ones, *shards) if shards else None, compressors=_compressors(zarr, codec, form), filters=None,
                fill_value=0, zarr_format=form, config={"write_empty_chunks": False}, **facts,
            )  # fmt: skip
        if version == "none":                                    # it opens as a volume only when all is written
            os.rename(self.path / "zarr.json", self.path / ".array.json")

    def write(self, data, box):
        """Write voxels [z, y, x(, c)] of a box of whole chunk rows."""
        if self.head.components:
            data = np.moveaxis(data, -1, 0)
        if not data.size:
            return
        window = tuple(slice(a, b) for a, b in box)
        try:
            self.array[(slice(None), *window) if self.head.components else window] = np.ascontiguousarray(data)
        except RuntimeError as error:                            # zarrs has no other for what the disk says
            raise SweepError(f"slices {box[0][0]} to {box[0][1]} could not be stored: {error}") from None
        self.stats["chunks"] += prod(ceil((b - a) / c) for (a, b), c in zip(box, self.chunks))

    def finish(self, facts):
        """Write the root's metadata, the last of the store's files: `facts` are kept under our own key."""
        head = self.head
        own = {**facts, **({"role": head.role} if head.role != "image" else {})}
        if head.components:
            own["components"] = list(head.components)
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
            _write(self.path / ".zattrs", {**passed, **ome.describe(head, self.title, "0.4", own)})
            _write(self.path / ".zgroup", {"zarr_format": 2})
        else:
            said = {**passed, **ome.describe(head, self.title, self.version, own)}
            _write(self.path / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": said})
        self.stats["files"] = sum(len(files) for _, _, files in os.walk(self.path))

    @property
    def root(self):
        """The file whose time is the volume's."""
        return ".zgroup" if self.version == "0.4" else "zarr.json"

    def abort(self):
        """Nothing is open between two rows."""


def _write(path, said):
    path.write_text(json.dumps(said, indent=2) + "\n")
