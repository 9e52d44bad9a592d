"""HDF5: any dataset by its place, as NeXus, ilastik and others write them; spacing by the words of each."""

import os
from math import prod

import numpy as np

from ..errors import UsageError
from ..params import convert, unit_name
from ..spec import Head
from . import axes, hdf5find, imaris
from .formats import library
from .hdf5chunks import Chunks, decoders, filters
from .metadata import OWN, restore, unpacked
from .npy import COLUMN, Raw, grains, voxels
from .slabs import BLOCK, Stored


def stored(path, inside="", level=None, channel=None, time=None, allow_gaps=False, threads=1):
    """The volume at a place in a file, or the one volume that it holds; of Imaris' files that of a level.

    allow_gaps: a virtual dataset of which files are missing has its fill value there. UsageError where links lead
    nowhere, where there are several volumes, and where a codec is needed that is not installed.
    """
    file = hdf5find.opened(path)
    try:
        if not inside and imaris.is_imaris(file):
            dataset, place, whole, *facts = imaris.volume(file, str(path), level, channel, time)
            facts = dict(zip(("spacing", "unit", "origin"), facts))
            return _stored(file, dataset, f"{path}:{place}", (), None, None, False, threads, whole, facts)
        if level is not None:
            raise UsageError(f"{path}: it has no levels; leave --level out")
        dataset, place, said = hdf5find.volume(file, str(path), inside)
        return _stored(file, dataset, f"{path}:{place}", said, channel, time, allow_gaps, threads)
    except BaseException:
        file.close()
        raise


def _stored(file, dataset, name, said, channel, time, allow_gaps, threads, whole=None, facts=None):
    if dataset.shape is None:
        raise UsageError(f"{name} is empty: it has no voxels")
    own = unpacked(dataset.attrs.get(OWN, ""))
    every = axes.named(_names(dataset), dataset.ndim)
    keep, at = axes.kept(name, every, dataset.shape, channel, time, tuple(own.get("components", ())))
    view = axes.View(dataset.shape, keep, at)
    shape = tuple(dataset.shape[i] for i in keep)
    told = voxels(name, shape[:3], dataset.dtype)
    head = Head(whole or shape[:3], **told, axes=tuple(every[i].name for i in keep[:3]))
    if len(shape) > 3:
        head = head.but(components=tuple(own["components"]))
    facts = facts or dict(zip(("spacing", "unit", "origin"), _spacing(dataset, keep[:3])))
    head = restore(head.but(**facts), own)
    if dataset.chunks:
        head = head.but(chunks=tuple(dataset.chunks[i] for i in keep[:3]))
    read, grain, more = _way(dataset, view, head, name, allow_gaps, threads)
    end = more.pop("close", lambda: None)
    return Stored(head, read, grain, name, **more, said=said, close=lambda: (end(), file.close()))


def _way(dataset, view, head, name, allow_gaps, threads):
    """(read, grain, further facts of a Stored): straight from the file where HDF5 only keeps the place, else raw chunks
    in threads where the filters are known, else h5py."""
    import h5py

    stored_type = np.dtype(dataset.dtype.str) if dataset.dtype.kind != "b" else np.dtype(bool)
    lie, offset = dataset.id.get_create_plist().get_layout(), dataset.id.get_offset()
    if dataset.is_virtual and not allow_gaps:
        _all_there(dataset, name)
    inner = sorted(view.keep) == list(range(dataset.ndim - len(view.keep), dataset.ndim))
    if lie == h5py.h5d.CONTIGUOUS and offset and not dataset.external and view.plain and inner:
        skip = np.ravel_multi_index([*view.at.values(), *(0 for _ in view.keep)], dataset.shape) if view.at else 0
        shape = tuple(dataset.shape[i] for i in view.keep)
        raw = Raw(dataset.file.filename, offset + int(skip) * stored_type.itemsize, stored_type, shape)
        return raw.read, grains(head, (BLOCK, COLUMN, 0)), {"close": raw.close, "why": "its rows lie along x"}
    reader = _Plain(dataset, view)
    if not dataset.chunks:
        return reader.read, grains(head, (BLOCK, COLUMN, COLUMN)), {"held": reader.held}
    pipeline = filters(dataset)
    decode = decoders(pipeline, stored_type.itemsize)
    more = {"chunks": lambda box: _touched(view.window(box), dataset.chunks)}
    if decode is not None:
        chunks = Chunks(dataset, view, stored_type, decode, threads, name)
        more |= {"empty": chunks.empty, "close": chunks.close, "held": chunks.held}
        reader = chunks
    else:
        _known(pipeline, name)
        more["held"] = reader.held
    return reader.read, rows(dataset.chunks, view, head, threads), more


def rows(grid, view, head, threads):
    """Depth of a row of chunks along each axis: so many chunks that all threads have some, and not less than a block."""
    grain = []
    for a, i in enumerate(view.keep[:3]):
        counts = [-(-n // c) for n, c in zip(view.shape, grid)]
        others = prod(n for k, n in enumerate(counts) if k != i and k not in view.at)
        size = prod(head.whole) * head.dtype.itemsize * max(1, len(head.components))
        row = grid[i] * size // max(1, head.whole[a])
        count = max(min(-(-2 * threads // max(1, others)), -(-(32 << 20) // max(1, row))), BLOCK // max(1, row), 1)
        grain.append(min(grid[i] * count, -(-max(1, head.whole[a]) // grid[i]) * grid[i]))
    return tuple(grain)


class _Plain:
    """Boxes of any dataset, by h5py."""

    def __init__(self, dataset, view):
        self.dataset, self.view = dataset, view

    def read(self, dst, box):
        """Fill dst with a box."""
        dataset, view = self.dataset, self.view
        window = view.window(box)
        out = view.back(dst) if view.plain else np.empty([b - a for a, b in window], dst.dtype)
        dataset.read_direct(out.view(bool) if dataset.dtype.kind == "b" else out, tuple(slice(a, b) for a, b in window))
        if not view.plain:
            np.copyto(dst, view.turned(out))

    def held(self, box):
        """Bytes that HDF5 holds: a chunk packed and unpacked, or voxels in another order."""
        voxel = self.dataset.dtype.itemsize
        chunk = 3 * prod(self.dataset.chunks) * voxel if self.dataset.chunks else 0
        turned = 0 if self.view.plain else prod(b - a for a, b in self.view.window(box)) * voxel
        return chunk + turned + (4 << 20)


def _touched(window, grid):
    return prod((b - 1) // c - a // c + 1 if b > a else 0 for (a, b), c in zip(window, grid))


def _known(pipeline, name):
    """UsageError where a filter is needed that HDF5 does not have."""
    import h5py

    for code, _, said in pipeline:
        if not h5py.h5z.filter_avail(code):
            word = said.decode("ascii", "replace") if isinstance(said, bytes) else said
            library("hdf5plugin", "hdf5", f"{name}: HDF5 filter {code} ({word.strip() or 'without a name'})")
        if not h5py.h5z.filter_avail(code):
            raise UsageError(f"{name}: HDF5 filter {code} is not known, neither to hdf5plugin")


def _all_there(dataset, name):
    """UsageError where a file of a virtual dataset is missing: HDF5 would give its fill value without a word."""
    folder = os.path.dirname(os.path.abspath(dataset.file.filename))
    for file in sorted({source.file_name for source in dataset.virtual_sources()}):
        if file == "." or "%" in file:
            continue
        if not any(os.path.exists(os.path.join(at, f)) for at in (folder, ".") for f in (file, os.path.basename(file))):
            raise UsageError(f"{name}: its voxels are in {os.path.join(folder, file)}, which does not exist; with "
                             "--allow-gaps they are the fill value")  # fmt: skip


# ------------------------------------------------------------------ axes and spacing


def _names(dataset):
    """Names of the axes: by ilastik's axistags, else by labels of dimensions; None where nothing tells."""
    tags = dataset.attrs.get("axistags")
    if tags is not None:
        said = unpacked(hdf5find.word(tags)).get("axes")
        if isinstance(said, list) and all(isinstance(a, dict) for a in said):
            return tuple(str(a.get("key", "")) for a in said)
    return tuple(dim.label for dim in dataset.dims) if "DIMENSION_LABELS" in dataset.attrs else None


def _spacing(dataset, space):
    """(spacing, unit, origin) of the axes of space: by element_size_um, else by an NXdata's axes, else nothing."""
    size = dataset.attrs.get("element_size_um")
    if size is not None and np.shape(size) == (3,) and np.all(np.asarray(size, float) > 0):
        return tuple(float(s) for s in size), "micrometer", (0.0,) * 3
    names = dataset.parent.attrs.get("axes")
    if names is None:
        names = hdf5find.word(dataset.attrs.get("axes", "")).strip("[]").replace(",", ":").split(":")
    elif isinstance(names, (str, bytes)):
        names = [names]
    names = [hdf5find.word(n) for n in names]
    if len(names) != dataset.ndim:
        return None, None, (0.0,) * 3
    found = [_along(dataset, names[i], dataset.shape[i]) for i in space]
    unit = next((one[2] for one in found if one), None)
    if unit is None:
        return None, None, (0.0,) * 3
    spacing = tuple(one and convert(one[0], one[2], unit) for one in found)
    return spacing, unit, tuple(convert(one[1], one[2], unit) if one else 0.0 for one in found)


def _along(dataset, name, n):
    """(spacing, first, unit) along one axis by the dataset that holds its places; None where that is no length."""
    points = dataset.parent.get(name)
    if points is None or not hdf5find.is_dataset(points) or points.shape != (n,):
        return None
    unit = unit_name(hdf5find.word(points.attrs.get("units", "")).strip())
    even = axes.spacing_of(points[()]) if unit and points.dtype.kind in "uif" else None
    return even and (*even, unit)


