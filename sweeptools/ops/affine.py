"""sweep-affine: the volume turned, sheared, stretched and moved."""

from functools import partial
from math import hypot

import numpy as np

from ..errors import UsageError
from ..kernels import resample
from ..params import Arg, Choice, Param, Sizes, Value, number
from ..spec import Block, op
from ..window import constant
from ._axes import steps, whole
from ._lines import merged, precision
from ._splines import Held, Order, coefficients, spans
from .cast import cast
from .flip import _turn
from .permute import _turned

MARGIN = {0: 1, 1: 2, 3: 3}            # slices beside a point that its value may need, and one for rounding


class Matrix(Param):
    """9 or 12 numbers, rows along z, y, x and in each what z, y, x (and 1) of the result give; or a file of them."""

    metavar = "MATRIX"
    unit = "voxels"

    def parse(self, text):
        """Three rows of four numbers."""
        if "," in text:
            values = [float(number(part, self.name)) for part in text.split(",")]
            if len(values) not in (9, 12):
                raise UsageError(f"{self.name} has {len(values)} numbers, must have 9, or 12 with what is added in each row")
            rows = np.reshape(values, (3, -1))
        else:
            rows = self._file(text)
        if rows.shape == (4, 4) and list(rows[3]) != [0, 0, 0, 1]:
            raise UsageError(f"{self.name}: the last row of {text} is {list(rows[3])}, must be 0, 0, 0, 1")
        rows = np.c_[rows, np.zeros(3)] if rows.shape == (3, 3) else rows[:3]
        if not np.isfinite(rows).all():
            raise UsageError(f"{self.name} has a number that is not finite")
        return tuple(tuple(float(v) for v in row) for row in rows)

    def _file(self, path):
        try:
            rows = np.load(path) if path.endswith(".npy") else np.loadtxt(path, ndmin=2)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"{self.name} is {path!r}, which cannot be read: {why}") from None
        if rows.shape not in ((3, 3), (3, 4), (4, 4)) or rows.dtype.kind not in "iuf":
            raise UsageError(f"{self.name}: {path} holds {' x '.join(map(str, rows.shape))} {rows.dtype}, "
                             "must be numbers of 3 x 3, 3 x 4 or 4 x 4")  # fmt: skip
        return rows.astype(float)

    def canonical(self, value):
        return ",".join(repr(v) for row in value for v in row)


def _placed(head, matrix, shape):
    """The head of the result: its steps and its first voxel, measured where they lie in the source."""
    step, known = steps(head), head.spacing or (None,) * 3
    spacing = []
    for k in (0, 1, 2):
        lacking = any(known[i] is None and matrix[i][k] for i in (0, 1, 2))
        spacing.append(None if lacking else hypot(*(step[i] * matrix[i][k] for i in (0, 1, 2))))
    return whole(head).but(
        whole=shape, chunks=None, spacing=tuple(spacing) if head.spacing and any(spacing) else None,
        origin=tuple(o + s * row[3] for o, s, row in zip(head.origin, step, matrix)),
    )  # fmt: skip


def _windows(head, out, matrix, order, clip):
    """(first, last) slice of the source that each slice of the result needs; last < first where none."""
    (mz, my, mx, shift), n = matrix[0], head.whole[0]
    z = mz * np.arange(out.whole[0]) + shift
    reach = [m * max(0, size - 1) for m, size in ((my, out.whole[1]), (mx, out.whole[2]))]
    low, high = z + sum(min(0.0, r) for r in reach), z + sum(max(0.0, r) for r in reach)
    beyond = (high < -1) | (low > n) if not clip else np.zeros(len(z), bool)
    edge = MARGIN[order]
    first = np.clip(np.floor(np.clip(low, 0, n - 1)).astype(np.int64) - edge, 0, n - 1)
    last = np.clip(np.ceil(np.clip(high, 0, n - 1)).astype(np.int64) + edge, 0, n - 1)
    return first, np.where(beyond, -1, last)


def _widest(head, depth, out, matrix, order, clip):
    """Slices that the widest window of a block of the result has."""
    first, last = _windows(head, out, matrix, order, clip)
    ends = [(first[a:b].min(), last[a:b].max()) for a, b in spans(len(first), depth, "up")]
    return max((int(b - a) + 1 for a, b in ends), default=1)


def _held(head, depth, taken, out, matrix, order, clip):
    """The window, and the blocks that slices are taken from."""
    return (max(1, _widest(head, depth, out, matrix, order, clip)) + 2 * taken) * head.slice_bytes


@op("values at the points of a grid", extent="slice", memory=_held, dtype=lambda head, order, precise: precise,
    head=lambda head, gives: gives.but(dtype=head.dtype, components=head.components))  # fmt: skip
def _slices_for_affine(streams, work, *, matrix: Param("rows"), order: Param("of the spline"), clip: Param("to the border"),
                       cval: Param("beyond the volume"), back: Param("slices come from the last"),
                       precise: Param("type of the result"), gives: Param("head of the result")):  # fmt: skip
    """Slices of the source pass through a window as wide as a block of the result needs."""
    call = partial(_block, np.array(matrix), order, clip, np.dtype(precise).type(cval))
    head = work.heads[0]
    one = np.zeros((1, 1, max(1, len(head.components))), head.dtype)
    call(one, np.zeros(1, np.int64), 0, (1, 1, 1), np.zeros(one.shape, precise), (0, 1, 0, 1, 0, 1), 0, one.shape[2])
    return _grid(streams[0], work, call, matrix, order, clip, cval, back)


def _block(matrix, order, clip, cval, ring, slots, first, sizes, dst, box, z, step):
    """One box of a block whose first slice is z."""
    n = box[5] - box[4]
    index, weight, inside = np.empty((3, 4, n), np.int64), np.empty((3, 4, n)), np.empty(n, np.bool_)
    if order == 0:
        bits = f"u{ring.dtype.itemsize}"             # what is copied is the same for all types of a size
        resample.nearest(
            ring.view(bits), slots, first, sizes, dst.view(bits), box, z, matrix, clip, cval.view(bits), step, index,
            weight, inside,
        )  # fmt: skip
    else:
        resample.splines(ring, slots, first, sizes, dst, box, z, matrix, clip, cval, step, order, index, weight, inside)


def _grid(blocks, work, call, matrix, order, clip, cval, back):
    """With `back` slice v of the volume comes as slice n - 1 - v: what is half-way is rounded as the volume's own."""
    head, up = work.heads[0], work.way == "up"
    held = Held(blocks, head, work.way)
    first, last = _windows(head, work.head, matrix, order, clip)
    width = max(1, _widest(head, work.depth, work.head, matrix, order, clip))
    ring = work.pool.array((width, *head.slice_shape), head.dtype)
    flat, step = merged(ring)
    end = head.whole[0] - 1
    following = 0 if up else end                     # the first slice, in stream order, that was not taken yet
    for a, b in spans(len(first), work.depth, work.way):
        low, high = int(first[a:b].min()), int(last[a:b].max())
        if high < low:
            yield Block(a, b - a, None, np.asarray(cval, work.head.dtype)[()])
            continue
        slots = (end - np.arange(low, high + 1) if back else np.arange(low, high + 1)) % width
        own, low, high = low, *((end - high, end - low) if back else (low, high))
        for v in range(max(low, following), high + 1) if up else range(min(high, following), low - 1, -1):
            held.drop(v)
            ring[v % width] = held.slice(v)
            following = v + 1 if up else v - 1
        dst = work.pool.array((b - a, *work.head.slice_shape), work.head.dtype, work.depth)
        into, boxes = merged(dst)[0], work.threads.boxes(dst.shape)
        work.threads.each([partial(call, flat, slots, own, head.whole, into, box, a, step) for box in boxes])
        yield Block(a, b - a, dst)
        del dst, into
    held.drain()


@op("turn, shear, stretch and move", task="Geometry", extent="slice",
    examples=("1,0,0,0,1.5,0,0.2,0,1 --mode nearest --shape 9,8,7", "-1,0,0,3,0,0.8,-0.6,2,0,0.6,0.8,0 --order 0",
              "0.5,0,0.1,-0.25,0,1,0,2,0,0,1,0 --order 3"))  # fmt: skip
def affine(stdin, *, matrix: Arg(Matrix, "where a voxel of the result lies in the volume: 9 or 12 numbers, or a file"),
           shape: Sizes("voxels of the result along z, y and x, or one for all; else those of the volume",
                        unit="voxels") = None,
           order: Order("spline between voxels: 0 the nearest voxel, 1 linear, 3 cubic; auto is 0 for labels and masks, "
                        "else 1", "auto", "0", "1", "3") = "auto",
           mode: Choice("what lies beyond the volume: cval, or its border", "constant", "nearest") = "constant",
           cval: Value("what lies beyond it in mode constant") = 0,
           dtype):  # fmt: skip
    """Give voxel (z, y, x) of the result the value of the volume at MATRIX times (z, y, x, 1), as
    scipy.ndimage.affine_transform does: MATRIX leads from the result to the volume, in voxels.

    MATRIX is three rows, for z, y and x, each of what z, y and x of the result give and what is added (0 where there are
    9 numbers): `1,0,0,0,0.9,-0.4,0,0.4,0.9` turns slices in their plane. A file holds 3 x 3, 3 x 4 or 4 x 4 numbers, as
    text or .npy. The value is that of the nearest voxel, or of the straight line or the cubic spline through the voxels,
    mirrored at the outermost ones. Beyond the centres of these it is CVAL, in mode nearest that of the nearest point on
    the border.

    Slices of the volume pass through a window as wide as the tilt makes it: |row z's part of y| times the rows of the
    result, and so for x, and some more. Rows beyond the slices' own plane thus cost memory, and a window that exceeds
    the budget is refused. Where a slice of the result lies more along y or x of the volume than along z, the volume is
    put in that order first, through a temporary file as sweep-permute does; where it goes backwards along z it is
    turned round as sweep-flip does.

    The type is kept; sums are taken in float64 of voxels (of float32 coefficients, where the volume is not float64 or of
    32 or 64 bits, for order 3) and rounded to float32 or float64, then to the type: integers to the nearest, ties to
    even, clipped. With order 0 every type is exact. A NaN makes NaN of what it has a part in, for order 3 within some 14
    voxels; where the result is an integer NaN becomes 0 with a warning. CVAL must be a value of the type.

    The spacing is the distance in the volume of voxels that are neighbours in the result, the origin where its first
    voxel lies there; the axes keep their names. Errors: a MATRIX of another shape, numbers that are not finite (2).
    """
    head, final = stdin.head, dtype or stdin.head.dtype.name
    constant(cval, head.dtype)
    gives = _placed(head, matrix, tuple(shape or head.whole))
    if 0 in head.whole and 0 not in gives.whole:
        raise UsageError("the volume has no voxels")
    rows = list(matrix)
    main = max((0, 1, 2), key=lambda i: (abs(rows[i][0]), -i))
    if order == 3:
        stdin = coefficients(stdin, (0, 1, 2), "mirror", dtype)
    if main:
        turn = (main, *(i for i in (0, 1, 2) if i != main))
        stdin, rows = stdin | _turned(order=turn), [rows[i] for i in turn]
    if rows[0][0] < 0:
        stdin = stdin | _turn()
    precise = head.dtype.name if order == 0 else precision(head.dtype, dtype)
    out = stdin | _slices_for_affine(
        matrix=tuple(rows), order=order, clip=mode == "nearest", cval=cval, back=rows[0][0] < 0,
        precise=precise, gives=gives,
    )  # fmt: skip
    return out | cast(type=final) if final != precise else out
