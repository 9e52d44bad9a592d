"""sweep-compare: whether two volumes are equal, and where they differ most."""

from ..params import Address, Flag, Number
from ..spec import op


@op(
    "tell where two volumes differ", kind="tool", task="Answers",
    examples=("a.zarr b.zarr", "a.zarr - --abs 0.5", "- b.h5:/data --rel 1e-6 --json"),
)  # fmt: skip
def compare(*, a: Address("a volume, or - for stdin", positional=True),
            b: Address("the volume it is compared with, or - for stdin", positional=True),
            abs: Number("voxels may differ by this", low=0) = 0,
            rel: Number("and by this share of the voxel of B", low=0) = 0,
            voxels: Flag("type and spacing may differ") = False,
            json: Flag("print one JSON object") = False):  # fmt: skip
    """Compare A and B: shape, type, spacing, and where shapes are equal every voxel: how many differ, the largest
    difference, and where it is first (z,y,x). A voxel differs where |a - b| > ABS + REL * |b|; NaN equals NaN and each
    infinity itself, 0 equals -0. NaN on one side only always differs and is counted apart. Integers of all types are
    compared exactly, also with floats and with each other.

    Exit status: 0 equal, 1 different, 4 could not be compared (an input is missing, damaged or failed).
    """
