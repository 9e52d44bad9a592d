"""sweep-std: the standard deviation over a box."""

from ..kernels import spread, store
from ..params import Arg, Sizes
from ..spec import op
from ._lines import merged, stretched, strip_of
from .normalize import floating

STRIP = 256                            # columns worked through at a time


def _batch(size, depth):
    """(slices, rows) worked through at a time."""
    return max(1, min(depth, max(8, size[0]))), max(16, size[1])


def _scratch(head, depth, size):
    (slices, rows), strip = _batch(size, depth), strip_of(head, STRIP)
    line = ((2, strip + (size[2] - 1) * max(1, len(head.components))), "float64")
    return {
        "a": line, "b": line, "tile": ((rows + size[1] - 1, 2, strip), "float64"),
        "part": (((slices + size[0] - 1) * rows, 2, strip), "float64"), "done": ((slices, 2, strip), "float64"),
    }  # fmt: skip


@op(
    "standard deviation over a box", task="Windows", edges=True, dtype=floating, casts=True, role="image", scratch=_scratch,
    examples=("3", "1,5,4 --mode nearest --dtype float64", "2 --mode constant --cval 9 --dtype uint8"),
    halo=lambda size: tuple((n // 2, n - 1 - n // 2) for n in size), work=60,
)  # fmt: skip
def std(src, dst, box, *, size: Arg(Sizes, "edge lengths of the box"), scratch):
    """Replace every voxel by the standard deviation (of the population: the sum divided by n) of the box of SIZE around it.

    The place of a box is its voxel size // 2 along each axis, as sweep-box places it. The result is float32, float64 from
    float64; --dtype overrides. Means and squared deviations are merged in float64, in one fixed order and without any
    difference of large sums: a window of one value gives 0 whatever the value, and no digit is lost where the mean is
    large. A NaN or an infinity makes NaN of the voxels whose box it lies in, and of no others; where --dtype is an integer
    it becomes 0 with a warning. Components of a voxel are taken apart. In mode constant the volume is extended by CVAL
    once. Errors: in mode constant a CVAL that the type cannot hold.
    Equals numpy.std of each window. Source: Chan, Golub and LeVeque 1979.
    """
    src, step = merged(src)
    slices, rows = scratch["done"].shape[0], scratch["tile"].shape[0] - size[1] + 1
    return spread.deviation(
        src, merged(dst)[0], stretched(box, step), size, step, slices, rows,
        *(scratch[name] for name in ("a", "b", "tile", "part", "done")), *store.limits(dst.dtype),
    )  # fmt: skip
