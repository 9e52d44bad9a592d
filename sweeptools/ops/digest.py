"""sweep-digest: what identifies the voxels of a volume, as stored and as recomputed."""

from ..params import Address, Flag
from ..spec import op


@op(
    "the digest of a volume", kind="tool", task="Answers",
    examples=("", "v.zarr", "v.zarr --json", "saved.sweep --slices"),
)  # fmt: skip
def digest(*, address: Address("the volume; stdin where it is left out", positional=True) = "-",
           slices: Flag("print the digest of every slice, too") = False,
           json: Flag("print one JSON object") = False):  # fmt: skip
    """Read a volume or stream to its end and print its digest as stored with it (in a stream: in its end mark), or
    none, and as recomputed: xxh3-128 over the list of (index, xxh3-64 of the slice's voxels), little-endian; 32
    hexadecimal digits. It depends on the voxels and their type alone: not on chunks, codec, cut, sweep or history, and
    two volumes of one shape and type with equal digests are equal.

    Exit status 4 where the stored digest differs, naming the slices, and where a stream or file is damaged.
    """
