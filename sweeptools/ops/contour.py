"""sweep-contour: where labels meet."""

from itertools import product

import numpy as np

from ..errors import UsageError
from ..kernels import relabel
from ..params import Choice, Param
from ..spec import op


@op("1 where a neighbour has another value", dtype="uint8", role="mask", halo=lambda: (1, 1, 1))
def meets(
    src, dst, box, *, connectivity: Param("6, 18 or 26"), inner: Param("whether 0 has no contour"),
    mode: Param("what lies beyond the volume"),
):  # fmt: skip
    most = {6: 1, 18: 2, 26: 3}[connectivity]
    steps = [step for step in product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, step)) <= most]
    relabel.differs(src, dst, box, np.array(steps), inner)


@op(
    "mark where labels meet", task="Objects", dtype="uint8", role="mask",
    examples=("", "--connectivity 26", "--side both"),
)  # fmt: skip
def contour(
    stdin,
    *,
    connectivity: Choice("6: neighbours share a face, 18: a face or an edge, 26: a face, an edge or a corner",
                         "6", "18", "26") = "6",
    side: Choice("inner: voxels that are not 0; both: also those of the background that they touch",
                 "inner", "both") = "inner",
):  # fmt: skip
    """Write 1 where a voxel has a neighbour of another value, else 0: the surface of each label, the background's too
    with --side both. What lies beyond the volume is no neighbour. The result is a uint8 mask; NaN differs from all.

    One sweep. Same as skimage.segmentation.find_boundaries in its modes inner and thick.
    """
    if stdin.head.components:
        raise UsageError(f"contour needs labels, the stream has components {', '.join(stdin.head.components)}")
    return stdin | meets(connectivity=int(connectivity), inner=side == "inner", mode="nearest")
