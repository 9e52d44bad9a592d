"""sweep-info: what a volume or a stream is."""

from ..params import Address, Flag
from ..spec import op


@op(
    "tell what a volume is", kind="tool", task="Streams and flow",
    examples=("v.zarr", "slices/ --json", "-"),
)  # fmt: skip
def info(*, address: Address("a volume; else the stream on stdin", positional=True) = "-",
         json: Flag("print one JSON object") = False):  # fmt: skip
    """Tell the shape, type, spacing, origin, chunks, role, size and history of the volume at ADDRESS, without reading a
    voxel; or of the stream on stdin, which is read to its end and verified, and whose digest is told.

    One line for each fact, its name, a tab and its value; with --json one object with the same names. NaN has no part
    in it. Errors are those of sweep-read, and for a stream those of its verification (4).
    """
