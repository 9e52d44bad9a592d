"""Stored volumes as streams, and streams as stored volumes: one file for each format.

`open` gives a Source, `create` a Sink; which format it is follows from the address.
"""

from importlib import import_module

from .. import machine
from ..errors import Refused, UsageError
from ..flow import Pool
from . import address as addresses
from . import slabs
from .publish import Target
from .sink import Published, Sink, restored


def open(address, pool=None, *, sweep="up", axis="z", box=None, range=None, level=None, channel=None, time=None,
         spacing=None, role=None, allow_gaps=False, threads=None):  # fmt: skip
    """The volume at an address as a Source that can be read again, up or down.

    axis: the axis swept. box: three (start, stop, step); range: one along the axis, after box. level, channel, time:
    which of those a file holds. spacing: ((z, y, x), unit), instead of the file's. Errors: UsageError for an address
    that is no volume and for options that do not fit it, Corrupt for damaged files, Refused for what cannot be swept.
    """
    threads = threads or machine.threads()
    kind, path, _ = addresses.readable(address)
    if kind != "zarr" and level is not None:
        raise UsageError(f"{address}: only Zarr volumes have levels; leave --level out")
    if kind not in ("zarr", "tiff"):
        for name, value in (("channel", channel), ("time", time)):
            if value is not None:
                raise UsageError(f"{address} has no {name} axis; leave --{name} out")
    if kind == "sweep":
        from . import savedpart

        return savedpart.source(path, pool or Pool(), sweep, axis, box, range, spacing, role)
    if kind == "slices":
        stored = import_module(".tiff", __name__).stack(path, allow_gaps=allow_gaps, threads=threads)
    else:
        stored = import_module(f".{kind}", __name__).stored(
            path, level=level, channel=channel, time=time, threads=threads
        )
    how = {"sweep": sweep, "axis": axis, "box": box, "range": range, "spacing": spacing, "role": role}
    return slabs.source(stored, pool or Pool(), **how)


def is_pipe(address):
    """Whether an address is a pipe that has a name, such as >(...) makes."""
    import os
    import stat

    return os.path.exists(address) and stat.S_ISFIFO(os.stat(address).st_mode)


def create(address, head, *, pool=None, overwrite=False, chunks=None, shards=None, codec=None, format=None, ome=None,
           keep_axes=False, history=True, threads=None):  # fmt: skip
    """A Sink that writes a stream with this head to an address and publishes it when finished.

    chunks, shards ("none" or three), codec and ome ("0.5", "0.4", "none") are for Zarr. Errors before the first block:
    UsageError for what has no meaning, Refused where the output exists, is being written, or cannot hold the stream.
    """
    if is_pipe(address):
        from .pipe import Sink as Pipe

        return Pipe(address, head)
    threads = threads or machine.threads()
    kind, path, pattern = addresses.writable(address, format)
    if head.is_part:
        raise Refused(f"{address}: the stream is a part of a volume, which is not written alone; crop it instead")
    asked = {"chunks": chunks, "shards": shards, "codec": codec, "ome": ome}
    given = [name for name, value in asked.items() if value is not None]
    if kind != "zarr" and given:
        raise UsageError(f"{address}: --{given[0]} is for .zarr")
    if kind == "sweep":
        from .saved import create_saved

        head = head if history else head.but(history=())
        target = Target(str(path), overwrite, addresses.replaces(kind))
        try:
            return Published(lambda path: create_saved(path, head), target)
        except BaseException:
            target.abort()
            raise
    stream = head.but(order=(0, 1, 2)) if keep_axes else head
    volume = restored(stream)
    module = {"zarr": "zarrwrite", "tiff": "tiffwrite", "slices": "tiffwrite", "npy": "npy"}[kind]
    writer = import_module(f".{module}", __name__).Writer
    if stream.order[0] not in writer.axes:
        raise Refused(f"{address}: a stream along {stream.axes[0]} cannot be written there: {writer.why}")
    facts = {}
    if kind == "zarr":
        title = path.name.removesuffix(".zarr").removesuffix(".ome")
        facts = {"axis": stream.order[0], "chunks": chunks, "shards": shards, "codec": codec, "version": ome or "0.5",
                 "threads": threads, "name": title}  # fmt: skip
    elif kind == "slices":
        facts = {"pattern": pattern}
    target = Target(str(path), overwrite, addresses.replaces(kind))
    try:
        return Sink(stream, writer(target.path, volume, **facts), target, pool or Pool(), history)
    except BaseException:
        target.abort()
        raise
