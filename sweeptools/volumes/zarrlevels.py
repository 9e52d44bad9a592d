"""Coarser levels for an OME-Zarr image that has one: read once, reduced, and made known when all of them are there."""

import json
from itertools import product
from pathlib import Path

import numpy as np

from ..errors import Refused, UsageError
from . import ome, slabs
from .publish import Target, mend
from .pyramid import Level, Pyramid, Rows, factors, method_of
from .zarr import metadata, opened, part_of
from .zarrarray import Array
from .zarrread import OWN
from .zarrwrite import layout, levels_of, shrunk


class Levels:
    """The levels that are added to the image at `path`: `sources` gives each of its volumes, one for every channel and
    time, whose blocks `take` takes; then `finish`, or `abort` at any time. `stats` counts, `memory` is what is held.

    wanted: "auto", or how many. Errors: UsageError for what is no image of one level, Refused where it has more or is
    being written.
    """

    def __init__(self, path, wanted, pool, threads):
        self.path, self.name, self.pool = Path(path), str(path), pool
        mend(self.path)
        self._look(threads)
        self.target = Target(self.name, True)
        try:
            self._look(threads)                      # nobody else writes to it from now on
            self._make(wanted, threads)
        except BaseException:
            self.target.abort()
            raise

    def _look(self, threads):
        """What there is; the errors of what cannot have levels."""
        kind, self.attributes = metadata(self.path)
        image = ome.image(self.attributes, self.name) if kind == "group" else None
        if image is None:
            raise UsageError(f"{self.name} is no OME-Zarr image; sweep-write --pyramid auto makes one of a stream")
        if len(image.levels) != 1:
            raise Refused(f"{self.name} has {len(image.levels)} levels already")
        if image.version.startswith("0.6"):
            raise UsageError(f"{self.name} is OME-Zarr {image.version}, levels can be added to 0.4 and 0.5")
        inner, *self.place = image.levels[0]
        self.array = opened(self.path / inner, threads)
        self.lead = tuple(self.array.shape[:-3])
        if self.array.ndim != len(image.axes) or [a.kind for a in image.axes[-3:]] != ["space"] * 3:
            axes = ", ".join(a.name for a in image.axes)
            raise UsageError(f"{self.name}: its axes are {axes}, must end with three in space")
        space, here = image.axes[-3:], [values[-3:] for values in self.place]
        spacing, unit, origin = ome.spacing(space, *here)
        role = (self.attributes.get(ome.OWN) or {}).get("role") or ("labels" if image.labels else "image")
        self.facts = {"spacing": spacing, "unit": unit, "origin": origin, "axes": tuple(a.name for a in space), "role": role}
        self.inner = self.path / inner
        self.channel = next((i for i, a in enumerate(image.axes[:-3]) if a.kind == "channel"), None)

    def _make(self, wanted, threads):
        first = next(self.sources(threads))[0]
        head, form = first.head, self.array.metadata.zarr_format
        sharded = self.array.shards is not None
        steps = factors(head, head.chunks, wanted)
        if not steps:
            raise UsageError(f"{self.name} fits in one chunk and needs no coarser levels; give their number with --levels")
        grids = [layout(level, 0, head.chunks, None if sharded else "none", form) for level in shrunk(head, steps)]
        self.levels = levels_of(head, 0, steps, grids)
        self.names = [str(k) for k in range(1, len(steps) + 1)]
        for name in self.names:
            if (self.path / name).exists():
                raise Refused(f"{self.path / name} is there, but is no level of the image; move it away")
        names = getattr(self.array.metadata, "dimension_names", None)
        self.target.path.mkdir()
        facts = {"zarr_format": form, "compressors": self.array.compressors or None, "threads": threads, "lead": self.lead,
                 "names": names and list(names)}  # fmt: skip
        self.arrays = [Array(self.target.path / name, head.but(whole=level.whole, components=()), 0, *grid, **facts)
                       for name, level, grid in zip(self.names, self.levels[1:], grids[1:])]  # fmt: skip
        self.method, self.at = method_of(head.role), ()
        told = "omero" in self.attributes or "omero" in (self.attributes.get("ome") or {})
        count = 1 if self.channel is None else self.lead[self.channel]
        self.windows = [] if told or head.role != "image" else [ome.Windows(head) for _ in range(count)]
        even = head.depth - head.depth % 2 or 2
        rows = [Level(head.whole, even), *self.levels[1:]]
        whole = head.depth == even and head.chunks[0] % even == 0          # every block is a row that can be reduced
        self.rows = Rows(rows[0], head.dtype, 0, 0, self.pool, depth=even if whole else 1)
        self.pyramid = Pyramid(rows, head.dtype, 0, 0, self.method, self._store, self.pool, threads)
        self.stats = {"bytes": 0, "chunks": 0, "chunks_rewritten": 0, "files": 0}
        # blocks are views of the slabs, one row is gathered at a time, and the codec pipeline is the one that decodes
        gathered = () if self.rows.fits else ((f"a row of {self.rows.grain} slices", self.rows.bytes),)
        encoding = max(array.held for array in self.arrays) - OWN
        self.memory = (*first.memory, *gathered, *self.pyramid.memory(), ("encoding", encoding))

    def sources(self, threads):
        """(Source, its index along the axes before z) of each volume."""
        for at in product(*map(range, self.lead)):
            stored = part_of(self.array, self.name, dict(enumerate(at)), self.facts, self.inner, threads)
            yield slabs.source(stored, self.pool), at

    def take(self, block, at):
        """Take a block of the volume at this index."""
        self.at = at
        if self.windows:
            some = np.full((1, 1, 1), block.fill, self.array.dtype) if block.data is None else block.data
            self.windows[0 if self.channel is None else at[self.channel]].add(some)
        for start, stop, row in self.rows.take(block.z, block.z + block.n, block.data, block.fill):
            self.pyramid.take(start, stop, row[0])
            self.rows.let_go(row)

    def _store(self, data, span, k):
        if data is not None:
            box = (span, *((0, n) for n in data.shape[1:]))
            self.arrays[k - 1].write(data, box, self.at)
            self.stats["bytes"] += data.nbytes
            self.stats["chunks"] += self.arrays[k - 1].count(box)

    def finish(self):
        """Put the levels in their place; the image's metadata, that tells of them, is the last."""
        self.pyramid.close()
        self.stats["files"] = sum(p.is_file() for p in self.target.path.rglob("*"))
        file = self.path / ("zarr.json" if (self.path / "zarr.json").is_file() else ".zattrs")
        said = json.loads(file.read_text())
        facts = said["attributes"] if file.name == "zarr.json" else said
        image = facts["ome"] if isinstance(facts.get("ome"), dict) else facts
        scales, seen = image["multiscales"][0], [window.channels() for window in self.windows]
        if seen and all(seen):
            image["omero"] = {"channels": [{**said, "label": str(i)} for i, (said,) in enumerate(seen)]}
        n = len(self.lead)
        for name, level in zip(self.names, self.levels[1:]):
            scale, shift = ([*values[:n], *values[n:]] for values in self.place)
            steps = ome.placed(scale[:n], scale[n:], shift[n:], level.scale, shift[:n])
            scales["datasets"].append({"path": name, "coordinateTransformations": steps})
        scales.setdefault("type", self.method)
        (self.target.path / file.name).write_text(json.dumps(said, indent=2) + "\n")
        self.target.add([*self.names, file.name])

    def abort(self):
        """Leave nothing behind."""
        self.pyramid.close()
        self.target.abort()
