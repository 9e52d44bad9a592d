"""Exact answers about whole volumes against cc3d and edt, in this process, on volumes in memory: `python -m bench.exact`.

Ours is streamed in blocks of 8 slices, with its log on disk; theirs sees the whole volume. All run in turn, several
rounds; times are of the wall, medians; what comes out is compared in the same run. The worst cases follow, in nanoseconds
a voxel, with the bytes of the log. QUICK=1 takes a smaller volume.
"""

import statistics
import sys
import tempfile
import time
from functools import partial

import numpy as np

from sweeptools.ops import _components as components
from sweeptools.ops import _distance as distance
from sweeptools.spec import Head
from sweeptools.spool import Disk
from sweeptools.stages import Threads

from . import __main__ as bench

SHAPE = (32, 250, 253) if bench.QUICK else (128, 1000, 1013)
DEPTH = 8


def slabs(n):
    return [(z, min(z + DEPTH, n)) for z in range(0, n, DEPTH)]


def label(mask, folder, threads=1):
    """(labels, bytes of the log) with 26 neighbours."""
    head, disk = Head(mask.shape, mask.dtype), Disk(folder)
    how = {"connectivity": 26, "by_value": False}
    state = components.trace_start(head, disk, **how)
    for a, b in slabs(len(mask)):
        components.trace_step(state, mask[a:b], None, a)
    table = components.resolve(components.trace.fn(state, **how), 2**32 - 1, "")
    state, out = components.numbered_start(head, **how, table=table, dtype=np.uint32), np.empty(mask.shape, np.uint32)
    for a, b in slabs(len(mask)):
        components.numbered_step(state, mask[a:b], out[a:b], a, table=table)
    components.numbered_end(state)
    return out, disk.bytes


def edt(mask, folder, threads=1):
    """(distances, bytes of the log)."""
    head, disk, workers = Head(mask.shape, mask.dtype), Disk(folder), Threads(threads)
    state = distance.fall_start(head, disk)
    for a, b in reversed(slabs(len(mask))):
        distance.fall_step(state, mask[a:b], None, a, every=0, threads=workers)
    ends, how = distance.ends.fn(state, every=0), {"every": 0, "keyed": 0, "squared": 0, "threads": workers}
    state, out = distance.rise_start(head, False), np.empty(mask.shape, np.float32)
    for a, b in slabs(len(mask)):
        distance.rise_step(state, mask[a:b], out[a:b], a, ends=ends, **how)
    distance.rise_end(state)
    workers.close()
    return out, disk.bytes


# ------------------------------------------------------------------ volumes


def smooth(shape, rough, seed=0):
    """Noise that is smooth over about so many voxels, with the mean 0."""
    rng = np.random.default_rng(seed)
    small = rng.standard_normal([n // rough + 3 for n in shape]).astype(np.float32)
    for axis, n in enumerate(shape):
        at = np.linspace(0, small.shape[axis] - 2, n)
        low, share = at.astype(int), (at % 1).astype(np.float32).reshape([-1 if k == axis else 1 for k in range(3)])
        small = np.take(small, low, axis) * (1 - share) + np.take(small, low + 1, axis) * share
    return small


def mask(condition):
    return np.ascontiguousarray(condition, np.uint8)


def contests(shape):
    rng = np.random.default_rng(1)
    corner, lone = np.ones(shape, np.uint8), np.ones(shape, np.uint8)
    corner[0, 0, 0] = 0
    lone.reshape(-1)[rng.integers(0, lone.size, 60)] = 0
    blobs = mask(smooth(shape, 8) > 0)
    yield label, "blobs", blobs
    yield label, "white noise", mask(rng.random(shape) < 0.5)
    yield label, "few large objects", mask(smooth(shape, 60) > 0)
    yield edt, "blobs", blobs
    yield edt, "far corner", corner
    yield edt, "lone zeros", lone


def worst(shape):
    rng = np.random.default_rng(2)
    place = np.indices(shape, sparse=True)
    rings = np.maximum(abs(place[1] - shape[1] // 2), abs(place[2] - shape[2] // 2))
    yield "checkerboard", mask((place[0] + place[1] + place[2]) % 2)
    yield "comb along z", mask((place[1] % 2 == 0) & (place[2] % 2 == 0) & (place[0] >= 0))
    yield "comb along x", mask((place[0] % 2 == 0) & (place[1] % 2 == 0) & (place[2] >= 0))
    yield "spiral", mask(np.broadcast_to((rings + (place[2] > shape[2] // 2)) % 4 < 2, shape))
    yield "noise at the 6-percolation threshold", mask(rng.random(shape) < 0.3116)
    yield "all background", np.zeros(shape, np.uint8)
    yield "all foreground", np.ones(shape, np.uint8)


# ------------------------------------------------------------------ running


def times(calls, rounds=bench.ROUNDS):
    """({name: median seconds}, {name: what came out last}), all in turn; a round before the first is not counted."""
    taken, out = {name: [] for name in calls}, {}
    for i in range(rounds + 1):
        for name, call in calls.items():
            began = time.perf_counter()
            out[name] = call()
            if i:
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(t) for name, t in taken.items()}, out


def main():
    import cc3d
    import edt as peer

    rate = lambda seconds: f"{np.prod(SHAPE) / seconds / 1e6:.0f}"  # noqa: E731
    print(f"{' x '.join(map(str, SHAPE))} uint8, {bench.ROUNDS} rounds, Mvox/s")
    with tempfile.TemporaryDirectory() as folder:
        for ours, name, volume in contests(SHAPE):
            if ours is label:
                calls = {"1T": partial(label, volume, folder)}
                calls["cc3d"] = partial(cc3d.connected_components, volume, connectivity=26)
            else:
                calls = {f"{n}T": partial(edt, volume, folder, n) for n in (1, bench.THREADS)}
                calls["edt"] = partial(peer.edt, volume, parallel=bench.THREADS, black_border=False)
            taken, out = times(calls)
            theirs = [*calls][-1]
            same = all((out[key][0] > 0).sum() == (out[theirs] > 0).sum() for key in taken if key != theirs)
            if ours is edt:
                same &= all(np.array_equal(out[key][0], out[theirs]) for key in taken if key != theirs)
            else:
                same &= int(out["1T"][0].max()) == int(out[theirs].max())
            best = min(t for key, t in taken.items() if key != theirs)
            told = ", ".join(f"{key} {rate(t)}" for key, t in taken.items())
            ratio = f"{taken[theirs] / best:.1f} times; {'equal' if same else 'DIFFERENT'}"
            print(f"{ours.__name__:6} {name:18} {told}: {ratio}")
            if not same:
                sys.exit(1)
        for name, volume in worst(SHAPE):
            for ours in (label, edt):
                taken, out = times({"": partial(ours, volume, folder)}, rounds=1)
                spent, log = taken[""] / volume.size * 1e9, out[""][1] / volume.size
                print(f"{ours.__name__:6} {name:36} {spent:6.1f} ns a voxel, {log:.3f} bytes a voxel on disk")


if __name__ == "__main__":
    main()
