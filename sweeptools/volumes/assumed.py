"""A volume that does not exist yet, as a plan takes it for: a Zarr array of some shape, type and chunks."""

from ..errors import UsageError
from ..params import DTYPES, Sizes
from ..spec import Head
from .slabs import Stored

CHUNKS = (64, 64, 64)


def stored(name, text):
    """The Stored of `Z,Y,X:DTYPE[:CHUNKS]`; reading it is an error."""
    shape, colon, rest = text.partition(":")
    dtype, _, chunks = rest.partition(":")
    if not colon or dtype not in DTYPES:
        raise UsageError(f"assume is {text!r}, must be Z,Y,X:DTYPE[:CHUNKS], as in 2000,4000,4000:uint16:64,64,64")
    sizes = Sizes("assume")
    sizes.name = "assume"
    shape, chunks = sizes.parse(shape), sizes.parse(chunks) if chunks else CHUNKS
    head = Head(shape, dtype, chunks=tuple(min(c, n) for c, n in zip(chunks, shape)), role="image")

    def read(dst, box):
        raise UsageError(f"{name} is only assumed: it cannot be read")

    return Stored(head, read, head.chunks, name)
