"""sweep-local-threshold: each voxel against what is around it."""

import numpy as np

from ..kernels import voxel
from ..params import Arg, Choice, Sizes, Value
from ..params import Param as Fact
from ..spec import op
from ._differences import inner
from .box import box as local_mean
from .gauss import gauss
from .median import median


@op("1 where a voxel is above a local level less an offset", dtype="uint8", role="mask")
def above_local(src, level, dst, box, *, offset: Fact("what is taken from the level")):
    """v > level - OFFSET, in float64; 0 where either is NaN."""
    made = {}
    for s, m, d in voxel.parts(box, src, level, dst):
        t = np.subtract(m, offset, out=voxel.scratch(d, np.float64, made), dtype=np.float64)
        np.greater(s, t, out=d.view(np.bool_))


@op(
    "threshold by what is around each voxel", task="Windows", edges=True, dtype="uint8", role="mask",
    examples=("15", "1,9,9 --method gauss --mode nearest --offset 5", "3 --method median"),
)  # fmt: skip
def local_threshold(
    stdin, *, size: Arg(Sizes, "edge lengths of the box around a voxel"),
    method: Choice("mean of the box, its median, or a Gaussian of sigma (SIZE - 1) / 6", "mean", "median", "gauss") = "mean",
    offset: Value("what is taken from the local level") = 0, mode, cval,
):  # fmt: skip
    """Write 1 where v > level - OFFSET, else 0, the level being the mean, the median or the Gaussian mean of the box of SIZE
    around the voxel: for brightness that varies over the volume. The result is a uint8 mask.

    Means are taken and compared in float64. NaN gives 0; a level that is NaN, since a NaN lies in the window, gives 0
    too. An even SIZE is placed as scipy places it. Components of a voxel are compared apart.

    One sweep. As skimage.filters.threshold_local.
    """
    edge, reach = {"mode": mode, "cval": cval}, [(n // 2, n - 1 - n // 2) for n in size]
    if method == "mean":
        level = stdin | local_mean(size=size, dtype=np.dtype("float64"), **edge)
    elif method == "median":
        level = stdin | median(size=size, **edge)
    else:
        sigma = tuple((n - 1) / 6 for n in size)
        level = stdin | gauss(sigma=(sigma, "px"), dtype=np.dtype("float64"), **edge)
        reach = [(int(4 * s + 0.5),) * 2 for s in sigma]
    return inner(stdin, reach) | above_local(level, offset=offset)
