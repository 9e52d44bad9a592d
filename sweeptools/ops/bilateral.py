"""sweep-bilateral: a mean that keeps edges."""

from math import exp, isfinite

import numpy as np

from ..errors import UsageError
from ..kernels import store, taps
from ..params import Arg, Lengths, Number, Value
from ..spec import op
from ._lines import merged, stretched, strip_of

STRIP = 512                            # columns worked through at a time
MOST = 100_000                         # voxels of a window: beyond it a volume takes days


def _radii(space, truncate):
    if not all(isfinite(s * truncate) for s in space):
        raise UsageError(f"space is {','.join(f'{s:g}' for s in space)} and truncate {truncate:g}, both must be finite")
    radii = tuple(int(truncate * s + 0.5) for s in space)
    if np.prod([2.0 * r + 1 for r in radii]) > MOST:
        raise UsageError(f"space is {','.join(f'{s:g}' for s in space)} px: the window must have at most {MOST} voxels")
    return radii


def weighted(space, truncate):
    """(places [t, 3] in the window, their weights, the place of its middle)."""
    radii = _radii(space, truncate)
    places = np.argwhere(np.ones([2 * r + 1 for r in radii]))
    parts = [[exp(-0.5 * (d / s) ** 2) if d else 1.0 for d in range(r + 1)] for s, r in zip(space, radii, strict=True)]
    weights = [parts[0][abs(z)] * parts[1][abs(y)] * parts[2][abs(x)] for z, y, x in places - radii]
    return places, np.array(weights), radii


def _scratch(head):
    strip = ((strip_of(head, STRIP),), "float64")
    return {"total": strip, "share": strip}


@op(
    "mean of what is near in space and in value: smooth, and keep edges", task="Windows", edges=True, casts=True,
    examples=("0,0,0.5 30", "0.5 30 --mode constant --cval 9 --truncate 2", "0.6 1e3 --mode nearest --dtype float32"),
    halo=lambda space, truncate: _radii(space, truncate), scratch=_scratch,
    work=lambda space, truncate: 25 * np.prod([2.0 * r + 1 for r in _radii(space, truncate)]),
)  # fmt: skip
def bilateral(src, dst, box, *, space: Arg(Lengths, "standard deviation in space", low=0, metavar="S_SPACE"),
              value: Arg(Value, "standard deviation in value", low=0, metavar="S_VALUE"),
              truncate: Number("reach of the window", low=0, unit="standard deviations") = 2.5, scratch):  # fmt: skip
    """Replace every voxel by a mean of its surroundings in which a voxel at distance d, whose value is v away, weighs
    exp(-d² / 2 S_SPACE²) exp(-v² / 2 S_VALUE²): noise below S_VALUE is smoothed, steps above it stay.

    The window reaches int(TRUNCATE * S_SPACE + 0.5) voxels to either side along each axis; an axis of S_SPACE 0 is left
    alone. S_VALUE 0 leaves every voxel as it is. The type is kept: means are taken in float64 and rounded once. A NaN makes
    NaN of every voxel whose window it lies in, an infinity infinities or NaN; in an integer type that --dtype asks for NaN
    is 0, with a warning. Components of a voxel are filtered apart. In mode constant the volume is extended by CVAL once.
    The work is that of the window's voxels, about 1.5 ns each: 27 for S_SPACE 0.5, 343 for 1.
    Errors: S_SPACE, S_VALUE or TRUNCATE that is negative or not finite, a window of more than 100000 voxels; in mode
    constant a CVAL that the type cannot hold.
    Weights in space are the C library's exponentials, those in value are the same on every CPU.
    Source: Tomasi and Manduchi 1998.
    """
    if not isfinite(value):
        raise UsageError(f"value is {value}, must be finite")
    src, step = merged(src)
    scale = min(0.5 / value / value, 1e300) if value else 1e300
    places, weights, middle = weighted(space, truncate)
    return taps.bilateral(
        src, merged(dst)[0], stretched(box, step), places, weights, middle, scale, step, scratch["total"], scratch["share"],
        *store.limits(dst.dtype),
    )  # fmt: skip
