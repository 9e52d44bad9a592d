"""Sums of separable filters with shared passes, and the graph that joins them: derivatives, and differences of blurs.

Weights along one axis are pairs (half, odd) as in _lines.py. A filter is a tuple of terms, each (along z, y, x).
"""

import numpy as np

from ..kernels import separable
from ..params import Param
from ..spec import op
from ._lines import merged, precision, response, stretched, strip_of
from .cast import cast

STRIP = 4096                           # columns of all rings together: they stay in the L2 cache


def scaled(weights, factor):
    """Weights times a number."""
    return tuple(factor * w for w in weights[0]), weights[1]


def _table(kinds, dtype):
    """Weightings as the kernels want them: (halves, radii, odds)."""
    radii = np.array([len(half) - 1 for half, _ in kinds])
    halves = np.zeros((len(kinds), max(radii) + 1), dtype)
    for row, (half, _) in zip(halves, kinds, strict=True):
        row[: len(half)] = half
    return halves, radii, np.array([odd for _, odd in kinds])


def _far(kinds):
    return max(len(half) for half, _ in kinds) - 1


def _strip(head, rings):
    return strip_of(head, STRIP // rings)


def _plane_scratch(head, along_y, along_x):
    strip = _strip(head, len(along_x))
    return {
        "acc": ((strip,), head.dtype),
        "line": ((strip + 2 * _far(along_x) * max(1, len(head.components)),), head.dtype),
        "rings": ((len(along_x), 2 * _far(along_y) + 1, strip), head.dtype),
    }


def _many(head, names):
    """So many values of each component, named by both."""
    return head.but(components=tuple(f"{c}.{n}" if c else n for c in head.components or ("",) for n in names))


@op(
    "several sums along x and y", edges=True, scratch=_plane_scratch, head=lambda head, names: _many(head, names),
    halo=lambda along_y, along_x: (0, _far(along_y), _far(along_x)),
    work=lambda along_x, along_y, terms: 2 * (len(along_x) * _far(along_x) + len(terms) * _far(along_y)),
)  # fmt: skip
def _plane(src, dst, box, *, along_y: Param("weightings"), along_x: Param("weightings"), terms: Param("pairs of them"),
           names: Param("of the results"), scratch):  # fmt: skip
    """A component for each name, of voxels that are floats."""
    src, step = merged(src)
    separable.plane(
        src, merged(dst)[0], stretched(box, step), *_table(along_y, src.dtype), *_table(along_x, src.dtype),
        np.array(terms), len(names), step, scratch["line"], scratch["rings"], scratch["acc"],
    )  # fmt: skip


def _voxels(head, had):
    """The head of the source of the pass along z, with components as they were before the pass in the plane."""
    return head.but(components=head.components[: len(head.components) // had])


def _depth_scratch(head, along_z, had):
    strip = _strip(_voxels(head, had), had)
    return {"acc": ((strip,), head.dtype), "rings": ((had, 2 * _far(along_z) + 1, strip), head.dtype)}


def _depth_head(head, components, names):
    head = head.but(components=components)
    return _many(head, names) if len(names) > 1 else head


@op(
    "several sums along z", edges=True, scratch=_depth_scratch, head=_depth_head,
    halo=lambda along_z: (_far(along_z), 0, 0), work=lambda along_z, terms: 2 * len(terms) * _far(along_z),
)  # fmt: skip
def _depth(src, dst, box, *, along_z: Param("weightings"), terms: Param("sums of components"), had: Param("components"),
           components: Param("of the volume"), names: Param("of the results"), scratch):  # fmt: skip
    """A component for each name; none where there is but one."""
    step = max(1, len(components))
    separable.depth(
        merged(src)[0], merged(dst)[0], stretched(box, step), *_table(along_z, src.dtype), np.array(terms), had,
        len(names), scratch["rings"], scratch["acc"],
    )  # fmt: skip


def filtered(stdin, filters, mode, cval, dtype=None, names=("",)):
    """The graph of several filters of a volume extended once, each a component: float32, or what precision() says.

    filters: for each of `names` its terms. Each pair of weights along y and x is computed once, if several need it.
    """
    head = stdin.head
    precise = precision(head.dtype, dtype)
    sums = []                                        # for each filter {along z: pairs (along y, x) that are summed}
    for terms in filters:
        by_z = {}
        for z, y, x in terms:
            by_z.setdefault(z, []).append((y, x))
        sums.append({z: tuple(pairs) for z, pairs in by_z.items()})
    planes = list(dict.fromkeys(pairs for by_z in sums for pairs in by_z.values()))
    along_z = list(dict.fromkeys(z for by_z in sums for z in by_z))
    along_y = list(dict.fromkeys(y for pairs in planes for y, _ in pairs))
    along_x = list(dict.fromkeys(x for pairs in planes for _, x in pairs))
    in_plane = [
        (k, along_y.index(y), along_x.index(x), i == 0) for k, pairs in enumerate(planes) for i, (y, x) in enumerate(pairs)
    ]
    in_depth = [
        (k, along_z.index(z), planes.index(pairs), i == 0) for k, by_z in enumerate(sums)
        for i, (z, pairs) in enumerate(by_z.items())
    ]  # fmt: skip
    if head.dtype.name != precise:
        stdin = stdin | cast(type=precise)
    flat = stdin | _plane(
        along_y=along_y, along_x=along_x, terms=in_plane, names=tuple(map(str, range(len(planes)))), mode=mode, cval=cval
    )
    if mode == "constant":
        each = [sum(response(response(cval, x, precise), y, precise) for y, x in pairs) for pairs in planes]
        cval = tuple(map(float, each * max(1, len(head.components))))
    return flat | _depth(
        along_z=along_z, terms=in_depth, had=len(planes), components=head.components, names=tuple(names), mode=mode,
        cval=cval,
    )  # fmt: skip


@op("length of a vector", head=lambda head, components: head.but(components=components))
def magnitude(src, dst, box, *, components: Param("of the volume, one vector each")):
    """The root of the sum of squares of the components; NaN where one is."""
    out, step = merged(dst)
    flat, have = merged(src)
    separable.magnitude(flat, out, stretched(box, step), have // step)
