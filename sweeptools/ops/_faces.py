"""Components over tiles of the plane: what each tile leaves at its faces, and the numbers of the whole.

A tile is traced alone (see _components.py). Beside its records it logs, slice by slice, which members of the window lie
at the faces that other tiles share, and where components begin. When all tiles are traced, their records are followed
forwards, without a voxel: every component of a tile is a number there, in order of its first voxel; those that touch
across faces become one (union-find on disk); and in the order of the first voxels of all they are numbered anew. The
first voxels of each tile rise, so that this is a merge of lists on disk, in memory for MERGED of them.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..kernels import faces, numbers

MERGED = 1 << 16                   # first voxels that are merged at a time
LOW_Y, HIGH_Y, LOW_X, HIGH_X = range(4)
NEAR = {6: ((0, (0,)),), 18: ((0, (-1, 0, 1)), (1, (0,))), 26: ((0, (-1, 0, 1)), (1, (-1, 0, 1)))}   # (dz, dx) at dy = 1


@dataclass(frozen=True)
class Faces:
    """What one tile logged. lines: int32, of each slice: the length of its record, the window, the number of stretches of
    each face; then of each face where its stretches begin, and the window's place in them + 1, 0 where there is none.
    values: of the stretches, where only equal voxels are neighbours. begins: int64, of each created component."""

    lines: Any
    values: Any
    begins: Any


@dataclass(frozen=True)
class Numbers:
    """The numbers in the whole of a tile's components, and how many there are in all."""

    array: np.ndarray              # on disk
    labels: int


def is_tile(head):
    """Whether slices are a part of their plane."""
    return head.box[1:] != tuple((0, n) for n in head.whole[1:])


def held(head):
    """Bytes of the lines of a slice, of the lines across the plane where tiles meet, and of what is merged."""
    if not is_tile(head):
        return 0
    return 64 * (sum(head.slice_shape) + head.whole[2]) + 64 * MERGED


# ------------------------------------------------------------------ while a tile is traced


def start(head, disk, by_value):
    """What the state of a scan has beside its window where it traces a tile; nothing where slices are whole."""
    if not is_tile(head):
        return {}
    (y0, y1), (x0, x1) = head.box[1:]
    _, ny, nx = head.whole
    return {
        "faces": Faces(disk.log(np.int32), disk.log(head.dtype) if by_value else None, disk.log(np.int64)),
        "shared": (y0 > 0, y1 < ny, x0 > 0, x1 < nx), "corner": (y0, x0), "plane": (ny, nx),
    }  # fmt: skip


def note(state, voxels, z, record):
    """Log what a slice leaves."""
    rows = state["row"] if state["by_value"] else np.ascontiguousarray(state["base"][1:, 1])
    group = 1 if state["by_value"] else len(state["bits"]) // len(state["starts"])
    counts, told, values = [], [], []
    for face, shared in enumerate(state["shared"]):
        if not shared:
            counts.append(0)
            continue
        line, places = face_of(voxels, group, rows, state["lab"], face)
        at = stretches(places)
        counts.append(len(at))
        told += [at, places[at]]
        values.append(line[at])
    log = state["faces"]
    log.lines.append(np.concatenate([[len(record), state["window"], *counts], *told]).astype(np.int32))
    if log.values is not None and values:
        log.values.append(np.concatenate(values))
    created = int(record[-3])
    if created:
        at = np.empty((created, 2), np.int64)
        kept = state["window"] - created
        if state["by_value"]:
            faces.value_firsts(state["row"], state["begin"], state["lab"], kept, at)
        else:
            faces.firsts(state["bits"], group, state["starts"], state["base"], state["lab"], kept, at)
        (y0, x0), (ny, nx) = state["corner"], state["plane"]
        log.begins.append((z * ny + at[:, 0] + y0) * nx + at[:, 1] + x0)


def face_of(voxels, group, rows, lab, face):
    """The voxels of a slice at one of its sides, and the window's place + 1 of each, 0 where it is background. rows: how
    many runs there are before each line of `group` rows."""
    if face in (LOW_Y, HIGH_Y):
        y = 0 if face == LOW_Y else len(voxels) - 1
        line, first = voxels[y], y - y % group
        some = line if group == 1 else voxels[first : first + group].any(axis=0)
        begins = some != 0
        begins[1:] &= some[1:] != some[:-1]
        run = np.cumsum(begins) - 1 + rows[y // group]
    else:
        line = voxels[:, 0 if face == LOW_X else -1]
        run = (rows[:-1] if face == LOW_X else rows[1:] - 1)[np.arange(len(line)) // group]
    inside = line != 0
    places = np.zeros(len(line), np.int32)
    places[inside] = lab[run[inside]] + 1
    return line, places


def stretches(line):
    """Where the stretches of equal items of a line begin."""
    return np.concatenate([[0], np.flatnonzero(line[1:] != line[:-1]) + 1])


# ------------------------------------------------------------------ when all tiles are traced


def join(parts, tiles, head, disk, connectivity, by_value, tabled):
    """[Numbers] of the tiles; parts: their Traces; tabled(trace): follow its records to the end; head: of the whole.
    Without parts it compiles what they will need."""
    if not parts:
        warm()
        return []
    firsts, lines, sides, offsets = disk.log(np.int64), disk.log(np.int64), [], [0]
    for part in parts:
        tabled(part)
        sides.append((len(lines), part.faces.values))
        replay(part, offsets[-1], firsts, lines)
        offsets.append(len(firsts))
    total = offsets[-1]
    parent, number, first = disk.zeros((total,), np.int64), disk.zeros((total,), np.int64), firsts.array()
    for a in range(0, total, MERGED):
        parent[a : a + MERGED] = np.arange(a, min(a + MERGED, total))
    for a, b in meetings(tiles, sides, lines, head):
        meet(a, b, NEAR[connectivity], by_value, parent, first)
    labels = merged(first, offsets, parent, number)
    faces.settle(parent, number)
    return [Numbers(number[a:b], labels) for a, b in pairwise(offsets)]


def warm():
    """Call the kernels on nothing, with the types that they are called with."""
    labels, at, bits = np.zeros(1, np.int32), np.empty((0, 2), np.int64), np.zeros((2, 1), np.uint64)
    faces.firsts(bits, 1, bits, np.zeros((2, 1), np.int32), labels, 0, at)
    faces.value_firsts(labels, labels, labels, 0, at)
    none, first = np.empty(0, np.int64), np.empty(0, np.int64)
    first.setflags(write=False)
    faces.unite(none, first, none, none)
    faces.settle(none, none)


def replay(part, offset, firsts, lines):
    """Follow the records of a tile forwards: log the first voxels of its components, and the numbers at its faces, from
    `offset` + 1 on: of each slice how many stretches each face has, and of each face where they begin, and the numbers."""
    log, table = part.log.array(), part.table.array()
    told, begins = part.faces.lines.array(), part.faces.begins.array()
    num = np.zeros(max(1, part.widest), np.int64)
    at = read = count = begun = 0
    left = len(table)
    while at < len(told):
        size, window, *counts = (int(n) for n in told[at : at + 6])
        at += 6
        record = log[read : read + size]
        read += size
        created = int(record[-3])
        root = table[left - created : left][::-1] == np.arange(window - created, window)
        firsts.append(begins[begun : begun + created][root])
        begun += created
        left, count = numbers.number(record, table, left, window, num, count)
        row = [np.array(counts, np.int64)]
        for n in counts:
            places = told[at + n : at + 2 * n]
            row += [told[at : at + n].astype(np.int64), np.where(places > 0, num[places - 1] + offset, 0)]
            at += 2 * n
        lines.append(np.concatenate(row))


def side(lines, begin, values, face, length, slices):
    """(numbers, voxels or None) of a face of a tile, slice by slice: lines of `length` items."""
    told, v = lines.array(), None if values is None else values.array()
    at, passed = begin, 0
    for _ in range(slices):
        counts = told[at : at + 4].tolist()
        skip, n = sum(counts[:face]), counts[face]
        here = at + 4 + 2 * skip
        widths = np.diff(told[here : here + n], append=length)
        line = np.repeat(told[here + n : here + 2 * n], widths)
        yield line, None if v is None else np.repeat(v[passed + skip : passed + skip + n], widths)
        at += 4 + 2 * sum(counts)
        passed += sum(counts)


def meetings(tiles, sides, lines, head):
    """Pairs of lines, slice by slice, of what meets: rows across the whole plane, columns within a row of tiles."""
    rows = sorted({rows for rows, _ in tiles})
    columns = sorted({columns for _, columns in tiles})
    place = {tile: i for i, tile in enumerate(tiles)}

    def lines_of(tile, face):
        (y0, y1), (x0, x1) = tile
        return side(lines, *sides[place[tile]], face, x1 - x0 if face in (LOW_Y, HIGH_Y) else y1 - y0, head.slices)

    for above, below in pairwise(rows):
        yield (across([lines_of((above, c), HIGH_Y) for c in columns]),
               across([lines_of((below, c), LOW_Y) for c in columns]))  # fmt: skip
    for row in rows:
        for before, behind in pairwise(columns):
            yield lines_of((row, before), HIGH_X), lines_of((row, behind), LOW_X)


def across(parts):
    """Lines that are one beside the other as one."""
    for some in zip(*parts, strict=True):
        numbers, values = zip(*some)
        yield np.concatenate(numbers), None if values[0] is None else np.concatenate(values)


def meet(a, b, near, by_value, parent, first):
    """Unite what touches where two stacks of lines meet."""
    before = None
    for here in zip(a, b, strict=True):
        for dz, steps in near:
            if not dz:
                pairs = [here]
            else:
                pairs = [] if before is None else [(before[0], here[1]), (here[0], before[1])]
            for one, other in pairs:
                for dx in steps:
                    unite(one, other, dx, by_value, parent, first)
        before = here


def unite(one, other, dx, by_value, parent, first):
    """Unite items x of a line with items x + dx of the other."""
    n = len(one[0])
    p, q = slice(max(0, -dx), n - max(0, dx)), slice(max(0, dx), n - max(0, -dx))
    a, b = one[0][p], other[0][q]
    both = (a > 0) & (b > 0)
    if by_value:
        both &= one[1][p] == other[1][q]
    a, b = a[both], b[both]
    new = np.ones(len(a), bool)
    new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    faces.unite(parent, first, a[new] - 1, b[new] - 1)


def merged(first, offsets, parent, number):
    """Number those that stand for others, or themselves alone, in the order of their first voxels; how many they are."""
    at, ends = np.array(offsets[:-1]), np.array(offsets[1:])
    room, count = max(1, MERGED // len(at)), 0
    while (at < ends).any():
        upto = np.minimum(at + room, ends)
        more = upto < ends
        bound = first[upto[more] - 1].min() if more.any() else None
        keys, ids = [], []
        for k in np.flatnonzero(at < ends):
            part = first[at[k] : upto[k]]
            n = len(part) if bound is None else int(np.searchsorted(part, bound, side="right"))
            here = np.arange(at[k], at[k] + n)
            here = here[parent[here] == here]
            keys.append(first[here])
            ids.append(here)
            at[k] += n
        ids = np.concatenate(ids)[np.argsort(np.concatenate(keys))]
        number[ids] = np.arange(count + 1, count + 1 + len(ids))
        count += len(ids)
    return count
