"""sweep-stretch: grey levels onto the full range of the type."""

import numpy as np

from ..errors import UsageError
from ..kernels import levels
from ..params import Dtype, Number, Param
from ..spec import op
from ._levels import ends
from ._quantile import quantiles


@op("a range of values onto the full range of the result's type", casts=True)
def spread(src, dst, box, *, limits: Param("what becomes the least and the greatest value")):
    """Computed in float64, rounded once, clipped; without limits (None) only clipped."""
    low, high = (0.0, 0.0) if limits is None else limits
    facts = np.iinfo(dst.dtype) if dst.dtype.kind != "f" else None
    bottom, top = (facts.min, facts.max) if facts else (0, 1)
    return levels.spread(src, dst, box, low, high, bottom, top)


@op(
    "stretch grey levels to the full range of the type", task="Several sweeps", casts=True,
    examples=("", "--percent 2 98", "--percent 0.1 99.9 --dtype uint8", "--dtype float32"),
)  # fmt: skip
def stretch(
    stdin,
    *,
    percent: Number("percentiles that become the least and the greatest value", low=0, high=100, nargs=2,
                    unit="percent", metavar="LOW HIGH") = (0, 100),
    dtype: Dtype("type of the result, instead of the filter's own") = None,
):  # fmt: skip
    """Map the values between two percentiles onto the full range of the type (from its least to its greatest value,
    floats 0 to 1), by a straight line; what lies beyond is clipped. The type is kept unless --dtype is given.

    Percentiles are exact, numpy.percentile's `linear` on the finite voxels, and go to the report and the history. As
    in skimage.exposure.rescale_intensity, where both are the same value all voxels become that value, clipped to the
    range of the result. NaN stays NaN (0 in an integer type, with a warning), infinities are clipped. Integers are
    rounded to nearest, ties to even. Where voxels have components, there is one line for all. Computed in float64,
    rounded once.

    Two sweeps for 0 100 and for integers of up to 16 bits, three for other types of 32 bits, five for those of 64.
    """
    low, high = percent
    if not low < high:
        raise UsageError(f"percent is {low} {high}, the first must be less than the second")
    counted = stdin | ends() if (low, high) == (0, 100) else quantiles(stdin, (low / 100, high / 100))
    limits = counted.then(lambda two: None if two is None else np.asarray(two, object).tolist(),
                          found="limits")  # fmt: skip
    return stdin | spread(limits=limits, dtype=dtype)
