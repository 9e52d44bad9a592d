"""sweep-keep-largest: keep the connected components of most voxels."""

from functools import partial

from ..params import Arg, Choice, Count, Flag
from ..spec import op
from ._objects import choose, largest


@op(
    "keep the largest connected components", task="Objects", extent="volume",
    examples=("1", "3 --connectivity 26", "2 --by-value"),
)  # fmt: skip
def keep_largest(
    stdin,
    *,
    count: Arg(Count, "components that stay", low=1, high=1 << 20, metavar="K") = 1,
    connectivity: Choice("6: neighbours share a face, 18: a face or an edge, 26: a face, an edge or a corner",
                         "6", "18", "26") = "6",
    by_value: Flag("only neighbours of equal value belong together") = False,
):  # fmt: skip
    """Write 0 everywhere but in the K connected components of the foreground that have most voxels, which keep their
    values. Of components of one size those stay that sweep-label numbers first. All stay where there are no more.

    Foreground is what is not zero; NaN is not zero. With --by-value neighbours belong together when they are equal too,
    so that labels which touch are apart; NaN equals nothing. The type is kept.

    Two sweeps, memory for a few slices; what becomes of components and their sizes is kept on disk, as with
    sweep-label. A source that changed in between is an error.
    """
    return choose(stdin, int(connectivity), by_value, partial(largest, most=count))
