"""Whole commands from files to files: pipelines fused and as shell pipes, copies, and the first job, against peers."""

import tempfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from . import agree, stores
from .harness import COPY, OURS, PEER, contest
from .processes import one, peer, pipe, way

PLAIN, SHARDED = stores.PLAIN, stores.SHARDED
TEN = ("sweep-gauss 2 | sweep-median 3 | sweep-gradmag 1 | sweep-erode ball:2 | sweep-dilate ball:2 | sweep-box 3"
       " | sweep-clip 10 3000 | sweep-rescale 10 3000 0 255 | sweep-threshold 20 | sweep-cast uint8")  # fmt: skip
PIPELINES = {          # task: (filters, source, options of the sink, bar)
    "Gaussian, sigma 2, uint8": ("sweep-gauss 2 --mode nearest", "u8", PLAIN, "zarr gauss uint8"),
    "Gaussian, sigma 2, uint16": ("sweep-gauss 2 --mode nearest", "u16", PLAIN, "zarr gauss uint16"),
    "ten filters": (TEN, "u16", PLAIN, "ten"),
    "three windows": ("sweep-gauss 2 | sweep-median 3 | sweep-box 3", "u16", PLAIN, "pipe"),
    "Gaussian, Otsu": ("sweep-gauss 1 | sweep-otsu", "u16", PLAIN, "pipe two sweeps"),
    "labels, 26 neighbours": ("sweep-label --connectivity 26", "mask", PLAIN, "zarr labels"),
}
FIRST = "sweep-read slices/ --spacing 50,4,4nm | sweep-stretch --dtype uint8 | sweep-write {} --pyramid 2"
COPIES = {             # task: (line of ours, where it goes, {peer: words of files.py}, how to read what came)
    "Zarr to Zarr": (f"sweep-read u16.zarr | sweep-write {{}} {PLAIN}", "zarr",
                     {p: (f"copy_{p}", "u16.zarr", "{}", "u16.zarr") for p in ("zarrs", "tensorstore", "zarr", "dask")}),
    "sharded to sharded": (f"sweep-read sharded.zarr | sweep-write {{}} {SHARDED}", "zarr",
                           {p: (f"copy_{p}", "sharded.zarr", "{}", "sharded.zarr")
                            for p in ("zarrs", "tensorstore", "zarr")}),
    "TIFF slices to Zarr": (f"sweep-read slices/ | sweep-write {{}} {PLAIN}", "zarr",
                            {p: (f"slices_to_{p}", "slices", "{}", "u16.zarr") for p in ("zarrs", "dask")}),
    "Zarr to one TIFF": ("sweep-read u16.zarr | sweep-write {}", "tif", {"zarrs": ("zarrs_to_tiff", "u16.zarr", "{}")}),
    "Zarr to TIFF slices": ("sweep-read u16.zarr | sweep-write {}/", "slices",
                            {"zarrs": ("zarrs_to_slices", "u16.zarr", "{}")}),
    "HDF5 to Zarr": (f"sweep-read u16.h5 | sweep-write {{}} {PLAIN}", "zarr",
                     {"zarrs": ("hdf5_to_zarrs", "u16.h5", "{}", "u16.zarr")}),
}  # fmt: skip
NEEDS = {"zarrs": "zarrs", "tensorstore": "tensorstore", "zarr": "zarr", "dask": "dask", "gauss_dask": "dask_image",
         "label_cc3d": "cc3d", "view_ngff": "ngff_zarr"}  # fmt: skip
NAMES = {"zarr": "zarr-python", "gauss_dask": "dask-image", "label_cc3d": "cc3d and zarrs", "view_ngff": "ngff-zarr"}


def rival(folder, key, words, same, role=PEER):
    """(way, "") of a peer, or (None, its name) where its library is not installed."""
    name = NAMES.get(key, key)
    if find_spec(NEEDS[key]) is None:
        return None, name
    out = f"out-{key}"
    return way(name, role, peer(*(word.format(out) for word in words)), folder, out, same), ""


def contend(task, ways, scale, folder, voxels, itemsize, bar):
    """The Contest of ways, of which those that are not there are told."""
    missing = [name for w, name in ways if w is None]
    return contest(f"{task}, {' x '.join(map(str, scale.stored))}", [w for w, _ in ways if w], scale, voxels,
                   2 * voxels * itemsize, bar, missing)  # fmt: skip


def pipelines(scale, folder):
    """Each benchmark pipeline as one process and as a shell pipe, with its peer and a plain copy of its source."""
    voxels = int(np.prod(scale.stored))
    rivals = {
        "zarr gauss uint8": ("gauss_dask", "u8.zarr", "{}", "u8.zarr", agree.within(1)),
        "zarr gauss uint16": ("gauss_dask", "u16.zarr", "{}", "u16.zarr", agree.within(1)),
        "zarr labels": ("label_cc3d", "mask.zarr", "{}", "labels.zarr", agree.labels),
    }
    for task, (filters, source, sink, bar) in PIPELINES.items():
        line = f"sweep-read {source}.zarr | {filters} | sweep-write {{}} {sink}"
        same = agree.stored(agree.equal)
        ways = [(way("sweep-run, one process", OURS, one(line.format("one.zarr")), folder, "one.zarr"), ""),
                (way("a shell pipe", OURS, pipe(line.format("pipe.zarr")), folder, "pipe.zarr", same), "")]  # fmt: skip
        if bar in rivals:
            *words, how = rivals[bar]
            if source == "u8":          # the same bytes from machine code for a plainer processor
                stages = [["env", "NUMBA_CPU_NAME=haswell", "sweep-run", line.format("haswell.zarr")]]
                ways.append((way("sweep-run, NUMBA_CPU_NAME=haswell", OURS, stages, folder, "haswell.zarr", same), ""))
            ways.append(rival(folder, words[0], words, agree.stored(how)))
        ways.append(rival(folder, "zarrs", ("copy_zarrs", f"{source}.zarr", "{}", f"{source}.zarr"), None, COPY))
        if ways[-1][0]:
            ways[-1] = (replace(ways[-1][0], name="plain copy of the source, zarrs"), "")
        yield contend(task, ways, scale, folder, voxels, 2 if source == "u16" else 1, bar)


def first_job(scale, folder):
    """A folder of TIFF slices becomes 8-bit OME-Zarr with two coarser levels."""
    line, same = FIRST.format("one.ome.zarr"), agree.stored(agree.equal)
    ways = [(way("sweep-run, one process", OURS, one(line), folder, "one.ome.zarr"), ""),
            (way("a shell pipe", OURS, pipe(FIRST.format("pipe.ome.zarr")), folder, "pipe.ome.zarr", same), ""),
            rival(folder, "view_ngff", ("view_ngff", "slices", "{}"), agree.stored(agree.within(1))),
            (None, "bioformats2raw (needs Java)")]  # fmt: skip
    yield contend("TIFF slices to 8-bit OME-Zarr with levels", ways, scale, folder, int(np.prod(scale.stored)), 2, "first")


def copies(scale, folder):
    """From one format to another, unchanged."""
    for task, (line, kind, peers) in COPIES.items():
        read = tiff if kind == "tif" else slices if kind == "slices" else agree.stored
        ways = [(way("sweep-run, one process", OURS, one(line.format("out-ours" + suffix(kind))), folder,
                     "out-ours" + suffix(kind)), "")]  # fmt: skip
        for key, words in peers.items():
            ways.append(rival(folder, key, words, read(agree.equal)))
        yield contend(f"copy, {task}", ways, scale, folder, int(np.prod(scale.stored)), 2, "copy")


def suffix(kind):
    return {"zarr": ".zarr", "tif": ".tif", "slices": ""}[kind]


def tiff(same):
    """The same of two TIFF files."""
    import tifffile

    return lambda ours, theirs: same(tifffile.imread(ours), tifffile.imread(theirs))


def slices(same):
    """The same of two folders of TIFF slices."""
    import tifffile

    read = lambda path: tifffile.imread(sorted(map(str, Path(path).glob("*.tif"))))  # noqa: E731
    return lambda ours, theirs: same(read(ours), read(theirs))


def contests(scale):
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        share = stores.make(folder, scale.stored)
        yield from pipelines(scale, folder)
        yield from first_job(scale, folder)
        yield from copies(scale, folder)
    yield f"The stored volume packs to {share:.0%} of its voxels' bytes (16 bits, chunks of 64, lz4 with bit shuffle)."
