"""Peers from files to files, each run as a process of its own: `python -m bench.files NAME WORDS`.

A Zarr is written with the layout of another, its `like`: the same chunks, shards and codecs. All use their own threads,
and write what they have without waiting for the disk (ours waits). Each imports its library when it is called.
"""

import shutil
import sys
from pathlib import Path

ROWS = 64              # slices at a time: whole rows of chunks
BLOCK = (128, 256, 256)            # of dask: several chunks, so that halos are a small part


def blank(out, like):
    """An empty Zarr array at `out`, of the layout of `like`; its path."""
    Path(out).mkdir()
    shutil.copy(Path(like) / "zarr.json", out)
    return out


def quick_zarr():
    """zarr-python with the codecs of zarrs."""
    import zarr
    import zarrs  # noqa: F401

    zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
    return zarr


def by_rows(read, write, slices):
    for z in range(0, slices, ROWS):
        write(z, read(z, min(z + ROWS, slices)))


def rows_of(zarr, path, like=None):
    """(array, read(a, b), write(z, data)) of a Zarr; with `like` it is made."""
    a = zarr.open_array(blank(path, like) if like else path, mode="r+" if like else "r")
    return a, lambda z, end: a[z:end], lambda z, data: a.__setitem__(slice(z, z + len(data)), data)


# ------------------------------------------------------------------ copies


def copy_zarrs(src, out, like):
    zarr = quick_zarr()
    (a, read, _), (_, _, write) = rows_of(zarr, src), rows_of(zarr, out, like)
    by_rows(read, write, a.shape[0])


def copy_zarr(src, out, like):
    import zarr

    (a, read, _), (_, _, write) = rows_of(zarr, src), rows_of(zarr, out, like)
    by_rows(read, write, a.shape[0])


def copy_tensorstore(src, out, like):
    import tensorstore as ts

    store = lambda path: {"driver": "zarr3", "kvstore": {"driver": "file", "path": path}}  # noqa: E731
    a, b = ts.open(store(src)).result(), ts.open(store(blank(out, like))).result()
    by_rows(lambda z, end: a[z:end], lambda z, part: b[z : min(z + ROWS, a.shape[0])].write(part).result(), a.shape[0])


def copy_dask(src, out, like):
    import dask.array as da
    import zarr

    rows = (ROWS, -1, -1)
    da.store(da.from_zarr(src, chunks=rows), zarr.open_array(blank(out, like), mode="r+"), lock=False)


def slices_to_zarrs(src, out, like):
    """A folder of TIFF slices, decoded in threads by tifffile, written by zarrs."""
    import tifffile

    names = sorted(map(str, Path(src).glob("*.tif")))
    _, _, write = rows_of(quick_zarr(), out, like)
    by_rows(lambda z, end: tifffile.imread(names[z:end], ioworkers=2), write, len(names))


def slices_to_dask(src, out, like):
    """tifffile's own way: the series as a Zarr store, through dask."""
    import dask.array as da
    import tifffile
    import zarr

    names = sorted(map(str, Path(src).glob("*.tif")))
    with tifffile.imread(names, aszarr=True) as store:
        v = da.from_zarr(zarr.open(store, mode="r")).rechunk((ROWS, -1, -1))
        da.store(v, zarr.open_array(blank(out, like), mode="r+"), lock=False)


def zarrs_to_tiff(src, out):
    import tifffile

    a, read, _ = rows_of(quick_zarr(), src)
    parts = (plane for z in range(0, a.shape[0], ROWS) for plane in read(z, min(z + ROWS, a.shape[0])))
    tifffile.imwrite(out, parts, shape=a.shape, dtype=a.dtype, photometric="minisblack", metadata=None)


def zarrs_to_slices(src, out):
    import tifffile

    a, read, _ = rows_of(quick_zarr(), src)
    Path(out).mkdir()
    for z in range(0, a.shape[0], ROWS):
        for i, plane in enumerate(read(z, min(z + ROWS, a.shape[0]))):
            tifffile.imwrite(f"{out}/z_{z + i:05d}.tif", plane, photometric="minisblack", metadata=None)


def hdf5_to_zarrs(src, out, like):
    import h5py
    import hdf5plugin  # noqa: F401

    with h5py.File(src) as file:
        v = file["data"]
        _, _, write = rows_of(quick_zarr(), out, like)
        by_rows(lambda z, end: v[z:end], write, v.shape[0])


# ------------------------------------------------------------------ tasks


def gauss_dask(src, out, like):
    import dask.array as da
    import numpy as np
    import zarr
    from dask_image.ndfilters import gaussian_filter

    v = da.from_zarr(src, chunks=BLOCK)
    smooth = gaussian_filter(v.astype(np.float32), 2, mode="nearest").round().astype(v.dtype)
    da.store(smooth, zarr.open_array(blank(out, like), mode="r+"), lock=False)


def label_cc3d(src, out, like):
    """The whole mask in memory, read and written as fast as zarrs can."""
    import cc3d

    zarr = quick_zarr()
    labels = cc3d.connected_components(zarr.open_array(src, mode="r")[:], connectivity=26)
    zarr.open_array(blank(out, like), mode="r+")[:] = labels


def view_ngff(src, out):
    """A folder of TIFF slices, stretched from its extremes to 8 bits by dask, as OME-Zarr with levels by ngff-zarr."""
    import dask
    import dask.array as da
    import ngff_zarr
    import numpy as np
    import tifffile
    import zarr

    names = sorted(map(str, Path(src).glob("*.tif")))
    with tifffile.imread(names, aszarr=True) as store:
        v = da.from_zarr(zarr.open(store, mode="r")).rechunk((ROWS, -1, -1))
        low, high = dask.compute(v.min(), v.max())
        eight = ((v - np.float32(low)) * np.float32(255 / (float(high) - float(low)))).round().astype(np.uint8)
        image = ngff_zarr.to_ngff_image(eight, dims=["z", "y", "x"], scale={"z": 50.0, "y": 4.0, "x": 4.0})
        levels = ngff_zarr.to_multiscales(image, [2, 4], method=ngff_zarr.Methods.DASK_BIN_SHRINK, chunks=ROWS)
        ngff_zarr.to_ngff_zarr(out, levels, version="0.5")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
