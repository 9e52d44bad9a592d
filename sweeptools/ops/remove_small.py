"""sweep-remove-small: drop the connected components of few voxels."""

from functools import partial

from ..params import Arg, Choice, Count, Flag
from ..spec import op
from ._objects import at_least, choose


@op(
    "drop connected components of few voxels", task="Objects", extent="volume",
    examples=("20", "3 --connectivity 26", "2 --by-value"),
)  # fmt: skip
def remove_small(
    stdin,
    *,
    size: Arg(Count, "voxels that a component must have to stay", low=0, metavar="N", unit="voxels"),
    connectivity: Choice("6: neighbours share a face, 18: a face or an edge, 26: a face, an edge or a corner",
                         "6", "18", "26") = "6",
    by_value: Flag("only neighbours of equal value belong together") = False,
):  # fmt: skip
    """Write 0 where a connected component of the foreground has fewer than N voxels; all other voxels keep their value.

    Foreground is what is not zero; NaN is not zero. With --by-value neighbours belong together when they are equal too,
    so that labels which touch are counted apart, though each part of a label that is not connected for itself; NaN
    equals nothing. The type is kept. How many components stay is told by -v, and kept in the history.

    Two sweeps, memory for a few slices; what becomes of components and their sizes is kept on disk, as with
    sweep-label. A source that changed in between is an error.

    As skimage.morphology.remove_small_objects with its min_size.
    """
    return choose(stdin, int(connectivity), by_value, partial(at_least, least=size))
