"""Blocks -> overlapping padded blocks: what a window of an operation needs, by the edge rule at the volume's own borders.

The edge words are scipy.ndimage's (numpy calls scipy's `reflect` symmetric and its `mirror` reflect).
"""

import numpy as np

from .errors import Refused, UsageError
from .spec import Block


def edge_index(p, n, mode):
    """Which voxel of 0..n-1 stands for the positions p (an array) along an axis; -1 where it is the constant."""
    p = np.asarray(p)
    inside = (p >= 0) & (p < n)
    if mode == "reflect":
        q = p % (2 * n)
        return np.where(q < n, q, 2 * n - 1 - q)
    if mode == "mirror":
        if n == 1:
            return np.zeros_like(p)
        q = p % (2 * n - 2)
        return np.where(q < n, q, 2 * n - 2 - q)
    if mode == "nearest":
        return np.clip(p, 0, n - 1)
    if mode == "wrap":
        return p % n
    return np.where(inside, p, -1)


def constant(cval, dtype):
    """cval as a voxel; a value that the type cannot hold is an error."""
    with np.errstate(all="ignore"):
        voxel = np.asarray(cval).astype(dtype)
    if dtype.kind != "f" and voxel != cval:
        raise UsageError(f"cval is {cval}, which a {dtype} voxel cannot hold")
    return voxel


class Windows:
    """Windows of one input: for output slices in stream order, `depth` at a time, the slices they need in one buffer.

    Iterating gives (z, n, src): output slices z to z + n (indices in the output's whole) and the C-contiguous
    src [m, y, x(, c)] that starts at input slice start + stride * z - below. The buffer is overwritten by the next step.
    Slices that a later window needs again are moved within the buffer; `bytes` is what it holds.
    """

    def __init__(self, source, out, reaches, depth, mode="constant", cval=0, sweep="up", wrapped=False):
        """source, out: heads; with `wrapped` the blocks come extended by the halo along z (see run)."""
        self.head, self.out, self.depth, self.sweep = source, out, max(1, depth), sweep
        self.z, self.y, self.x = reaches
        self.mode, self.wrapped = mode, wrapped
        self.cval = constant(cval if mode == "constant" else 0, source.dtype)
        for axis, r in zip((1, 2), reaches[1:]):
            if mode == "wrap" and (r.below or r.above) and source.shape[axis] != source.whole[axis]:
                raise Refused("mode wrap needs the whole axis, not a part of it")
        # reflections at a border may lie on the far side of an asymmetric window: keep as much on either side
        far = max(self.z.below, self.z.above) if mode in ("reflect", "mirror") and not wrapped else 0
        self.below, self.above = max(self.z.below, far), max(self.z.above, far)
        self.rows = self._positions(1, self.y)
        self.columns = self._positions(2, self.x)
        tail = source.slice_shape[2:]
        most = (min(self.depth, max(1, out.slices)) - 1) * self.z.stride + self.z.size + self.below + self.above
        self.shape = (most, self.rows[3], self.columns[3], *tail)
        self.bytes = int(np.prod(self.shape, dtype=object)) * source.dtype.itemsize

    def _positions(self, axis, reach):
        """What lies beyond the volume along y or x: ((position in the buffer, that of the voxel that stands for it, or
        -1), ...); first and last position that is copied; how many there are. It is as little as the halo."""
        lo, hi = self.head.box[axis]
        whole = self.head.whole[axis]
        below, above = (reach.below if lo == 0 else 0), (reach.above if hi == whole else 0)
        if not whole:
            return [(i, -1) for i in range(below + above)], 0, 0, below + above
        beyond = np.r_[lo - below : lo, hi : hi + above]
        v = edge_index(beyond, whole, self.mode)
        if ((v >= 0) & ((v < lo) | (v >= hi))).any():
            raise Refused(f"a part of {hi - lo} voxels is smaller than the halo beside the border")
        start = lo - below
        edges = [(int(p) - start, int(q) - start if q >= 0 else -1) for p, q in zip(beyond, v)]
        return edges, below, below + hi - lo, below + hi - lo + above

    def chunks(self):
        """(z0, z1) of the output in stream order."""
        z0, z1 = self.out.box[0]
        starts = range(z0, z1, self.depth)
        if self.sweep == "up":
            return [(z, min(z + self.depth, z1)) for z in starts]
        ends = range(z1, z0, -self.depth)
        return [(max(z - self.depth, z0), z) for z in ends]

    def needs(self, z0, z1):
        """[lo, hi) of the positions along z that output slices z0 to z1 need, those beyond the volume included."""
        r = self.z
        last = min(r.start + (z1 - 1) * r.stride + r.size, self.head.whole[0])
        return r.start + z0 * r.stride - self.below, last + self.above

    def over(self, blocks, pool):
        """The windows over a stream of blocks."""
        buffer = pool.array(self.shape, self.head.dtype)
        blocks = _Pending(blocks, self.sweep)
        lo = hi = None
        for z0, z1 in self.chunks():
            new_lo, new_hi = self.needs(z0, z1)
            kept = (0, 0)
            if lo is not None:
                kept = (max(lo, new_lo), min(hi, new_hi))
                if kept[0] < kept[1]:
                    _move(buffer, kept[0] - lo, kept[0] - new_lo, kept[1] - kept[0])
                else:
                    kept = (0, 0)
            lo, hi = new_lo, new_hi
            self._fill(buffer, blocks, lo, hi, kept)
            skip = self.below - self.z.below
            yield z0, z1 - z0, buffer[skip : hi - lo - (self.above - self.z.above)]
        blocks.drain()

    def _fill(self, buffer, blocks, lo, hi, kept):
        """Bring positions lo to hi into the buffer but for those that were kept."""
        n = self.head.whole[0]
        first, last = (lo, hi) if self.wrapped else self.head.box[0]
        real = (max(lo, first), min(hi, last))
        wanted = [(real[0], min(real[1], kept[0])), (max(real[0], kept[1]), real[1])] if kept[1] else [real]
        for a, b in wanted:
            for z, data in blocks.take(a, b, self.head):
                self._place(buffer[z - lo : z - lo + len(data)], data)
                del data                             # so that its memory is free while the next is awaited
        beyond = [p for p in (*range(lo, min(hi, first)), *range(max(lo, last), hi)) if not kept[0] <= p < kept[1]]
        for p, v in zip(beyond, edge_index(beyond, n, self.mode) if n else [-1] * len(beyond)):
            if v >= 0 and not lo <= v < hi:
                raise Refused(f"a part of {self.head.slices} slices is smaller than the halo beside the border")
            buffer[p - lo] = buffer[v - lo] if v >= 0 else self.cval

    def _place(self, into, data):
        """Copy slices into the middle of the buffer's and pad rows and columns."""
        (rows, y0, y1, _), (columns, x0, x1, _) = self.rows, self.columns
        np.copyto(into[:, y0:y1, x0:x1], data)
        for x, v in columns:
            into[:, y0:y1, x] = into[:, y0:y1, v] if v >= 0 else self.cval
        for y, v in rows:
            into[:, y] = into[:, v] if v >= 0 else self.cval


class _Pending:
    """Blocks of a stream, asked for by position."""

    def __init__(self, blocks, sweep):
        self.blocks, self.sweep, self.held = iter(blocks), sweep, None

    def take(self, a, b, head):
        """(z, slices) of positions a to b, in pieces, in stream order; what lies before them is dropped."""
        while a < b:
            block = self.held or next(self.blocks, None)
            if block is None:
                raise Refused(f"the stream ended before slice {a}")
            z0, z1 = max(a, block.z), min(b, block.z + block.n)
            self.held = None
            if z0 >= z1:
                continue
            yield z0, block.part(z0, z1).array(head)
            up = self.sweep == "up"
            rest = (z1, block.z + block.n) if up else (block.z, z0)
            if rest[0] < rest[1]:
                self.held = block.part(*rest)
            del block                                # so that its memory is free while the next is awaited
            a, b = (z1, b) if up else (a, z0)

    def drain(self):
        """Read on to the end of the stream, so that its end mark is seen."""
        for _ in self.blocks:
            pass


def _move(buffer, source, target, count):
    """Move slices within the buffer, one at a time in the order that never overwrites what is still to be moved."""
    if source != target:
        for i in range(count) if target < source else reversed(range(count)):
            buffer[target + i] = buffer[source + i]


def wrap_around(spool, n, below, above, sweep="up"):
    """The stream extended by `below` slices of its end and `above` of its start: what mode wrap sees along z."""
    runs, p = [], -below
    while p < n + above:
        z = p % n
        count = min(n - z, n + above - p)
        runs.append((p, z, z + count))
        p += count
    for p, z0, z1 in runs if sweep == "up" else reversed(runs):
        for block in spool.blocks(sweep, z0, z1):
            yield Block(p + block.z - z0, block.n, block.data, block.fill)
