"""The deed of sweep-pyramid: coarser levels for an image that is there."""

from ..errors import SweepError, UsageError
from ..volumes import address as addresses
from ..volumes.zarrlevels import Levels


def main(io, *, address, levels="auto", **_):
    """Read every volume of the image, reduce it, and put the levels in their place."""
    kind, path, _ = addresses.readable(address)
    if kind != "zarr":
        raise UsageError(f"{address} is no OME-Zarr image; sweep-write --pyramid auto makes one of a stream")
    made = Levels(path, levels, io.pool, io.threads)
    try:
        io.admit(made.memory)
        read = {}
        for source, at in made.sources(io.threads):
            for block in io.drain(source):
                made.take(block, at)
                del block
            read = {name: read.get(name, 0) + n for name, n in source.stats.items()}
        made.finish()
    except OSError as error:
        made.abort()
        raise SweepError(f"{error.filename or address}: {error.strerror or error}; no levels were added") from error
    except BaseException:
        made.abort()
        raise
    io.report |= {"read": read, "write": made.stats}
