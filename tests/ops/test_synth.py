"""sweep-synth: every kind equals a plain formula, voxel by voxel, however it is read."""

import itertools
import math

import numpy as np
import pytest

from sweeptools import spec
from sweeptools.errors import UsageError
from sweeptools.flow import Pool
from sweeptools.params import DTYPES
from sweeptools.tools import synth

WORD = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(h):
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    h = (h ^ (h >> 27)) * 0x94D049BB133111EB & WORD
    return h ^ (h >> 31)


def word(seed, z, y, x):
    h = mix((seed + GOLDEN) & WORD)
    for i in (z, y, x + 1):
        h = mix((h + i * GOLDEN) & WORD)
    return h


def formula(kind, shape, dtype, seed, period, z, y, x):
    """One voxel, in Python's own integers."""
    whole = dtype.kind != "f"
    bits = dtype.itemsize * 8
    top = int(np.iinfo(dtype).max) if whole else 1
    if kind == "zeros":
        return 0
    if kind == "ramp":
        return (z + y + x) % (top + 1) if whole else z + y + x
    if kind == "noise":
        h = word(seed, z, y, x)
        if not whole:
            hold = 24 if bits == 32 else 53
            return (h >> (64 - hold)) / 2**hold
        v = h >> (64 - bits)
        return v - 2**bits if dtype.kind == "i" and v >> (bits - 1) else v
    if kind == "checker":
        return top * ((z // period + y // period + x // period) % 2)
    if kind == "shells":
        d = math.sqrt(sum((i - (n - 1) / 2) ** 2 for i, n in zip((z, y, x), shape)))
        d -= period * math.floor(d / period)
        return math.floor(d) if whole else d
    total = 0
    for corner in itertools.product((0, 1), repeat=3):
        at = [i // period + c for i, c in zip((z, y, x), corner)]
        weights = [i % period if c else period - i % period for i, c in zip((z, y, x), corner)]
        total += (word(seed, *at) >> 48) * math.prod(weights)
    if not whole:
        return total / period**3 / 65536
    v, room = total // period**3, top.bit_length()
    return v >> (16 - room) if room < 16 else v << (room - 16)


def oracle(kind, shape, dtype, seed, period, planes):
    dtype = np.dtype(dtype)
    out = np.empty((len(planes), *shape[1:]), dtype)
    for i, y, x in np.ndindex(out.shape):
        out[i, y, x] = formula(kind, shape, dtype, seed, period, planes[i], y, x)
    return out


def source(kind, shape, **params):
    return synth.open(Pool(), kind=kind, shape=shape, **params)


def volume(s, direction="up"):
    out = np.empty(s.head.shape, s.head.dtype)
    seen = []
    for block in s.blocks(direction):
        out[block.z : block.z + block.n] = block.array(s.head)
        seen.append((block.z, block.n))
    assert sum(n for _, n in seen) == s.head.slices
    assert seen == sorted(seen, reverse=direction == "down")
    return out


KINDS = ("zeros", "ramp", "noise", "blobs", "checker", "shells")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_equals_formula(kind, dtype):
    for shape, seed, period in (((3, 5, 9), 0, 4), ((1, 1, 1), 7, 1), ((2, 3, 11), 2**63 - 1, 3), ((5, 1, 2), 1, 128)):
        s = source(kind, shape, dtype=dtype, seed=seed, period=period)
        assert s.head.dtype == dtype and s.head.whole == shape
        expected = oracle(kind, shape, dtype, seed, period, range(shape[0]))
        np.testing.assert_array_equal(volume(s), expected, strict=True)


@pytest.mark.parametrize("kind", KINDS)
def test_same_for_any_cut_and_direction(kind, monkeypatch):
    expected = volume(source(kind, (30, 17, 19), dtype="float32", period=5))
    for size in (1, 5 * 17 * 19 * 4, 7 * 17 * 19 * 4):
        monkeypatch.setattr(synth, "BLOCK", size)
        s = source(kind, (30, 17, 19), dtype="float32", period=5)
        assert s.again and s.head.depth == max(1, size // (17 * 19 * 4))
        for direction in ("up", "down", "up"):
            np.testing.assert_array_equal(volume(s, direction), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_is_that_of_the_whole(kind):
    for dtype in ("uint16", "float32"):
        how = {"dtype": dtype, "seed": 3, "period": 4}
        expected = volume(source(kind, (7, 11, 21), **how))
        for part in (((0, 7), (3, 11), (0, 21)), ((2, 5), (0, 4), (8, 16)), ((6, 7), (10, 11), (13, 14))):
            s = source(kind, (7, 11, 21), part=part, **how)
            assert s.head.box == part and s.head.whole == (7, 11, 21)
            got = np.concatenate([block.array(s.head) for block in s.blocks()])
            np.testing.assert_array_equal(got, expected[tuple(slice(*span) for span in part)])


def test_far_slices_of_a_large_volume():
    shape = (10**7, 3, 40)
    s = source("noise", shape, dtype="uint16")
    last = next(s.blocks("down"))
    planes = (shape[0] - 2, shape[0] - 1)
    np.testing.assert_array_equal(last.data[-2:], oracle("noise", shape, "uint16", 0, 16, planes))


def test_another_seed_and_a_larger_shape():
    small, large = (volume(source("noise", shape, seed=5)) for shape in ((4, 6, 8), (9, 7, 10)))
    np.testing.assert_array_equal(small, large[:4, :6, :8])
    assert (volume(source("noise", (4, 6, 8), seed=6)) != small).mean() > 0.9


def test_noise_is_even_and_blobs_have_two_sides():
    noise = volume(source("noise", (16, 256, 256)))
    counts = np.bincount(noise.ravel(), minlength=256)
    assert abs(counts - counts.mean()).max() < 5 * counts.mean() ** 0.5
    blobs = volume(source("blobs", (64, 64, 64), dtype="float32"))
    assert 0.3 < (blobs > 0.5).mean() < 0.7
    assert np.abs(np.diff(blobs, axis=2)).max() <= 1 / 16


def test_terabytes_of_zeros_are_blocks_without_voxels():
    s = source("zeros", (10**6, 10**4, 10**4), dtype="float64")
    block = next(s.blocks("down"))
    assert block.data is None and block.fill == 0 and block.z == 10**6 - 1
    assert s.memory == ()


def test_spacing():
    head = source("zeros", (2, 2, 2), spacing=((2.0, 1.0, 1.0), "micrometer")).head
    assert (head.spacing, head.unit) == ((2.0, 1.0, 1.0), "micrometer")
    assert source("zeros", (2, 2, 2)).head.spacing is None
    with pytest.raises(UsageError, match="unit of length"):
        source("zeros", (2, 2, 2), spacing=((2.0, 1.0, 1.0), "px"))
    with pytest.raises(UsageError, match="above 0"):
        source("zeros", (2, 2, 2), spacing=((2.0, 0.0, 1.0), "meter"))


def test_declaration():
    from sweeptools.ops.synth import synth as record

    assert isinstance(record, spec.Op) and (record.kind, record.output, record.inputs) == ("source", "stream", ())
    assert record.params["shape"].parse("2,3,4") == (2, 3, 4)
    with pytest.raises(UsageError, match="must be at least 1"):
        record.params["shape"].parse("2,0,4")
    with pytest.raises(UsageError, match="must be one of"):
        record.params["kind"].parse("cubes")
