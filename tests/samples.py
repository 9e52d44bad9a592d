"""Volumes that are hard on a filter: the whole range of the type, its ends, small values, and what is not a number."""

import numpy as np

from sweeptools.params import DTYPES

INTEGERS = [d for d in DTYPES if "int" in d]
FLOATS = [d for d in DTYPES if "float" in d]
SHAPES = [(5, 6, 7), (1, 1, 1), (1, 9, 2), (7, 1, 1), (0, 3, 4), (4, 3, 5, 2)]


def volume(dtype, shape=(5, 6, 7), seed=0):
    """Random voxels, a third each over the whole range, around zero and at the ends; floats with NaN and infinities."""
    dtype, rng, n = np.dtype(dtype), np.random.default_rng(seed), int(np.prod(shape))
    if dtype.kind == "f":
        wide = rng.normal(size=n) * 10.0 ** rng.uniform(-20, 20, n)
        small = rng.integers(-600, 600, n) / 2
        ends = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 2.0**31, 2.0**32, -(2.0**31), 2.0**63, 2.0**64], n)
    else:
        info = np.iinfo(dtype)
        wide = rng.integers(info.min, info.max, n, dtype=dtype, endpoint=True)
        small = np.clip(rng.integers(-20, 300, n), max(info.min, -20), min(info.max, 300))
        ends = rng.choice(np.array([info.min, info.min + 1, 0, info.max - 1, info.max], dtype), n)
    kind = rng.integers(0, 3, n)
    out = np.where(kind == 0, small.astype(dtype), np.where(kind == 1, ends.astype(dtype), wide.astype(dtype)))
    return out.reshape(shape)


def names(shape):
    """Names of the components of an array of this shape."""
    return tuple("abcdef"[: shape[3]]) if len(shape) == 4 else ()
