"""Where a label meets itself: what a table of regions needs to know of a voxel's neighbours."""

from functools import cache
from itertools import product

import numpy as np

from ..kernels import contacts as kernels
from ..spec import op

AFTER = [step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]     # the neighbours behind a voxel


@cache
def what_is_met():
    """For each pattern of those neighbours behind a voxel that have its label, a bit each: whether the next along z, y and x
    has it (bits 0, 1, 2), and 8 times what the voxel adds to the Euler number, plus 8.

    A label is the union of its closed voxels, and its Euler number vertices - edges + faces - voxels; each of those counts
    where the last of the label's voxels is that have it.
    """
    pattern = np.arange(1 << len(AFTER))
    has = {step: pattern >> i & 1 for i, step in enumerate(AFTER)}
    euler = np.zeros(len(pattern), np.int64)
    for cell in product((-1, 0, 1), repeat=3):
        sharing = {tuple(c * s for c, s in zip(cell, side)) for side in product((0, 1), repeat=3)}
        later = [has[step] for step in sharing if step in has]
        last = 1 - np.maximum.reduce(later) if later else np.ones(len(pattern), np.int64)
        euler += last * (1 if sum(map(abs, cell)) % 2 else -1)
    return (has[1, 0, 0] | has[0, 1, 0] << 1 | has[0, 0, 1] << 2 | (euler + 8) << 3).astype(np.uint8)


@op("where a label goes on, and what a voxel adds to its Euler number", dtype="uint8", role="image",
    halo=lambda: ((0, 1), (1, 1), (1, 1)))  # fmt: skip
def contacts(src, dst, box):
    """See what_is_met; 64, which is nothing, where there is no label."""
    kernels.contacts(src, dst, box, np.array(AFTER), what_is_met())
