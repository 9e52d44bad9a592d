"""The deed of sweep-compare: two volumes side by side, block by block."""

import json as js
import math
from dataclasses import replace

import numpy as np

from ..engines.inputs import never_wait, opened
from ..errors import Interrupted, SweepError, UsageError
from ..flow import Ahead, align
from ..params import convert

PIECE = 1 << 19                                        # voxels compared at once


class Incomparable(SweepError):
    """The comparison itself could not be made."""

    status = 4


def main(io, *, a, b, abs=0, rel=0, voxels=False, json=False, **_):
    """Print the comparison; 0 where equal, 1 where different."""
    if a == b == "-":
        raise UsageError("A and B are both stdin, one must be an address")
    try:
        sources = {"a": opened(a, io, a), "b": opened(b, io, b)}
        never_wait(sources, io)
        found = compare(*sources.values(), io, abs, rel)
    except Interrupted:
        raise
    except OSError as error:
        raise Incomparable(f"could not be compared: {error.filename or 'reading'}: {error.strerror}") from error
    except SweepError as error:
        raise Incomparable(f"could not be compared: {error}") from error
    parts = ("shape", "voxels") if voxels else ("shape", "type", "spacing", "voxels")
    same = all(found[part]["equal"] for part in parts)
    io.text(js.dumps({"equal": same, **found}) + "\n" if json else sentences(found, same))
    return 0 if same else 1


def compare(a, b, io, abs, rel):
    """All that is equal or not of two Sources; reads both to the end."""
    one, two = a.head, b.head
    shape, other = ((*h.shape, *h.slice_shape[2:]) for h in (one, two))
    found = {
        "shape": {"equal": shape == other, "a": shape, "b": other},
        "type": {"equal": one.dtype == two.dtype, "a": one.dtype.name, "b": two.dtype.name},
        "spacing": {"equal": same_spacing(one, two), "a": _spacing(one), "b": _spacing(two)},
    }
    if shape != other:
        for source in (a, b):                          # a pipe is read to its end mark: it may be that it failed
            for _ in () if source.again else source.blocks(source.head.sweep):
                pass
        return {**found, "voxels": {"equal": False}}
    ways = {s.head.sweep for s in (a, b) if not s.again} or {"up"}
    if len(ways) > 1:
        raise UsageError("one stream goes up, the other down")
    way = ways.pop()
    tally = Tally(shape, abs, rel)
    ahead = Ahead(b.blocks(way))
    try:
        for x, y in align([io.drain(replace(a, head=one.but(sweep=way))), ahead], way):
            tally.blocks(x.z - one.first, x, y, one, two)
    finally:
        ahead.close()
    if tally.seen != tally.voxels:
        raise SweepError(f"only {tally.seen} of {tally.voxels} voxels came")
    return {**found, "voxels": tally.report()}


class Tally:
    """What is known so far of the differences between voxels (components count as voxels here)."""

    def __init__(self, shape, abs=0, rel=0):
        self.shape, self.abs, self.rel = shape, abs, rel
        self.voxels, self.seen, self.differing, self.nan = math.prod(shape), 0, 0, 0
        self.largest, self.place, self.pair = 0, None, None

    def blocks(self, z, x, y, one, two):
        """Add two blocks of the same slices, of which the first is slice z, with the heads of their streams."""
        start, count = (n * math.prod(self.shape[1:]) for n in (z, x.n))
        if x.data is None and y.data is None and count:
            fills = (np.asarray(v.fill, h.dtype).reshape(-1) for v, h in ((x, one), (y, two)))
            a, b = np.broadcast_arrays(*fills)
            self.add(a, b, start, count // len(a))
            return
        a, b = (np.ascontiguousarray(v.array(h)).reshape(-1) for v, h in ((x, one), (y, two)))
        for i in range(0, count, PIECE):
            self.add(a[i : i + PIECE], b[i : i + PIECE], start + i)

    def add(self, a, b, start, times=1):
        """Add voxels, the first of which has the index `start`; all of them come so many times."""
        self.seen += len(a) * times
        if a.dtype == b.dtype and np.array_equal(*(np.ascontiguousarray(v).view(f"u{a.itemsize}") for v in (a, b))):
            return
        at, gap = differences(a, b, self.abs, self.rel)
        self.differing += len(at) * times
        known = gap == gap
        self.nan += int(np.count_nonzero(~known)) * times
        if not known.any():
            return
        at, gap = at[known], gap[known]
        k = int(np.argmax(gap))
        place = start + int(at[k])
        if self.place is None or (gap[k], -place) > (self.largest, -self.place):
            self.largest, self.place, self.pair = gap[k], place, (a[at[k]], b[at[k]])

    def report(self):
        """The figures as plain values."""
        facts = {"equal": not self.differing, "count": self.voxels, "differing": self.differing, "nan_in_one": self.nan}
        if self.place is None:
            return facts
        whole = all(v.dtype.kind in "iub" for v in self.pair)
        largest = int(self.largest) if whole else float(self.largest)
        where = [int(i) for i in np.unravel_index(self.place, self.shape)]
        return {**facts, "largest": largest, "at": where, "a": self.pair[0].item(), "b": self.pair[1].item()}


def differences(a, b, abs=0, rel=0):
    """(indices of the voxels that differ, |a - b| there: NaN where just one is NaN), exact for all integers.

    With 64-bit integers the arithmetic is that of long double, whose 64 bits of mantissa hold them and floats alike.
    """
    wide = any(v.dtype.kind in "iu" and v.dtype.itemsize == 8 for v in (a, b))
    a, b = (v.astype(np.longdouble if wide else np.float64) for v in (a, b))
    with np.errstate(all="ignore"):
        gap = np.abs(a - b)
        close = (gap <= abs + rel * np.abs(b)) & np.isfinite(b)
    at = np.flatnonzero(~(close | (a == b) | ((a != a) & (b != b))))
    return at, gap[at]


def same_spacing(one, two):
    """Whether two heads say the same distances, in whatever units."""
    if one.spacing is None or two.spacing is None:
        return one.spacing is two.spacing
    if (one.unit is None) != (two.unit is None):
        return False
    for s, t in zip(one.spacing, two.spacing):
        if (s is None) != (t is None):
            return False
        if s is not None and not math.isclose(s, convert(t, two.unit, one.unit), rel_tol=1e-9):
            return False
    return True


def _spacing(head):
    return None if head.spacing is None else [*head.spacing, head.unit]


def sentences(found, same):
    """The comparison as lines of `what: ...`."""
    lines = []
    for what in ("shape", "type", "spacing"):
        a, b = (_spell(found[what][side]) for side in "ab")
        lines.append(f"{what}: {a}" if found[what]["equal"] else f"{what}: {a} and {b}")
    voxels = found["voxels"]
    if "count" in voxels:
        lines.append(f"differing voxels: {voxels['differing']} of {voxels['count']}")
        if voxels["nan_in_one"]:
            lines.append(f"NaN in one only: {voxels['nan_in_one']}")
    if "at" in voxels:
        place = ",".join(map(str, voxels["at"]))
        lines.append(f"largest difference: {voxels['largest']!r} at {place}: {voxels['a']!r} and {voxels['b']!r}")
    return "\n".join([*lines, "equal" if same else "different", ""])


def _spell(value):
    if value is None:
        return "none"
    return value if isinstance(value, str) else ",".join(str(v) for v in value if v is not None)
