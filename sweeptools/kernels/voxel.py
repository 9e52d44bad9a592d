"""Arithmetic on one voxel at a time: [n, y, x] or [n, y, x, c] in, `box` of the same out.

What numpy's ufuncs do near the speed of memcpy is left to them, in parts that stay in the cache: a stage that only
casts, crops or compares then starts without numba. Every function that can meet NaN where an integer is due gives
the number of those it turned into 0.
"""

from math import ceil, floor

import numpy as np

from ..jit import kernel
from .store import limits, put

PART = 1 << 16                          # voxels at a time: part and scratch stay in the second level cache


def parts(box, *arrays):
    """Views of the same part of each array, at most about PART voxels or one row, until `box` is covered."""
    z0, z1, y0, y1, x0, x1 = box
    row = (x1 - x0) * (arrays[0].shape[3] if arrays[0].ndim == 4 else 1)
    if min(z1 - z0, y1 - y0, row) < 1:
        return
    rows = min(max(1, PART // row), y1 - y0)
    slices = max(1, PART // (row * (y1 - y0)))
    for z in range(z0, z1, slices):
        for y in range(y0, y1, rows):
            yield tuple(a[z : min(z + slices, z1), y : min(y + rows, y1), x0:x1] for a in arrays)


def scratch(part, dtype, made, name=""):
    """Memory of the shape of `part`, kept in the dict `made` from one part to the next, by type and name."""
    flat = made.get((dtype, name))
    if flat is None or flat.size < part.size:
        flat = made[dtype, name] = np.empty(part.size, dtype)
    return flat[: part.size].reshape(part.shape)


# ------------------------------------------------------------------ levels


def levels(low, high, dtype):
    """The least and the greatest value of `dtype` in LOW..HIGH, or None where it has none there.

    Exact for integers, whatever the levels; a float type compares with the levels rounded to it, as numpy does.
    """
    if low != low or high != high:
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return dtype.type(low), dtype.type(high)
    least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    if low > most or high < least:
        return None
    low = least if low <= least else ceil(low)
    high = most if high >= most else floor(high)
    return (dtype.type(low), dtype.type(high)) if low <= high else None


def nearest(value, dtype):
    """A number as a value of `dtype`: to integers the nearest, ties to even, clipped."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return dtype.type(value)
    least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return dtype.type(least if value <= least else most if value >= most else round(value))


def between(src, dst, box, low, high, value):
    """`value` where low <= v <= high, else 0; `dst` is uint8. NaN lies nowhere."""
    span = levels(low, high, src.dtype)
    made = {}
    for s, d in parts(box, src, dst):
        if span is None:
            d[...] = 0
            continue
        yes = d.view(np.bool_)
        np.greater_equal(s, span[0], out=yes)
        if span[1] < limits(src.dtype)[1]:
            yes &= np.less_equal(s, span[1], out=scratch(yes, np.bool_, made))
        if value != 1:
            np.multiply(d, np.uint8(value), out=d)


# ------------------------------------------------------------------ types


def convert(src, dst, box):
    """The same values in the type of `dst`: to integers the nearest, ties to even, clipped; NaN is 0 and counted."""
    if src.dtype.kind == "f" and dst.dtype.kind != "f":
        made = {}
        return sum(_to_integers(s, d, made) for s, d in parts(box, src, dst))
    z0, z1, y0, y1, x0, x1 = box
    s, d = src[z0:z1, y0:y1, x0:x1], dst[z0:z1, y0:y1, x0:x1]
    if dst.dtype.kind == "f":
        with np.errstate(over="ignore"):
            np.copyto(d, s, casting="unsafe")
        return 0
    (least, most, _), (low, high, _) = limits(src.dtype), limits(dst.dtype)
    low, high = max(int(least), int(low)), min(int(most), int(high))
    if (low, high) == (int(least), int(most)):
        np.copyto(d, s, casting="unsafe")
    else:
        np.clip(s, src.dtype.type(low), src.dtype.type(high), out=d, casting="unsafe")
    return 0


def _to_integers(s, d, made):
    """One part of floats to integers; computed in a float type in which only 64-bit limits are not exact."""
    low, high, _ = limits(d.dtype)
    wide = np.float64 if d.dtype.itemsize > 2 else s.dtype.type
    top = wide(high)
    inside = top if int(top) == int(high) else np.nextafter(top, wide(0))
    t, mark = np.rint(s, out=scratch(s, wide, made)), scratch(s, np.bool_, made)
    nan = int(np.count_nonzero(np.isnan(t, out=mark)))
    if nan:
        t[mark] = 0
    over = inside != top and np.greater_equal(t, top, out=mark).any()
    np.copyto(d, np.clip(t, wide(low), inside, out=t), casting="unsafe")
    if over:
        d[mark] = high
    return nan


def full_range(src, dst, box):
    """The full range of the one type mapped onto that of the other, floats 0..1; NaN in integers is 0 and counted.

    Integers to integers are exact: widths divide each other, so 2**a - 1 does, and the factor is a whole number;
    a quotient is never half-way, the divisor being odd. All else is computed in float64 and rounded once.
    """
    made, nan = {}, 0
    if src.dtype.kind == dst.dtype.kind == "f":
        return convert(src, dst, box)
    for s, d in parts(box, src, dst):
        if src.dtype.kind == "f":
            low, high, _ = limits(dst.dtype)
            t = np.multiply(s, float(int(high) - int(low)), out=scratch(s, np.float64, made), dtype=np.float64)
            nan += _to_integers(np.add(t, float(low), out=t), d, made)
            continue
        u = _unsigned(s, made)
        if dst.dtype.kind == "f":
            whole = float(256**src.dtype.itemsize - 1)
            np.copyto(d, np.divide(u, whole, out=scratch(s, np.float64, made), dtype=np.float64), casting="unsafe")
        else:
            _widen_or_narrow(u, d, made)
    return nan


def _unsigned(s, made):
    """Integers counted from the least of their type."""
    if s.dtype.kind == "u":
        return s
    u = s.view(f"u{s.dtype.itemsize}")
    return np.bitwise_xor(u, _sign(u.dtype), out=scratch(u, u.dtype, made))


def _sign(dtype):
    return dtype.type(1 << (8 * dtype.itemsize - 1))


def _widen_or_narrow(u, d, made):
    """Unsigned integers `u` over their full range onto the full range of the integers `d`."""
    out = d.view(f"u{d.dtype.itemsize}")
    if out.itemsize >= u.itemsize:
        factor = out.dtype.type((256**out.itemsize - 1) // (256**u.itemsize - 1))
        np.multiply(u, factor, out=out, dtype=out.dtype, casting="unsafe")
    else:
        factor = u.dtype.type((256**u.itemsize - 1) // (256**out.itemsize - 1))
        quotient = np.floor_divide(u, factor, out=scratch(u, u.dtype, made, "quotient"))
        rest = np.subtract(u, np.multiply(quotient, factor, out=scratch(u, u.dtype, made, "rest")))
        np.copyto(out, np.add(quotient, rest > factor // 2, out=quotient), casting="unsafe")
    if d.dtype.kind == "i":
        np.bitwise_xor(out, _sign(out.dtype), out=out)


# ------------------------------------------------------------------ loops


def where(src, volume, dst, box, fill):
    """The voxels of `src` where `volume` is not 0, `fill` elsewhere; one value of `volume` may serve all components."""
    z0, z1, y0, y1, x0, x1 = box
    c = src.shape[3] if src.ndim == 4 else 1
    if c > 1 and volume.ndim == 3:
        _where_each(src, volume, dst, z0, z1, y0, y1, x0, x1, fill)
    else:
        s, v, d = (a.reshape(*a.shape[:2], a.shape[2] * c) for a in (src, volume, dst))
        _where(s, v, d, z0, z1, y0, y1, x0 * c, x1 * c, fill)


@kernel
def _where(src, volume, dst, z0, z1, y0, y1, x0, x1, fill):
    for z in range(z0, z1):
        for y in range(y0, y1):
            v, keep, out = src[z, y, x0:x1], volume[z, y, x0:x1], dst[z, y, x0:x1]
            for x in range(out.shape[0]):            # from 0: an index that may be negative is not vectorised
                value = v[x]
                out[x] = value if keep[x] != 0 else fill


@kernel
def _where_each(src, volume, dst, z0, z1, y0, y1, x0, x1, fill):
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1):
                keep = volume[z, y, x] != 0
                for c in range(src.shape[3]):
                    dst[z, y, x, c] = src[z, y, x, c] if keep else fill


def linear(src, dst, box, old, new, inside):
    """The straight line through (old[0], new[0]) and (old[1], new[1]), in float64; NaN in integers is 0 and counted.

    `inside`: what lies beyond the one range becomes an end of the other. Where the old range has no width the values
    are only brought within the new one, as skimage.exposure.rescale_intensity does.
    """
    z0, z1, y0, y1, x0, x1 = box
    c = src.shape[3] if src.ndim == 4 else 1
    s, d = (a.reshape(*a.shape[:2], a.shape[2] * c) for a in (src, dst))
    old, new = tuple(map(float, old)), tuple(map(float, new))
    bounds = sorted(new) if old[0] == old[1] else sorted(old) if inside else (-np.inf, np.inf)
    return int(_linear(s, d, z0, z1, y0, y1, x0 * c, x1 * c, *old, *new, *bounds, *limits(dst.dtype)))


@kernel
def _linear(src, dst, z0, z1, y0, y1, x0, x1, in_low, in_high, out_low, out_high, least, most, low, high, whole):
    nan = 0
    width, gain = in_high - in_low, out_high - out_low
    for z in range(z0, z1):
        for y in range(y0, y1):
            line, out = src[z, y, x0:x1], dst[z, y, x0:x1]
            for x in range(out.shape[0]):
                v = np.float64(line[x])
                v = least if v < least else most if v > most else v
                if width != 0.0:
                    v = (v - in_low) / width * gain + out_low
                nan += put(out, x, v, low, high, whole)
    return nan
