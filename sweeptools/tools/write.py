"""The deed of sweep-write: a stream into a stored volume."""

from pathlib import Path

from .. import volumes
from ..errors import SweepError
from ..stream import Digest


def created(head, io, history, *, address, chunks=None, shards=None, codec=None, format=None, pyramid="none", ome=None,
            keep_axes=False, overwrite=False, encoded=None, **_):  # fmt: skip
    """The sink for a stream with this head, whose voxels may be stored somewhere as they are."""
    return volumes.create(
        address, head, pool=io.pool, overwrite=overwrite, chunks=chunks, shards=shards, codec=codec,
        format=format, ome=ome, pyramid=None if pyramid in ("none", 0) else pyramid,
        keep_axes=keep_axes, history=history, threads=io.threads, tmpdir=io.tmpdir, encoded=encoded,
    )  # fmt: skip


def put(source, io, *, address, stamp=None, **how):
    """Write a stream; the volume appears under its name only after the end mark has been verified."""
    sink = created(source.head, io, io.options.history, address=address, encoded=source.encoded, **how)
    for text in getattr(sink, "said", ()):
        io.say(text)
    io.files = planned(sink)
    try:
        io.admit([*source.memory, *sink.memory], source.head)
        verified = "slice_digests" in source.end     # a pipe's, which has been read with its digests
        digest = Digest()
        for block in io.drain(source):
            sink.write(block)
            if not verified:
                digest.add(block, source.head)
        sink.finish(source.end if verified else {**source.end, "slice_digests": digest.arrays()})
    except OSError as error:
        sink.abort()
        raise SweepError(f"{error.filename or address}: {error.strerror or error}; nothing was written") from error
    except BaseException:
        sink.abort()
        raise
    io.report["write"] = sink.stats
    for text in sink.lost:
        io.say(text)
    for text in getattr(sink, "noted", ()):
        io.verbose(text)
    if stamp:
        Path(stamp).touch()


def planned(sink):
    """How many files there will be, at most."""
    return getattr(getattr(sink, "writer", None), "planned", 0) or sink.stats["files"] or 1
