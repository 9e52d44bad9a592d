"""Order statistics over large boxes: from voxel to voxel along x, by what enters and leaves the window.

Known of a window are the value of the wanted rank and how many voxels are below it, and below or equal. Sheets of
z by y voxels lie one after another, so that the window is one piece of memory and counting is at the speed of vector
instructions. One step counts the sheet that enters and the one that leaves (as Huang, Yang and Tang 1979, without a
histogram: any type of up to 32 bits); only where the value changes the window is counted, a few times, between two
bounds. Voxels are the keys of minima.py. The result is a selection: how it is found decides no byte.
"""

import numpy as np

from ..jit import kernel
from .minima import _load, _store

PART = 32768                           # values that a 16-bit number counts


@kernel
def _upto(values, level, narrow):
    """How many values are at most `level`."""
    total = 0
    if narrow:
        for at in range(0, values.size, PART):
            part, count = values[at : at + PART], np.uint16(0)
            for i in range(part.size):
                count = np.uint16(count + np.uint16(part[i] <= level))
            total += count
    else:
        few = np.uint32(0)
        for i in range(values.size):
            few = np.uint32(few + np.uint32(values[i] <= level))
        total += few
    return total


@kernel
def _both(values, level):
    """How many values are below, and at most, `level`; fewer than 2**32."""
    below, upto = np.uint32(0), np.uint32(0)
    for i in range(values.size):
        below = np.uint32(below + np.uint32(values[i] < level))
        upto = np.uint32(upto + np.uint32(values[i] <= level))
    return below, upto


@kernel
def _next(values, level, greatest):
    """The least value above `level`."""
    found = greatest
    for i in range(values.size):
        v = values[i] if values[i] > level else greatest
        found = v if v < found else found
    return found


@kernel
def _find(window, place, low, below, high, upto, probe, narrow, greatest):
    """(value of the rank `place`, how many are below it, how many at most it), which lies above `low`, which `below`
    values do not exceed, and not above `high`, which `upto` do not. Interpolation and bisection by turns."""
    even = False
    while high - low > 1:
        if upto - below == 1:
            probe[0] = max(low, -np.int64(greatest) - 1)
            if low >= -np.int64(greatest) - 1:
                return np.int64(_next(window, probe[0], greatest)), below, upto
        even = not even
        if even:
            level = low + 1 + np.int64((high - low - 1) * ((place - below + 0.5) / (upto - below)))
            level = min(level, high - 1)
        else:
            level = (low + high) // 2
        probe[0] = level
        count = _upto(window, probe[0], narrow)
        if count > place:
            high, upto = level, count
        else:
            low, below = level, count
    return high, below, upto


@kernel
def _move(window, place, value, below, upto, leap, probe, narrow, greatest):
    """_find, from a value whose counts are known and do not hold the place: bounds are sought in steps that grow."""
    least, most = -np.int64(greatest) - 1, np.int64(greatest)
    step = max(1, leap)
    if upto <= place:
        low, under, high, over = value, upto, most, window.size
        while low + step < most:
            probe[0] = low + step
            count = _upto(window, probe[0], narrow)
            if count > place:
                high, over = low + step, count
                break
            low, under = low + step, count
            step *= 4
    else:
        low, under, high, over = least - 1, 0, value - 1, below
        while high - step >= least:
            probe[0] = high - step
            count = _upto(window, probe[0], narrow)
            if count <= place:
                low, under = high - step, count
                break
            high, over = high - step, count
            step *= 4
    return _find(window, place, low, under, high, over, probe, narrow, greatest)


@kernel
def walk(src, dst, box, sizes, step, place, turn, narrow, greatest, lines, sheets, found, probe):
    """The key of rank `place`, counted from 0, over a box of sizes (z, y, x). `narrow`: keys of at most 16 bits.
    Scratch, of keys: lines [z, columns * step], sheets [step, columns * z * y], found [(columns - x + 1) * step] and
    probe [1]."""
    z0, z1, y0, y1, x0, x1 = box
    size_z, size_y, size_x = sizes
    area, strip, all_of = size_z * size_y, found.size, size_z * size_y * size_x
    least = -np.int64(greatest) - 1
    for z in range(z0, z1):
        for x in range(x0, x1, strip):
            n = min(strip, x1 - x)
            columns = n // step + size_x - 1
            done = y0
            for y in range(y0, y1):
                for row in range(done, y + size_y):
                    for k in range(size_z):
                        _load(src[z + k, row, x : x + columns * step], lines[k, : columns * step], turn)
                    at = (row % size_y) * size_z
                    for c in range(step):
                        for i in range(columns):
                            for k in range(size_z):
                                sheets[c, i * area + at + k] = lines[k, i * step + c]
                done = y + size_y
                for c in range(step):
                    value, below, upto = _find(
                        sheets[c, : all_of], place, least - 1, 0, np.int64(greatest), all_of, probe, narrow, greatest
                    )  # fmt: skip
                    leap = 0
                    for i in range(n // step):
                        if i > 0:
                            probe[0] = value
                            a, b = _both(sheets[c, (i + size_x - 1) * area : (i + size_x) * area], probe[0])
                            below, upto = below + a, upto + b
                            a, b = _both(sheets[c, (i - 1) * area : i * area], probe[0])
                            below, upto = below - a, upto - b
                            if not below <= place < upto:
                                window, old = sheets[c, i * area : i * area + all_of], value
                                value, below, upto = _move(
                                    window, place, value, below, upto, leap, probe, narrow, greatest
                                )  # fmt: skip
                                leap = (leap + abs(value - old)) // 2
                        found[i * step + c] = value
                _store(found[:n], dst[z, y, x : x + n], turn)
