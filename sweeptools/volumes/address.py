"""What an address names: an existing volume to read, or an output to make."""

import glob
import os
import re
from pathlib import Path

from ..errors import UsageError
from . import formats
from .publish import mend

URL = r"[a-z][a-z0-9+.-]*://"
LOSSY = (".jpg", ".jpeg", ".bmp", ".gif")    # images that are no volume's, but are in the way of those that are


def readable(address):
    """(name of the format, path, place inside) of a volume that exists; UsageError says what is wrong with the address.

    The format of a directory of slices is "slices", whatever they are.
    """
    address = str(address)
    if not address:
        raise UsageError("the address is empty")
    if not os.path.lexists(address) and re.match(URL, address):
        raise UsageError(f"{address}: URLs cannot be read; can be read: {formats.listed('reads')}")
    path = Path(address)
    for place in (path, *path.parents):
        if not place.exists() and place.parent.is_dir():
            mend(place)
    if path.is_dir():
        return _directory(path)
    if path.exists():
        return _of_file(path), path, ""
    if any(c in address for c in "*?["):
        if not glob.glob(address):
            raise UsageError(f"{address}: no file has such a name")
        return "slices", address, ""
    for parent in path.parents:                        # x.zarr/3: a level, or an array, that is not there
        if parent.suffix == ".zarr" and parent.is_dir():
            raise UsageError(f"{address}: there is nothing of that name in {parent}")
    file, inner = cut(address)
    if inner:
        if Path(file).is_file():
            return _of_file(Path(file)), Path(file), inner
        raise UsageError(f"{file} does not exist")
    if address == "-":
        raise UsageError("- is a stream already: leave sweep-read out, sweep-crop takes a part of it")
    raise UsageError(f"{address} does not exist")


def cut(address):
    """(file, place inside) of an address such as x.h5:/entry/data; ("", "") of any other."""
    file, colon, inner = str(address).rpartition(":")
    return (file, inner) if colon and inner and file.lower().endswith(formats.inside()) else ("", "")


def _directory(path):
    format = formats.of_directory(path)
    if format is not None and format.reads:
        return format.name, path, ""
    by_suffix, suffix = formats.of_suffix(path)
    if by_suffix is not None and by_suffix.marks:
        *some, last = by_suffix.marks
        raise UsageError(f"{path} is not a {suffix[1:].capitalize()} volume: it has no "
                         f"{' or '.join(filter(None, [', '.join(some), last]))}")  # fmt: skip
    return "slices", path, ""


def _of_file(path):
    format, _ = formats.of_suffix(path)
    format = format if format is not None and not format.marks else formats.of_content(path)
    if format is None or not format.reads:
        raise UsageError(f"{path} is not a volume; can be read: {formats.listed('reads')}")
    return format.name


def writable(address, format=None):
    """(name of the format, path, place inside, pattern of the slices' names or None) of an output; UsageError lists
    what can be written. `format` is the name of one, instead of the one that the address tells."""
    address = str(address)
    told = formats.of_name(format) if format is not None else None
    can = lambda: f"can be written: {formats.listed('writes')}"  # noqa: E731
    if told is not None and not told.writes:
        raise UsageError(f"format is {format!r}, which cannot be written; {can()}")
    if re.match(URL, address):
        raise UsageError(f"{address}: URLs cannot be written; {can()}")
    if not address:
        raise UsageError("the address is empty")
    path = Path(address)
    if "%" in path.name and (told is None or told.slices):
        slices, suffix = formats.of_suffix(path, slices=True)
        if slices is None or not slices.writes or not re.fullmatch(r"[^%]*%0?\d*d[^%]*", path.name):
            raise UsageError(f"{address}: a pattern has one number and a suffix, as in name_%05d.tif")
        return slices.name, path.parent, "", path.name
    if (told is not None and told.slices) or (address.endswith("/") and path.suffix != ".zarr" and told is None):
        slices = told or formats.of_name("slices")
        return slices.name, path, "", f"slice_%05d{slices.suffixes[0]}"
    if told is None and in_image(path):
        return "zarr", path, "", None
    file, inner = cut(address) if told is None or told.inside else ("", "")
    if inner:
        path = Path(file)
    by_suffix = told or formats.of_suffix(path)[0]
    if by_suffix is None or not by_suffix.writes:
        what = f"suffix {path.suffix!r}" if path.suffix else "an address without a suffix"
        raise UsageError(f"{address}: {what} is not a format; {can()}")
    return by_suffix.name, path, inner, None


def in_image(path):
    """Whether a path is IMAGE/labels/NAME, for labels in an OME-Zarr image."""
    marks = formats.of_name("zarr").marks
    return path.parent.name == "labels" and any((path.parent.parent / name).is_file() for name in marks)


def numbers(name):
    """A name cut into words and numbers, so that 2 comes before 10."""
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", name))


def slices(where, allow_gaps=False):
    """(Format, files) of a slice stack in natural order: the one image suffix in a directory, or what a glob matches.

    UsageError names the file that has another suffix, or before which a number is missing.
    """
    if isinstance(where, Path):
        files = [p for p in where.iterdir() if p.is_file() and not p.name.startswith(".")]
    else:
        files = [Path(p) for p in glob.glob(where) if os.path.isfile(p)]
    images = (*(s for f in formats.TABLE if f.slices for s in f.suffixes), *LOSSY)
    files = sorted((p for p in files if p.suffix.lower() in images), key=lambda p: numbers(p.name))
    can = lambda: f"can be read: {formats.listed('reads')}"  # noqa: E731
    if not files:
        raise UsageError(f"{where} is not a volume: there are no images in it; {can()}")
    suffix = files[0].suffix
    for file in files:
        if file.suffix != suffix:
            raise UsageError(f"{file}: a stack has one suffix, {files[0].name} is {suffix}; use a glob '*{suffix}'")
    format = formats.of_suffix(files[0], slices=True)[0]
    if format is None:
        raise UsageError(f"{files[0]}: {suffix} slices cannot be read; {can()}")
    if not allow_gaps:
        _complete(files)
    return format, files


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


def replaces(format, writer, inner):
    """A test of whether --overwrite may remove an existing target of a format: nothing but such a volume is in it."""

    def may(path):
        if path.is_dir():
            if format.slices:
                return all(p.suffix.lower() in format.suffixes for p in path.iterdir())
            return any((path / name).is_file() for name in format.marks)
        return not format.marks and not format.slices and (not format.inside or writer.alone(path, inner))

    return may
