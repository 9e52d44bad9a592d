"""Voxels as functions of their place: each kernel fills dst [n, y, x], whose first voxel is `at` (z, y, x) in the volume."""

import numpy as np

from ..jit import kernel

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
ONE, S27, S30, S31 = np.uint64(1), np.uint64(27), np.uint64(30), np.uint64(31)


@kernel(inline=True)
def mix(h):
    """SplitMix64's output function: a bijection of 64-bit words (Steele, Lea, Flood 2014)."""
    h = (h ^ (h >> S30)) * FIRST
    h = (h ^ (h >> S27)) * SECOND
    return h ^ (h >> S31)


@kernel(inline=True)
def row(seed, z, y):
    """Where the generator of one row starts; its x-th number is mix(row + (x + 1) * GOLDEN)."""
    return mix(mix(mix(seed + GOLDEN) + np.uint64(z) * GOLDEN) + np.uint64(y) * GOLDEN)


@kernel
def noise(dst, at, seed, shift):
    """Integers: the upper bits of the hash, as many as the type has."""
    for i in range(dst.shape[0]):
        for y in range(dst.shape[1]):
            start = row(seed, at[0] + i, at[1] + y) + np.uint64(at[2]) * GOLDEN
            for x in range(dst.shape[2]):
                dst[i, y, x] = mix(start + (np.uint64(x) + ONE) * GOLDEN) >> shift


@kernel
def noise_float(dst, at, seed, shift, scale):
    """Floats: as many upper bits as the type holds exactly, times `scale`, a power of two."""
    for i in range(dst.shape[0]):
        for y in range(dst.shape[1]):
            start = row(seed, at[0] + i, at[1] + y) + np.uint64(at[2]) * GOLDEN
            for x in range(dst.shape[2]):
                dst[i, y, x] = np.int64(mix(start + (np.uint64(x) + ONE) * GOLDEN) >> shift) * scale


@kernel
def ramp(dst, at, top):
    """z + y + x, of which integers keep the bits of `top`."""
    first = at[0] + at[1] + at[2]
    for i in range(dst.shape[0]):
        for y in range(dst.shape[1]):
            for x in range(dst.shape[2]):
                dst[i, y, x] = (first + i + y + x) & top


@kernel
def checker(dst, at, period, high):
    """0 and `high` in cubes."""
    for i in range(dst.shape[0]):
        for y in range(dst.shape[1]):
            side = (at[0] + i) // period + (at[1] + y) // period
            for x in range(dst.shape[2]):
                dst[i, y, x] = high if (side + (at[2] + x) // period) & 1 else dst.dtype.type(0)


@kernel
def shells(dst, at, cz, cy, cx, period, whole):
    """Distance from (cz, cy, cx) modulo period; rounded down where `whole`."""
    for i in range(dst.shape[0]):
        dz = at[0] + i - cz
        for y in range(dst.shape[1]):
            dy = at[1] + y - cy
            for x in range(dst.shape[2]):
                dx = at[2] + x - cx
                d = np.sqrt(dz * dz + dy * dy + dx * dx)
                d = d - period * np.floor(d / period)
                dst[i, y, x] = np.floor(d) if whole else d


def blobs(dst, at, seed, period, shift, scale):
    """16-bit hashes at the nodes of a lattice, linear in between: v in 0 <= v < 65536.

    Integers are floor(v) * scale >> shift, floats (shift < 0) v / 65536. Every sum is a whole number below 2^53, so
    the one rounding is that of the division by period^3.
    """
    _blobs(dst, at, seed, period, shift, scale, np.empty((at[2] % period + dst.shape[2]) // period + 2))


@kernel
def _blobs(dst, at, seed, period, shift, scale, nodes):
    nx, first_node, shifted = dst.shape[2], at[2] // period, at[2] % period
    volume = np.float64(period * period * period)
    for i in range(dst.shape[0]):
        kz, fz = (at[0] + i) // period, (at[0] + i) % period
        for y in range(dst.shape[1]):
            ky, fy = (at[1] + y) // period, (at[1] + y) % period
            r00, r01 = row(seed, kz, ky), row(seed, kz, ky + 1)
            r10, r11 = row(seed, kz + 1, ky), row(seed, kz + 1, ky + 1)
            for k in range(nodes.size):
                here = (np.uint64(first_node + k) + ONE) * GOLDEN
                near = _16(mix(r00 + here)) * (period - fy) + _16(mix(r01 + here)) * fy
                far = _16(mix(r10 + here)) * (period - fy) + _16(mix(r11 + here)) * fy
                nodes[k] = near * (period - fz) + far * fz
            for k in range(nodes.size - 1):
                first, step, begin = nodes[k] * period, nodes[k + 1] - nodes[k], k * period - shifted
                for x in range(max(begin, 0), min(begin + period, nx)):
                    v = (first + step * (x - begin)) / volume
                    if shift < 0:
                        dst[i, y, x] = v / 65536.0
                    else:
                        dst[i, y, x] = np.int64(v) * scale >> shift


@kernel(inline=True)
def _16(h):
    return np.int64(h >> np.uint64(48))
