"""Stacks of PNG and of JPEG 2000 images, one file a slice, decoded and encoded by imagecodecs, several at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ..errors import Corrupt, Refused, UsageError
from ..memory import THREAD
from ..spec import Head
from . import flat
from .formats import library
from .npy import BLOCK, component_names, grains, voxels
from .tiff import by_page

DEPTHS = {"png": {"uint8": 8, "uint16": 16}, "jp2": {"uint8": 8, "uint16": 16}}


def codecs(path):
    """(name, decode, encode) by the suffix of a file; both codecs keep every voxel."""
    lib = library("imagecodecs", "images", f"{path}: images")
    if str(path).lower().endswith(".png"):
        return "png", lib.png_decode, lambda plane: lib.png_encode(plane, level=1)
    return "jp2", lib.jpeg2k_decode, lambda plane: lib.jpeg2k_encode(plane, reversible=True, level=0, codecformat="jp2")


def stored(path, files, threads=1):
    """The volume in a stack of images. UsageError names a file that differs from the first."""
    _, decode, _ = codecs(files[0])
    first = _image(files[0], decode)
    comps = first.shape[2] if first.ndim == 3 else 0
    head = Head((len(files), *first.shape[:2]), **voxels(str(path), (1, *first.shape), first.dtype))
    if comps:
        head = head.but(components=component_names(comps))

    def fill(dst, z, window):
        plane = _image(files[z], decode)
        if (plane.shape, plane.dtype) != (first.shape, first.dtype):
            here, there = (f"{' x '.join(map(str, p.shape))} {p.dtype}" for p in (plane, first))
            raise UsageError(f"{files[z]} is {here}, but {files[0].name} is {there}")
        np.copyto(dst, plane[window])

    return by_page(head, str(path), fill, threads)


def _image(file, decode):
    try:
        return decode(file.read_bytes())
    except (ValueError, RuntimeError) as error:
        raise Corrupt(f"{file} cannot be decoded: {type(error).__name__}: {error}") from error


class Writer:
    """A directory of one image a slice, slabs of z in any order."""

    axes = (0,)
    why = "its files are slices z; write .zarr, or use --keep-axes"
    skips = False
    keeps = ()

    def __init__(self, path, head, pattern, threads=1):
        name, _, self.encode = codecs(pattern)
        flat.code_of(pattern, head, DEPTHS[name], name.upper())
        if len(head.components) > 4 or (len(head.components) == 2 and name == "jp2"):
            raise Refused(f"{pattern}: {name.upper()} has no voxels of {len(head.components)} components")
        flat.no_voxels(pattern, head, name.upper())
        self.path, self.pattern = Path(path), pattern
        self.grain = (max(grains(head, (BLOCK, 0, 0))[0], min(threads, head.whole[0])), 0, 0)
        self.held = threads * (3 * head.slice_bytes + THREAD)
        self.stats = {"chunks": 0, "files": head.whole[0]}
        self.pool = ThreadPoolExecutor(threads, "images")
        self.path.mkdir()

    def write(self, data, box):
        """Write the slices of a box."""
        for _ in self.pool.map(self._one, range(*box[0]), data):
            self.stats["chunks"] += 1

    def _one(self, z, plane):
        with open(self.path / (self.pattern % z), "xb") as file:
            file.write(self.encode(np.ascontiguousarray(plane)))

    def finish(self, facts):
        """All is written."""
        self.abort()

    def abort(self):
        """Let the threads go."""
        self.pool.shutdown(wait=False, cancel_futures=True)
