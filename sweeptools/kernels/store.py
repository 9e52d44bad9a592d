"""How a computed number becomes a voxel: integers take the nearest, ties to even, clipped, never wrapped; NaN is 0.

Every kernel that computes in floating point and may write any type ends with `put` or `put_row`, so that all of them
round alike. Both take what `limits` says of the destination's type and give the number of NaN turned into 0.
"""

import numpy as np

from ..jit import kernel


def limits(dtype):
    """(low, high, whole) of a type, as `put` wants them: least and greatest value *in that type*, is it integer."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iub":
        low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return dtype.type(low), dtype.type(high), True
    return dtype.type(-np.inf), dtype.type(np.inf), False


@kernel(inline=True)
def put(out, i, value, low, high, whole):
    """out[i] = value, a float32 or float64, in the type of `out` (1-D); 1 where NaN became 0, else 0."""
    if not whole:
        out[i] = value
        return 0
    nearest = np.rint(value)
    if nearest >= high:                # compared as floats: what rounds up to 2**63 is beyond int64's greatest
        out[i] = high
    elif nearest > low:
        out[i] = nearest
    elif nearest == nearest:
        out[i] = low
    else:
        out[i] = 0
        return 1
    return 0


@kernel(inline=True)
def put_row(values, out, low, high, whole):
    """All of `values` (1-D float32 or float64) into `out` (1-D, as long); the number of NaN turned into 0."""
    nan = 0
    for i in range(out.shape[0]):
        nan += put(out, i, values[i], low, high, whole)
    return nan
