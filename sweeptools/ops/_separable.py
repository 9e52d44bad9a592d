"""Sums of separable filters: derivatives, differences of Gaussians, and one filter alone.

Weights along one axis are a pair (half, odd): the weights from the centre outwards, and whether the other side is
their negative. An axis that is not filtered has the single weight 1. A filter is a tuple of terms, each (along z, y, x).
"""

import numpy as np

from ..kernels import separable
from ..params import Param
from ..spec import op
from ._lines import holds, merged, precision, stretched, strip_of
from .cast import cast

ROW = 512                              # columns worked through at a time, more where windows are wider
RINGS = 1 << 19                        # bytes of rows summed along z and x: they stay in the L2 cache
SLICES = 8                             # worked through at a time, where that is so


def scaled(weights, factor):
    """Weights times a number."""
    return tuple(factor * w for w in weights[0]), weights[1]


def _table(kinds, dtype):
    """Weightings as the kernel wants them: (halves, radii, odds)."""
    radii = np.array([len(half) - 1 for half, _ in kinds])
    halves = np.zeros((len(kinds), max(radii) + 1), dtype)
    for row, (half, _) in zip(halves, kinds, strict=True):
        row[: len(half)] = half
    return halves, radii, np.array([odd for _, odd in kinds])


def _far(kinds):
    return max(len(half) for half, _ in kinds) - 1


def _scratch(head, depth, along, in_zx, in_y, precise):
    far_z, far_y, far_x = map(_far, along)
    step, planes, filters = max(1, len(head.components)), len({t[0] for t in in_zx}), len({t[0] for t in in_y})
    strip = strip_of(head, max(ROW, 2 * far_x * step))
    each = planes * (2 * far_y + 1) * strip * np.dtype(precise).itemsize
    slices = max(1, min(SLICES, RINGS // each, depth))
    wide = strip + 2 * far_x * step
    return {
        "rows": ((slices + 2 * far_z, wide), precise), "smooth": ((len(along[0]), wide), precise),
        "rings": ((slices, planes, 2 * far_y + 1, strip), precise), "acc": ((strip,), precise),
        "sums": ((filters, strip), precise), "squares": ((strip,), "float64"),
    }  # fmt: skip


def _head(head, names):
    """A component of each name, of each component that there is; none where there is one without a name."""
    if not any(names):
        return head
    return head.but(components=tuple(f"{c}.{n}" if c else n for c in head.components or ("",) for n in names))


@op(
    "separable filters", edges=True, scratch=_scratch, head=_head, halo=lambda along: tuple(map(_far, along)),
    dtype=lambda precise: np.dtype(precise),
    work=lambda along, in_zx, in_y: 2 * sum(_far(a) * n for a, n in zip(along, (len(along[0]), len(in_y), len(in_zx)))),
)  # fmt: skip
def _filtered(src, dst, box, *, along: Param("weightings along z, y, x"), in_zx: Param("pairs of them, summed to planes"),
              in_y: Param("planes, summed to filters"), names: Param("of the filters"), length: Param("of the vector"),
              precise: Param("type of the sums"), scratch):  # fmt: skip
    """Filters of the volume extended once; a NaN makes every sum that it enters NaN."""
    src, step = merged(src)
    dst = dst.reshape(*dst.shape[:2], -1)
    tables = [part for kinds in along for part in _table(kinds, precise)]
    separable.filtered(
        src, dst, stretched(box, step), *tables, np.array(in_zx), np.array(in_y), step, length,
        *(scratch[name] for name in ("rows", "smooth", "rings", "acc", "sums", "squares")),
    )  # fmt: skip


def filtered(stdin, filters, mode, cval, dtype=None, own=None, names=("",), length=False, head=None):
    """The graph of separable filters of a volume extended once, each a component with a name, or of the vector's length.

    The result is `dtype` or else `own`, by itself float32, float64 from float64. Passes that filters share are taken
    once: along z and x for each pair of weights, sums of those along y. `head` is stdin's where that is no input.
    """
    head = head or stdin.head
    final = dtype or own or ("float64" if head.dtype.name == "float64" else "float32")
    by_y = []                                        # for each filter {along y: pairs (along z, x) that are summed}
    for terms in filters:
        pairs = {}
        for z, y, x in terms:
            pairs.setdefault(y, []).append((z, x))
        by_y.append({y: tuple(zx) for y, zx in pairs.items()})
    planes = list(dict.fromkeys(zx for pairs in by_y for zx in pairs.values()))
    along = (
        list(dict.fromkeys(z for zx in planes for z, _ in zx)), list(dict.fromkeys(y for pairs in by_y for y in pairs)),
        list(dict.fromkeys(x for zx in planes for _, x in zx)),
    )  # fmt: skip
    in_zx = [(p, along[0].index(z), along[2].index(x), i == 0) for p, zx in enumerate(planes) for i, (z, x) in enumerate(zx)]
    in_y = [
        (f, along[1].index(y), planes.index(zx), i == 0) for f, pairs in enumerate(by_y)
        for i, (y, zx) in enumerate(pairs.items())
    ]  # fmt: skip
    precise = precision(head.dtype, dtype)
    if mode == "constant" and not holds(head.dtype, cval):
        stdin = stdin | cast(type=precise)
    out = stdin | _filtered(
        along=along, in_zx=in_zx, in_y=in_y, names=tuple(names), length=length, precise=precise, mode=mode, cval=cval
    )
    return out if final == precise else out | cast(type=final)
