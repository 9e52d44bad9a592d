"""What an address names: an existing volume to read, or an output to make."""

import glob
import os
import re
from pathlib import Path

from ..errors import UsageError
from .publish import mend

READS = ".zarr, .npy, .tif, .tiff, a directory or a quoted glob of TIFF slices, .sweep"
WRITES = ".zarr, .ome.zarr, .tif, .tiff, DIR/ or DIR/name_%05d.tif (one file per slice), .npy, .sweep"
FORMATS = ("zarr", "tiff", "slices", "npy", "sweep")
HDF5 = (".h5", ".hdf5", ".nxs", ".ims", ".hdf")
IMAGES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2", ".bmp")
ZARR = ("zarr.json", ".zgroup", ".zarray")


def readable(address):
    """(format, path, inner path) of a volume that exists; UsageError that says what is wrong with the address."""
    address = str(address)
    if not address:
        raise UsageError("the address is empty")
    if not os.path.lexists(address) and re.match(r"[a-z][a-z0-9+.-]*://", address):
        raise UsageError(f"{address}: URLs cannot be read; can be read: {READS}")
    path = Path(address)
    for place in (path, *path.parents):
        if not place.exists() and place.parent.is_dir():
            mend(place)
    if path.is_dir():
        if any((path / name).is_file() for name in ZARR):
            return "zarr", path, ""
        if path.suffix == ".zarr":
            raise UsageError(f"{address} is not a Zarr volume: it has no zarr.json, .zgroup or .zarray")
        return "slices", path, ""
    if path.exists():
        if path.suffix.lower() in HDF5:
            raise UsageError(f"{address}: HDF5 cannot be read; can be read: {READS}")
        kinds = {".npy": "npy", ".tif": "tiff", ".tiff": "tiff", ".sweep": "sweep"}
        kind = kinds.get(path.suffix.lower()) or _by_content(path)
        if kind is None:
            raise UsageError(f"{address} is not a volume; can be read: {READS}")
        return kind, path, ""
    if any(c in address for c in "*?["):
        if not glob.glob(address):
            raise UsageError(f"{address}: no file has such a name")
        return "slices", address, ""
    for parent in path.parents:                        # x.zarr/3: a level, or an array, that is not there
        if parent.suffix == ".zarr" and parent.is_dir():
            raise UsageError(f"{address}: there is nothing of that name in {parent}")
    head, colon, _ = address.rpartition(":")
    if colon and head.lower().endswith(HDF5):
        raise UsageError(f"{address}: HDF5 cannot be read; can be read: {READS}")
    if address == "-":
        raise UsageError("- is a stream already: leave sweep-read out, sweep-crop takes a part of it")
    raise UsageError(f"{address} does not exist")


def _by_content(path):
    with open(path, "rb") as file:
        first = file.read(8)
    if first.startswith(b"\x93NUMPY"):
        return "npy"
    return "tiff" if first[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") else None


def writable(address, format=None):
    """(format, path, pattern of the slices' names or None) of an output; UsageError lists what can be written."""
    address = str(address)
    if format is not None and format not in FORMATS:
        raise UsageError(f"format is {format!r}, must be one of {', '.join(FORMATS)}")
    if re.match(r"[a-z][a-z0-9+.-]*://", address):
        raise UsageError(f"{address}: URLs cannot be written; can be written: {WRITES}")
    if not address:
        raise UsageError("the address is empty")
    if Path(address.rpartition(":")[0] or address).suffix.lower() in HDF5 and format is None:
        raise UsageError(f"{address}: HDF5 cannot be written; can be written: {WRITES}")
    path = Path(address)
    if "%" in path.name:
        if not re.fullmatch(r"[^%]*%0?\d*d[^%]*\.tiff?", path.name):
            raise UsageError(f"{address}: a pattern has one number and a suffix, as in name_%05d.tif")
        return "slices", path.parent, path.name
    if format == "slices" or (address.endswith("/") and path.suffix != ".zarr" and format is None):
        return "slices", path, "slice_%05d.tif"
    kinds = {".zarr": "zarr", ".tif": "tiff", ".tiff": "tiff", ".npy": "npy", ".sweep": "sweep"}
    kind = format or kinds.get(path.suffix.lower())
    if kind is None:
        what = f"suffix {path.suffix!r}" if path.suffix else "an address without a suffix"
        raise UsageError(f"{address}: {what} is not a format; can be written: {WRITES}")
    return kind, path, None


def numbers(name):
    """A name cut into words and numbers, so that 2 comes before 10."""
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", name))


def slices(where, allow_gaps=False):
    """The files of a slice stack in natural order: the one image suffix in a directory, or what a glob matches.

    UsageError names the file that has another suffix, or before which a number is missing.
    """
    if isinstance(where, Path):
        files = [p for p in where.iterdir() if p.is_file() and not p.name.startswith(".")]
    else:
        files = [Path(p) for p in glob.glob(where) if os.path.isfile(p)]
    files = sorted((p for p in files if p.suffix.lower() in IMAGES), key=lambda p: numbers(p.name))
    if not files:
        raise UsageError(f"{where} is not a volume: there are no images in it; can be read: {READS}")
    suffix = files[0].suffix
    for file in files:
        if file.suffix != suffix:
            raise UsageError(f"{file}: a stack has one suffix, {files[0].name} is {suffix}; use a glob '*{suffix}'")
    if suffix.lower() not in (".tif", ".tiff"):
        raise UsageError(f"{files[0]}: {suffix} slices cannot be read; can be read: {READS}")
    if not allow_gaps:
        _complete(files)
    return files


def _complete(files):
    """UsageError where the one number that counts the slices leaves some out."""
    cut = [numbers(p.name) for p in files]
    if len({len(parts) for parts in cut}) > 1:
        return
    vary = [i for i in range(len(cut[0])) if len({parts[i] for parts in cut}) > 1]
    if len(vary) != 1 or not cut[0][vary[0]][0]:
        return
    counts = [parts[vary[0]][1] for parts in cut]
    for before, here, file in zip(counts, counts[1:], files[1:]):
        if here != before + 1:
            missing = f"{before + 1}" if here == before + 2 else f"{before + 1} to {here - 1}"
            raise UsageError(f"{file}: before it slices are missing: there is no {missing}; use --allow-gaps")


def replaces(kind):
    """A test of whether --overwrite may remove an existing target of a format: nothing but such a volume is in it."""

    def may(path):
        if not path.is_dir():
            return kind in ("tiff", "npy", "sweep")
        if kind == "zarr":
            return any((path / name).is_file() for name in ZARR)
        return kind == "slices" and all(p.suffix.lower() in IMAGES for p in path.iterdir())

    return may
