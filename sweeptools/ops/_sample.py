"""Some slices of a volume, drawn at random, and how far what they say may be from what all would say.

Slices are what is drawn, not voxels: those of a slice are alike, so that a million of them may tell no more than one. Let
F be the share of a volume's voxels up to a value, and G that of the slices drawn. Were one voxel drawn at random from each
of N slices that are drawn with replacement, their share H would hold to F within e, at all values at once, but with a
chance of 2 exp(-2 N e^2) (Dvoretzky, Kiefer, Wolfowitz 1956; Massart 1990). G is the mean of H over the choice of those
voxels, so that convex functions of its greatest error are no larger in the mean than those of H's (Jensen); nor are they
when slices are drawn without replacement (Hoeffding 1963, theorem 4). What is bounded so has at most e = 2.718... times
the chance (Pinelis 1998, for chances whose logarithm is concave): 2 exp(1 - 2 N e^2), whatever the voxels are.
"""

from math import log, sqrt

import numpy as np

from ..params import Count, Param

SURE = 0.95                        # the confidence with which a band holds
STEPS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)      # splitmix64


def sample():
    """The parameter --sample of a command."""
    return Count("estimate from so many slices, drawn at random; default from all", low=1)


def seed():
    """The parameter --seed of a command."""
    return Count("which slices --sample draws", low=0, high=(1 << 63) - 1)


def part():
    """The parameter of a reduction that looks at some slices."""
    return Param("slices that count, rising; None where all do")


def drawn(head, sample, seed):
    """Indices, rising, of the slices of the whole that are drawn: those whose number, mixed with the seed, comes to least.
    None where all are taken."""
    n = head.whole[0]
    if sample is None or sample >= n:
        return None
    mixed = (np.arange(1, n + 1, dtype=np.uint64) + np.array([seed], np.uint64) * STEPS[1]) * STEPS[0]
    for shift, step in ((30, STEPS[1]), (27, STEPS[2])):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * step
    mixed ^= mixed >> np.uint64(31)
    return np.sort(np.argsort(mixed, kind="stable")[:sample])


def within(box, z, slices):
    """The parts of a box of a block, whose first slice is z, that lie in the slices; all of it where they are None."""
    if slices is None:
        yield box
        return
    z0, z1, *rest = box
    here = slices[np.searchsorted(slices, z + z0) : np.searchsorted(slices, z + z1)] - z
    for run in np.split(here, np.flatnonzero(np.diff(here) > 1) + 1):
        if len(run):
            yield (int(run[0]), int(run[-1]) + 1, *rest)


def band(slices):
    """How far the share of the voxels up to any value may be from that of the slices drawn, at all values at once, with the
    confidence SURE; 0 where all were taken."""
    return 0.0 if slices is None else sqrt(log(2 * np.e / (1 - SURE)) / (2 * len(slices)))


def size(head, slices):
    """Voxels, each value of one counted, in the slices drawn."""
    n = head.whole[0] if slices is None else len(slices)
    return n * head.whole[1] * head.whole[2] * max(1, len(head.components))
