"""sweep-relabel: number labels without gaps."""

import numpy as np

from ..spec import op
from ._relabel import check, present, replaced


@op(
    "number labels without gaps", task="Objects", extent="volume", role="labels",
    examples=("", "--dtype uint64", "--dtype uint16"),
)  # fmt: skip
def relabel(stdin):
    """Write 1 to N in the place of the N labels that occur, in their order: the least becomes 1. Labels are the whole
    numbers above 0; 0 and below become 0. A label keeps one number, whether its voxels are connected or not: for that
    use sweep-label --by-value. The type is kept. N is told by -v, and kept in the history.

    Two sweeps; memory for a few slices and 50 bytes for each label and thread. A stream of another type than whole
    numbers is an error.

    Same as skimage.segmentation.relabel_sequential.
    """
    check(stdin.head, "relabel")
    labels = stdin | present()
    count = labels.then(len, found="labels")
    pairs = labels.then(lambda old: (old, np.arange(1, len(old) + 1)))
    return stdin | replaced(pairs=pairs, rest=0, count=count)
