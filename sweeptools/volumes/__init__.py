"""Stored volumes as streams, and streams as stored volumes: one file for each format.

`open` gives a Source, `create` a Sink; which format it is follows from the address.
"""

import inspect

from .. import machine
from ..errors import Refused, UsageError
from ..flow import Pool
from ..spec import call
from . import address as addresses
from . import formats, slabs
from .metadata import lost
from .publish import Target
from .sink import Published, Sink, restored


def open(address, pool=None, *, sweep="up", axis="z", box=None, range=None, spacing=None, role=None, threads=None,
         tmpdir=None, **how):  # fmt: skip
    """The volume at an address as a Source that can be read again, up or down where its format allows.

    axis: the axis swept. box: three (start, stop, step); range: one along the axis, after box. spacing: ((z, y, x),
    unit), instead of the file's. tmpdir: where slices are turned. how: what the format asks for: level, channel, time:
    which of those a file holds; allow_gaps; shape, dtype, endian, offset of raw voxels. Errors: UsageError for an address
    that is no volume and for options that do not fit it, Corrupt for damaged files, Refused for what cannot be swept.
    """
    how = {name: value for name, value in how.items() if value is not None and value is not False}
    kind, path, inside = ("raw", address, "") if "shape" in how else addresses.readable(address)
    known = {"inside": inside, "threads": threads or machine.threads(), "pool": pool or Pool(), **how}
    format = formats.of_name(kind)
    if format.slices:
        format, known["files"] = addresses.slices(path, "allow_gaps" in how)
    read = formats.module(format.reads).stored
    refuse(address, read, how, READS)
    part = {"sweep": sweep, "axis": axis, "box": box, "range": range, "spacing": spacing, "role": role}
    known |= {"path": path, "part": part}
    stored = call(read, known)
    return slabs.source(stored, known["pool"], tmpdir=tmpdir, **part) if isinstance(stored, slabs.Stored) else stored


RAW = "it is for raw voxels"
READS = {"level": "it has no levels", "channel": "it has no channel axis", "time": "it has no time axis",
         "allow_gaps": "", "dtype": RAW, "endian": RAW, "offset": RAW}  # fmt: skip
WRITES = {"chunks": "--chunks is for .zarr, .h5, .n5 and .precomputed",
          "codec": "--codec is for .zarr, .h5, .tif and .nii.gz",
          "shards": "--shards is for .zarr", "ome": "--ome is for .zarr", "pyramid": "--pyramid is for .zarr"}  # fmt: skip


def refuse(address, fn, given, whys):
    """UsageError for an option that a format does not take; where `whys` has an empty reason it does no harm."""
    for name in given:
        if ("version" if name == "ome" else name) not in inspect.signature(fn).parameters:
            why = whys.get(name, "it is not for this format")
            if why:
                raise UsageError(f"{address}: {why}; leave --{name} out")


def is_pipe(address):
    """Whether an address is a pipe that has a name, such as >(...) makes."""
    import os
    import stat

    return os.path.exists(address) and stat.S_ISFIFO(os.stat(address).st_mode)


def create(address, head, *, pool=None, overwrite=False, format=None, keep_axes=False, history=True, threads=None,
           tmpdir=None, encoded=None, **how):  # fmt: skip
    """A Sink that writes a stream with this head to an address and publishes it when finished.

    What comes along an axis, or in a direction, that the format does not take goes through a file in tmpdir.

    how: what the format takes, such as chunks, shards ("none" or three), codec and ome ("0.5", "0.4", "none"). What the
    format cannot keep of the head is in the sink's `lost`. Errors before the first block: UsageError for what has no
    meaning, Refused where the output exists, is being written, or cannot hold the stream.

    encoded: where exactly these voxels are stored already: their chunks are copied where the format can.
    """
    if is_pipe(address):
        from .pipe import Sink as Pipe

        return Pipe(address, head)
    kind, path, inside, pattern = addresses.writable(address, format)
    if head.is_part:
        raise Refused(f"{address}: the stream is a part of a volume, which is not written alone; crop it instead")
    asked, format = format, formats.of_name(kind)
    writer = formats.module(format.writes).Writer
    how = {name: value for name, value in how.items() if value is not None}
    refuse(address, writer, how, WRITES)
    stream = head.but(order=(0, 1, 2)) if keep_axes else head
    if stream.order[0] not in writer.axes or (stream.sweep == "down" and getattr(writer, "ordered", False)):
        from . import along

        rest = {"format": asked, "history": history, "threads": threads, **how}
        make = lambda head: create(address, head, pool=pool, overwrite=overwrite, **rest)  # noqa: E731
        return along.Sink(stream, make, pool or Pool(), tmpdir, str(path))
    volume = restored(stream)
    title = path.name.removesuffix(".zarr").removesuffix(".ome")
    known = {"axis": stream.order[0], "version": how.get("ome", "0.5"), "threads": threads or machine.threads(),
             "name": title, "pattern": pattern, "inside": inside, "history": history,
             "encoded": encoded if stream.order == head.order else None, **how}  # fmt: skip
    within = kind == "zarr" and addresses.in_image(path)
    if within:
        from .zarrlabels import Labels, checked, version_of

        image = path.parent.parent
        volume = checked(volume, image, how.get("ome"))
        known |= {"version": version_of(image), "within": True}
    kind_of = Labels if within else Target
    target = kind_of(str(path), overwrite, addresses.replaces(format, writer, inside))
    try:
        if kind == "sweep":
            sink = Published(lambda path: writer(path, head if history else head.but(history=())), target)
        else:
            known |= {"path": target.path, "head": volume}
            sink = Sink(stream, call(writer, known), target, pool or Pool(), history)
    except BaseException:
        target.abort()
        raise
    sink.lost, sink.noted = ((), ()) if kind == "sweep" else lost(address, volume, sink.writer, history)
    sink.lost = (*getattr(getattr(sink, "writer", None), "said", ()), *sink.lost)
    return sink

