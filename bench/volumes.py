"""Volumes to measure on: images that pack like images, and masks of every kind; the same for the same seed."""

import numpy as np

SLAB = 32              # slices made at a time
PERIOD = 24            # voxels between the random values that blobs are drawn through
FULL = {"uint8": 255, "uint16": 4095, "float32": 1.0}      # greatest voxel: a camera has 12 bits


def smooth(shape, period, seed=0, z0=0, z1=None):
    """Slices z0 to z1 of noise that is smooth over about so many voxels, with the mean 0."""
    rng = np.random.default_rng(seed)
    small = rng.standard_normal([n // period + 3 for n in shape]).astype(np.float32)
    places = [np.arange(z0, shape[0] if z1 is None else z1), np.arange(shape[1]), np.arange(shape[2])]
    for axis, at in enumerate(places):
        low, share = at // period, ((at % period) / period).astype(np.float32)
        share = share.reshape([-1 if k == axis else 1 for k in range(3)])
        small = np.take(small, low, axis) * (1 - share) + np.take(small, low + 1, axis) * share
    return small


def image(shape, dtype, seed=0):
    """Slabs of bright blobs on a dark background, with the noise of a camera: packs to about half, as images do."""
    full, rng = FULL[np.dtype(dtype).name], np.random.default_rng(seed + 1)
    for z in range(0, shape[0], SLAB):
        blobs = smooth(shape, PERIOD, seed, z, min(z + SLAB, shape[0]))
        np.maximum(blobs, 0, out=blobs)
        blobs *= 0.22
        blobs += 0.06
        blobs += np.sqrt(blobs) * 0.02 * rng.standard_normal(blobs.shape, np.float32)
        np.clip(blobs, 0, 1, out=blobs)
        blobs *= full
        if np.dtype(dtype).kind == "u":
            np.rint(blobs, out=blobs)
        yield blobs.astype(dtype)


def whole(shape, dtype, seed=0):
    """An image in memory."""
    return np.concatenate(list(image(shape, dtype, seed)))


def mask(condition):
    return np.ascontiguousarray(condition, np.uint8)


def masks(shape):
    """{name: mask} for labels: as objects are, as noise is, as large objects are."""
    rng = np.random.default_rng(1)
    return {
        "blobs": mask(smooth(shape, 8) > 0),
        "white noise": mask(rng.random(shape, np.float32) < 0.5),
        "few large objects": mask(smooth(shape, 60) > 0),
    }


def backgrounds(shape):
    """{name: mask} for distances: as objects are, one background voxel in a corner, some of them anywhere."""
    rng = np.random.default_rng(1)
    corner, lone = np.ones(shape, np.uint8), np.ones(shape, np.uint8)
    corner[0, 0, 0] = 0
    lone.reshape(-1)[rng.integers(0, lone.size, 60)] = 0
    return {"blobs": mask(smooth(shape, 8) > 0), "far corner": corner, "lone zeros": lone}


def worst(shape):
    """(name, mask) of what is hard for labels or distances."""
    rng = np.random.default_rng(2)
    z, y, x = np.indices(shape, sparse=True)
    rings = np.maximum(abs(y - shape[1] // 2), abs(x - shape[2] // 2))
    corner = np.ones(shape, np.uint8)
    corner[-1, -1, -1] = 0
    yield "checkerboard", mask((z + y + x) % 2)
    yield "comb along z", mask((y % 2 == 0) & (x % 2 == 0) & (z >= 0))
    yield "comb along x", mask((z % 2 == 0) & (y % 2 == 0) & (x >= 0))
    yield "spiral", mask(np.broadcast_to((rings + (x > shape[2] // 2)) % 4 < 2, shape))
    yield "one background voxel, far corner", corner
    yield "noise at the 26-percolation threshold", mask(rng.random(shape, np.float32) < 0.0976)
    yield "noise at the 6-percolation threshold", mask(rng.random(shape, np.float32) < 0.3116)
    yield "all background", np.zeros(shape, np.uint8)
    yield "all foreground", np.ones(shape, np.uint8)
