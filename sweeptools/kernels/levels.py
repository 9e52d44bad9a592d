"""Grey levels moved by a line: computed in float64, rounded once to the type of the result."""

import numpy as np

from ..jit import kernel
from .store import limits, put

HUGE = 1e290                                         # beyond it a difference may overflow and all is halved, exactly


def standard(src, dst, box, mean, deviation):
    """(v - mean) / deviation, of voxels [n, y, x(, c)]; the number of NaN turned into 0 is returned."""
    scale = 0.5 if max(abs(mean), deviation) > HUGE else 1.0
    box, src, dst = flat(box, src, dst)
    return _standard(src, dst, box, scale, float(mean) * scale, float(deviation) * scale, *limits(dst.dtype))


def spread(src, dst, box, low, high, bottom, top):
    """LOW..HIGH onto BOTTOM..TOP, what lies beyond is clipped; where LOW is HIGH there is no line, and it is only
    clipped to both. BOTTOM and TOP are the limits of an integer type. The number of NaN turned into 0 is returned."""
    scale = 0.5 if max(abs(low), abs(high)) > HUGE else 1.0
    box, src, dst = flat(box, src, dst)
    numbers = (scale, float(low), float(high), float(bottom), float(top))
    if dst.dtype.kind == "f":
        _spread_floats(src, dst, box, *numbers)
        return 0
    return _spread_integers(src, dst, box, *numbers, limits(dst.dtype)[1])


def flat(box, *arrays):
    """`box` and arrays with the components of voxels, where there are any, laid out along x."""
    if arrays[0].ndim == 3:
        return (box, *arrays)
    c = arrays[0].shape[3]
    return ((*box[:4], box[4] * c, box[5] * c), *(a.reshape(a.shape[0], a.shape[1], a.shape[2] * c) for a in arrays))


@kernel
def _standard(src, dst, box, scale, mean, deviation, least, most, whole):
    z0, z1, y0, y1, x0, x1 = box
    nan = 0
    for z in range(z0, z1):
        for y in range(y0, y1):
            row, out = src[z, y, x0:x1], dst[z, y, x0:x1]
            for x in range(row.size):
                v = (np.float64(row[x]) * scale - mean) / deviation
                nan += put(out, x, v, least, most, whole)
    return nan


@kernel
def _spread_floats(src, dst, box, scale, low, high, bottom, top):
    z0, z1, y0, y1, x0, x1 = box
    first, width, height = low * scale, high * scale - low * scale, top - bottom
    for z in range(z0, z1):
        for y in range(y0, y1):
            row, out = src[z, y, x0:x1], dst[z, y, x0:x1]
            for x in range(row.size):
                v = np.float64(row[x])
                v = low if v < low else v
                v = high if v > high else v
                if width > 0:
                    v = (v * scale - first) / width * height + bottom
                else:
                    v = bottom if v < bottom else v
                    v = top if v > top else v
                out[x] = v


@kernel
def _spread_integers(src, dst, box, scale, low, high, bottom, top, most):
    z0, z1, y0, y1, x0, x1 = box
    first, width, height = low * scale, high * scale - low * scale, top - bottom
    nan = 0
    for z in range(z0, z1):
        for y in range(y0, y1):
            row, out = src[z, y, x0:x1], dst[z, y, x0:x1]
            for x in range(row.size):
                v = np.float64(row[x])
                nan += v != v
                v = low if v < low else v
                v = high if v > high else v
                if width > 0:
                    v = (v * scale - first) / width * height + bottom
                else:
                    v = bottom if v < bottom else v
                    v = top if v > top else v
                v = np.rint(v) if v == v else 0.0
                if v >= top:                         # of 64 bits no float64 is the greatest value
                    out[x] = most
                else:
                    out[x] = v
    return nan
