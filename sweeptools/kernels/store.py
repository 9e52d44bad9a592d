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


@kernel
def put_row(values, out, low, high, whole):
    """All of `values` (1-D float32 or float64) into `out` (1-D, as long); the number of NaN turned into 0."""
    if not whole:
        for i in range(out.size):
            out[i] = values[i]
        return 0
    if out.itemsize <= 2:
        return _put_small(values, out, low, high)
    nan = 0
    for i in range(out.size):
        nan += put(out, i, values[i], low, high, whole)
    return nan


@kernel
def _put_small(values, out, low, high):
    """put_row where the limits are exact as floats: no branch, and so in vectors (8 times as fast)."""
    kind = values.dtype.type
    nan, least, most, zero = np.uint32(0), kind(low), kind(high), kind(0)
    for i in range(out.size):
        nearest = np.rint(values[i])
        nan = np.uint32(nan + np.uint32(nearest != nearest))
        inside = nearest if nearest > least else least
        inside = inside if inside < most else most
        out[i] = np.int32(inside if nearest == nearest else zero)
    return np.int64(nan)
