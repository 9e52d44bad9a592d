"""The formats: this table, and the file that a line of it names, are all that a format is.

Other packages add formats by an entry point of the group `sweeptools.formats` that gives a Format of modules of their
own. What they must have: `stored(path, ...)` gives a slabs.Stored; `Writer(path, head, ...)` is as npy.Writer. The
keywords that these two take are the options that the format has.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module

from ..errors import UsageError

GROUP = "sweeptools.formats"


@dataclass(frozen=True)
class Format:
    """One format: modules that read and write it (empty: it does not), and how its volumes are known."""

    name: str                          # as --format has it
    suffixes: tuple[str, ...]          # of paths, the usual one first; of the slices where it is one file a slice
    reads: str = ""
    writes: str = ""
    starts: tuple[bytes, ...] = ()     # the first bytes of a file
    inside: bool = False               # PATH:/WHERE is one of several volumes in a file
    marks: tuple[str, ...] = ()        # files that a directory of this format has
    slices: bool = False               # a directory of one file a slice


TABLE = (
    Format("zarr", (".zarr",), ".zarr", ".zarrwrite", marks=("zarr.json", ".zgroup", ".zarray")),
    Format("tiff", (".tif", ".tiff"), ".tiff", ".tiffwrite", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    Format("slices", (".tif", ".tiff"), ".tiffstack", ".tiffwrite", slices=True),
    Format("hdf5", (".h5", ".hdf5", ".nxs", ".ims", ".hdf"), ".hdf5", ".hdf5write", (b"\x89HDF\r\n\x1a\n",), inside=True),
    Format("npy", (".npy",), ".npy", ".npy", (b"\x93NUMPY",)),
    Format("nifti", (".nii",), ".nifti", ".nifti"),
    Format("nifti-gz", (".nii.gz",), ".niftigz", ".niftigz"),
    Format("nrrd", (".nrrd", ".nhdr"), ".nrrd", ".nrrd", (b"NRRD0",)),
    Format("metaimage", (".mha", ".mhd"), ".metaimage", ".metaimage"),
    Format("mrc", (".mrc", ".rec", ".map", ".ali", ".st"), ".mrc", ".mrc"),
    Format("n5", (".n5",), ".n5", ".n5", marks=("attributes.json",)),
    Format("precomputed", (".precomputed",), ".precomputed", ".precomputed", marks=("info",)),
    Format("png", (".png",), ".images", ".images", slices=True),
    Format("jp2", (".jp2", ".j2k"), ".images", ".images", slices=True),
    Format("raw", (".raw",), ".raw", ".raw"),
    Format("sweep", (".sweep",), ".savedpart", ".saved"),
)


@cache
def added():
    """The formats that other packages add; UsageError where one cannot be loaded."""
    from importlib.metadata import entry_points

    formats = []
    for entry in entry_points(group=GROUP):
        try:
            formats.append(entry.load())
        except Exception as error:                   # of somebody else's module: any
            raise UsageError(f"format {entry.name} of {entry.value} cannot be loaded: {error}") from error
    return tuple(formats)


def every():
    """All formats; those of other packages are asked for only when the table's do not do, since that takes time."""
    yield from TABLE
    yield from added()


def of_name(name):
    """The Format that --format names; UsageError lists them."""
    for format in every():
        if format.name == name:
            return format
    names = ", ".join(dict.fromkeys(f.name for f in every() if f.writes))
    raise UsageError(f"format is {name!r}, must be one of {names}")


def of_suffix(path, slices=False):
    """(Format, suffix) by the end of a path, or (None, ""). The longest suffix wins: .nii.gz before .gz."""
    path = str(path).lower()
    for known in (TABLE, added) if "." in path.rpartition("/")[2] else ():
        ends = [(len(s), f, s) for f in (known() if callable(known) else known)
                for s in f.suffixes if f.slices == slices and path.endswith(s)]  # fmt: skip
        if ends:
            _, format, suffix = max(ends, key=lambda end: end[0])
            return format, suffix
    return None, ""


def of_content(path):
    """The Format by the first bytes of a file, or None."""
    with open(path, "rb") as file:
        first = file.read(16)
    return next((f for f in TABLE for start in f.starts if first.startswith(start)), None)


def of_directory(path):
    """The Format of a directory by the files in it, or None; other packages' have a suffix too."""
    return next((f for f in (every() if path.suffix else TABLE) if any((path / name).is_file() for name in f.marks)), None)


def inside():
    """Suffixes after which a colon begins the place of a volume in a file."""
    return tuple(s for f in TABLE if f.inside for s in f.suffixes)


def listed(what):
    """The suffixes of formats that can be read, or written, as messages list them."""
    files = [s for f in every() if getattr(f, what) and not f.slices for s in f.suffixes]
    images = ", ".join(dict.fromkeys(s for f in every() if getattr(f, what) and f.slices for s in f.suffixes))
    each = "a directory or a quoted glob of slices" if what == "reads" else "DIR/ or DIR/name_%05d.tif, one file a slice,"
    return f"{', '.join(files)}; {each} {'' if what == 'writes' else 'in '}{images}"


def module(name):
    """The module that reads or writes a format."""
    return import_module(name, __package__)


def library(name, extra, what):
    """A library that an extra brings; UsageError that names the extra where it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(f"{what} needs {name}, which is not installed: pip install 'sweeptools[{extra}]'") from error
