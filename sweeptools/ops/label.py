"""sweep-label: number the connected components of what is not zero."""

from functools import partial

import numpy as np

from ..errors import UsageError
from ..params import Choice, Flag
from ..spec import op
from ._components import nonzero, numbered, resolve, trace

MENDS = {"uint32": "; use --dtype uint64", "uint64": ""}


@op(
    "number the connected components", task="Objects", role="labels", extent="volume", tells=("labels",),
    examples=("", "--connectivity 26", "--dtype uint64", "--by-value", "--connectivity 18 --by-value"),
)  # fmt: skip
def label(
    stdin,
    *,
    connectivity: Choice("6: neighbours share a face, 18: a face or an edge, 26: a face, an edge or a corner",
                         "6", "18", "26") = "6",
    by_value: Flag("only neighbours of equal value belong together") = False,
    dtype: Choice("type of the labels", "uint32", "uint64") = "uint32",
):  # fmt: skip
    """Number the connected components of the foreground 1 to N, in order of their first voxel along z, y, x (of a
    stream that was turned, along its own axes). The background stays 0.

    Foreground is what is not zero; NaN is not zero, infinities are not. With --by-value neighbours belong together
    when they are equal too; NaN equals nothing, so that each NaN is a component of its own. The result is uint32; more
    labels than fit are an error before the first is written: then use --dtype uint64. How many labels were found is
    told, and kept in the history.

    Two sweeps, memory for a few slices: the first one logs which components meet and end in each slice, the log is
    followed from its end, and the second one repeats the first and writes. The log and what it comes to are
    kept on disk, about a megabyte per million voxels in the worst noise, next to nothing for large objects. A source
    that changed in between is an error.

    Same numbers as scipy.ndimage.label (with --by-value as cc3d.connected_components). Runs and union-find over two
    slices: He, Chao and Suzuki 2008.
    """
    if stdin.head.components:
        named = ", ".join(stdin.head.components)
        raise UsageError(f"label needs one value per voxel, the stream has components {named}")
    how = {"connectivity": int(connectivity), "by_value": by_value}
    voxels = stdin if by_value else stdin | nonzero()
    table = (voxels | trace(**how)).then(partial(resolve, most=int(np.iinfo(dtype).max), mend=MENDS[dtype]))
    count = table.then(lambda table: table.labels, found="labels")
    return voxels | numbered(**how, table=table, labels=count, dtype=np.dtype(dtype))
