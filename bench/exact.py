"""Exact answers about whole volumes, from an array in this process, against cc3d and edt on the same; and what is hard
for them, in nanoseconds a voxel and bytes of the log on disk. Ours is streamed in blocks; theirs sees the whole volume.
"""

import tempfile
from functools import partial
from importlib.util import find_spec

import numpy as np

from . import agree, inside
from .harness import OURS, PEER, THREADS, Way, contest, timed
from .volumes import backgrounds, masks, worst

LABEL, EDT = "label --connectivity 26", "edt"


def labelled(v, threads=THREADS, beside=()):
    with tempfile.TemporaryDirectory() as folder:
        return inside.run(v, LABEL, *beside, threads=threads, tmpdir=folder)[0]


def distances(v, threads=THREADS):
    with tempfile.TemporaryDirectory() as folder:
        return inside.run(v, EDT, threads=threads, tmpdir=folder)[0]


def cc3d(v, **how):
    import cc3d

    return cc3d.connected_components(v, connectivity=26, **how)


def edt(v):
    import edt

    return edt.edt(v, parallel=THREADS, black_border=False)


def threads_of(fn, v):
    """Ours with all threads, which is what counts, and with one."""
    ways = [Way("sweeptools", OURS, partial(timed, fn, v))]
    if THREADS > 1:
        ways.append(Way("sweeptools, 1 thread", OURS, partial(timed, fn, v, 1), agree.equal))
    return ways


def labels(shape, scale):
    for name, v in masks(shape).items():
        ways = threads_of(labelled, v)
        if find_spec("cc3d"):
            ways += [Way("cc3d", PEER, partial(timed, cc3d, v), agree.labels),
                     Way("cc3d, binary_image", PEER, partial(timed, cc3d, v, binary_image=True), agree.labels)]  # fmt: skip
        yield contest(f"labels 26, {name}, {spelt(shape)}", ways, scale, v.size, v.nbytes, f"labels {name}",
                      () if find_spec("cc3d") else ("cc3d",))  # fmt: skip


def edts(shape, scale):
    for name, v in backgrounds(shape).items():
        ways = threads_of(distances, v)
        if find_spec("edt"):
            ways.append(Way("edt", PEER, partial(timed, edt, v), agree.within(1e-3)))
        yield contest(f"distance, {name}, {spelt(shape)}", ways, scale, v.size, v.nbytes, f"edt {name}",
                      () if find_spec("edt") else ("edt",))  # fmt: skip


def regions(shape, scale):
    """Labels with and without the table of regions in the same sweep: the second way is the one with the table."""
    for name, v in masks(shape).items():
        both = partial(timed, labelled, v, THREADS, ("+regions",))
        ways = [Way("labels", OURS, partial(timed, labelled, v)), Way("labels and regions", OURS, both, agree.equal)]
        yield contest(f"region table, {name}, {spelt(shape)}", ways, scale, v.size, v.nbytes, "regions")


def spelt(shape):
    return " x ".join(map(str, shape))


def contests(scale):
    shape = (max(32, scale.fast), *scale.planes[-1])
    for part in labels, edts, regions:
        yield from part(shape, scale)


def hard(scale):
    """(what, command, nanoseconds a voxel, bytes of log a voxel) of the worst cases, the second of two runs."""
    shape = (scale.fast, *scale.planes[-1])
    for name, v in worst(shape):
        for command in LABEL, EDT:
            for _ in range(2):
                with tempfile.TemporaryDirectory() as folder:
                    spent = timed(inside.run, v, command, threads=THREADS, tmpdir=folder)
            log = spent.out[2].report()["spool_bytes"]
            yield name, command, spent.seconds / np.prod(shape) * 1e9, log / np.prod(shape)
