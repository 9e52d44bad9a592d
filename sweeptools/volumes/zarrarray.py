"""One Zarr array that is written by rows of its files, every file once and the same bytes in every run."""

import warnings
from math import ceil, prod

import numpy as np

from ..errors import SweepError
from .zarr import pipeline
from .zarrread import OWN, at_once


class Array:
    """An array made at `place` for the voxels of `head`, components first. axis: the one along which its rows come.

    shards: None for files of one chunk. lead: sizes of further axes before z, whose indices `write` is told, with
    `names` of all. `files` is the shape of a file's voxels, `held` the bytes that encoding holds beside the row.
    """

    def __init__(self, place, head, axis, chunks, shards, *, zarr_format, compressors, threads, lead=(), names=None):
        self.chunks, self.files, self.comps = chunks, shards or chunks, len(head.components)
        zarr = pipeline(threads)
        lead = (self.comps,) if self.comps else lead
        ones = (1,) * len(lead)
        row = max(1, self.comps) * prod(ceil(head.whole[i] / self.files[i]) for i in (0, 1, 2) if i != axis)
        # zarrs lays the chunks of a shard down in the order in which its threads end: one thread a shard, then, so
        # that every run writes the same bytes
        size = prod(self.files) * head.dtype.itemsize
        atonce = at_once(size, row, threads)
        cut = any(n % s for n, s in zip(head.whole, self.files))
        chunk = 2 * prod(chunks) * head.dtype.itemsize if shards else 0      # of a shard: its voxels and their packed bytes
        # a file's voxels, its packed bytes and, at the border, what they are laid into
        self.held = atonce * ((3 if cut else 2) * size + chunk) + OWN
        bound = {"threading.max_workers": atonce, "codec_pipeline.chunk_concurrent_minimum": atonce}
        facts = {"chunk_key_encoding": {"name": "v2", "separator": "/"}}
        if zarr_format == 3:
            facts = {"dimension_names": names or [*(["c"] if lead else []), *head.axes]}
        with zarr.config.set(bound), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.array = zarr.create_array(
                str(place), shape=(*lead, *head.whole), chunks=(*ones, *chunks), dtype=head.dtype,
                shards=(*ones, *shards) if shards else None, compressors=compressors, filters=None,
                fill_value=0, zarr_format=zarr_format, config={"write_empty_chunks": False}, **facts,
            )  # fmt: skip

    def count(self, box):
        """Chunks of z, y, x in a box of whole rows of files."""
        return prod(ceil((b - a) / c) for (a, b), c in zip(box, self.chunks))

    def write(self, data, box, at=()):
        """Write voxels [z, y, x(, c)] of a box of whole rows of files, at these indices of the axes before z."""
        if self.comps:
            data = np.moveaxis(data, -1, 0)
        if not data.size:
            return
        window = (*((slice(None),) if self.comps else at), *(slice(a, b) for a, b in box))
        try:
            self.array[window] = np.ascontiguousarray(data)
        except RuntimeError as error:                            # zarrs has no other for what the disk says
            raise SweepError(f"slices {box[0][0]} to {box[0][1]} could not be stored: {error}") from None

    def read(self, box):
        """Voxels [z, y, x(, c)] of a box of what was written."""
        window = (*((slice(None),) if self.comps else ()), *(slice(a, b) for a, b in box))
        data = self.array[window]
        return np.moveaxis(data, 0, -1) if self.comps else data
