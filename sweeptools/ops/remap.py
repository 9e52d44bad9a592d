"""sweep-remap: other numbers in the place of some."""

import os

import numpy as np

from ..errors import UsageError
from ..params import Arg, Param, whole_number
from ..spec import op
from ._relabel import replaced


class Pairs(Param):
    """Whole numbers and what takes their place: OLD=NEW, or a file of such pairs."""

    metavar = "OLD=NEW|FILE"

    def parse(self, text):
        """((old, new), ...)."""
        old, equals, new = text.partition("=")
        if equals and not os.path.exists(text):
            return ((whole_number(old, self.name), whole_number(new, self.name)),)
        if not os.path.isfile(text):
            raise UsageError(f"{self.name} is {text!r}, must be OLD=NEW, or a file with two columns: old and new number")
        return of_file(text, self.name)

    def canonical(self, value):
        return ",".join(f"{old}={new}" for old, new in flat(value))


class Rest(Param):
    """A whole number, or the word keep."""

    metavar = "NUMBER|keep"

    def parse(self, text):
        return text if text == "keep" else whole_number(text, self.name)


def of_file(path, name):
    """Pairs of the lines of a file, in two columns with a tab, spaces or a comma between; a first line of words is
    passed over."""
    pairs = []
    try:
        with open(path, encoding="utf-8") as file:
            for i, line in enumerate(file):
                words = line.replace(",", " ").split()
                if len(words) >= 2 and not (i == 0 and not words[0].lstrip("-").isdigit()):
                    pairs.append((whole_number(words[0], name), whole_number(words[1], name)))
                elif len(words) == 1:
                    raise UsageError(f"{path}: line {i + 1} has one column, must have two: old and new number")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text, must have two columns: old and new number") from None
    return tuple(pairs)


def flat(value):
    return [pair for part in value for pair in part]


@op(
    "put other numbers in the place of some", task="Objects",
    examples=("1=2 2=1", "3=0 --rest keep", "10=1 20=1 --rest 255"),
)  # fmt: skip
def remap(
    stdin,
    *,
    pairs: Arg(Pairs, "a number and what takes its place, or a file of them: two columns, old and new", multiple=True),
    rest: Rest("what takes the place of all other numbers; keep leaves them") = "keep",
):  # fmt: skip
    """Write NEW where a voxel is OLD. Numbers that no pair has as OLD are kept, or become NUMBER with --rest. Pairs are
    taken all at once: 1=2 2=1 swaps. An OLD that is given twice with different NEW is an error.

    A FILE has a line for each pair, OLD and NEW with a tab, spaces or a comma between, and may begin with a line of
    column names; further columns are not looked at. So labels can be joined, and dropped (NEW 0), by a table that was
    made of that of sweep-regions.

    The type is kept: a NEW that it does not hold is an error, an OLD that it does not hold is never met. Where voxels
    have components, each value is looked at for itself. One sweep.
    """
    dtype, table = stdin.head.dtype, {}
    for old, new in flat(pairs):
        if table.setdefault(old, new) != new:
            raise UsageError(f"{old} is to become both {table[old]} and {new}")
    for new in [*table.values(), *([] if rest == "keep" else [rest])]:
        if not holds(dtype, new):
            raise UsageError(f"{new} is no number of {dtype}; use sweep-cast first")
    old = sorted(number for number in table if holds(dtype, number))
    numbers = tuple(np.array(column, dtype) for column in (old, [table[number] for number in old]))
    return stdin | replaced(pairs=numbers, rest=None if rest == "keep" else rest)


def holds(dtype, number):
    """Whether a type has this whole number."""
    if dtype.kind != "f":
        return np.iinfo(dtype).min <= number <= np.iinfo(dtype).max
    with np.errstate(over="ignore"):
        near = float(dtype.type(number))
    return np.isfinite(near) and int(near) == number
