"""The plane of slices that are too large, cut in tiles: the cut that reads least of those that the memory allows."""

from dataclasses import dataclass
from itertools import product
from math import ceil, prod


@dataclass(frozen=True)
class Grid:
    """A plane of `whole` rows and columns in tiles of `size`, of which the last ones may be smaller."""

    whole: tuple[int, int]
    size: tuple[int, int]

    @property
    def spans(self):
        """The spans of rows, and those of columns."""
        return [[(a, min(a + size, n)) for a in range(0, n, size)] for n, size in zip(self.whole, self.size)]

    @property
    def tiles(self):
        """(rows, columns) of each tile, row by row."""
        return list(product(*self.spans))

    @property
    def largest(self):
        """Tiles of which one takes the most memory: those with a halo on both sides, where there are any."""
        return list(product(*(spans[1:2] if len(spans) > 2 else spans for spans in self.spans)))

    @property
    def cuts_rows(self):
        """Whether no tile has whole rows."""
        return self.size[1] < self.whole[1]


def amplification(grid, heads, halo):
    """Voxels of chunks that are read for all tiles, each with its halo ((below, above) of rows, of columns), for those
    that there are; heads: of what is read."""
    return sum(_read(grid, head, halo) for head in heads) / max(1, sum(_stored(head) for head in heads))


def _read(grid, head, halo):
    """Voxels of chunks that are read of one source."""
    count = 1
    for spans, n, size, (below, above) in zip(grid.spans, head.whole[1:], _chunks(head), halo):
        count *= sum(ceil(min(n, b + above) / size) - max(0, a - below) // size for a, b in spans)
    return count * head.whole[0] * prod(_chunks(head))


def _stored(head):
    return head.whole[0] * prod(ceil(n / c) * c for n, c in zip(head.whole[1:], _chunks(head)))


def _chunks(head):
    """Rows and columns that are read at once."""
    return (head.chunks or (1, 1, 1))[1:]


def choose(whole, step, cost, fits):
    """The Grid of least cost(grid) that fits(grid), of the fewest tiles where several cost as much; None where none does.
    Tiles begin at multiples of `step` rows and columns. A smaller tile must fit, and cost no less, than a larger one."""
    most = [max(1, ceil(n / s)) for n, s in zip(whole, step)]

    def cut(*counts):
        """The Grid of so many tiles along each axis, or of the next larger tiles."""
        return Grid(whole, tuple(ceil(m / c) * s for m, c, s in zip(most, counts, step)))

    best = None
    for columns in _counts(most[1]):
        if best is not None and cost(cut(1, columns)) >= cost(best):
            break
        low, high = 1, most[0]                       # the fewest tiles along y that fit
        if not fits(cut(high, columns)):
            continue
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if fits(cut(middle, columns)) else (middle + 1, high)
        found = cut(high, columns)
        if best is None or (cost(found), len(found.tiles)) < (cost(best), len(best.tiles)):
            best = found
    return best


def _counts(most):
    """1, 2, 3, 4, 6, 8, 12, 16 and so on, and the most."""
    count = 1
    while count < most:
        yield count
        if count > 1 and count + count // 2 < most:
            yield count + count // 2
        count *= 2
    yield most
