"""sweep-compare: numpy's isclose on the whole, exact fractions voxel by voxel."""

import itertools
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from harness import head_of, source

from sweeptools.errors import SweepError, Upstream, UsageError
from sweeptools.flow import Pool
from sweeptools.params import DTYPES
from sweeptools.spec import Block, Source
from sweeptools.tools import compare


class Talk:
    """What the deed of a tool needs of the world."""

    pool, tmpdir, inputs = Pool(), str(Path(__file__).parent), {}

    def __init__(self):
        self.said = ""

    def text(self, text):
        self.said += text

    def drain(self, source):
        return source.blocks(source.head.sweep)


@pytest.fixture
def run(monkeypatch):
    """run(a, b, **options) -> (status, what was printed)."""

    def run(a, b, **options):
        given = {"a": a, "b": b}
        monkeypatch.setattr(compare, "opened", lambda address, io, name: given[address])
        talk = Talk()
        status = compare.main(talk, a="a", b="b", **options)
        return status, json.loads(talk.said) if options.get("json") else talk.said

    return run


def oracle(a, b, abs=0, rel=0):
    """(differing, NaN in one, largest difference, its place) by a loop over exact fractions."""
    differing = nan = 0
    largest, place = None, None
    for at in np.ndindex(a.shape):
        x, y = a[at].item(), b[at].item()
        if x != x or y != y:
            if (x != x) != (y != y):
                differing, nan = differing + 1, nan + 1
            continue
        if x == y:
            continue
        gap = math.inf
        if math.inf not in (x, y, -x, -y):
            x, y = Fraction(x), Fraction(y)
            gap = x - y if x > y else y - x
            if gap <= Fraction(abs) + Fraction(rel) * (y if y > 0 else -y):
                continue
        differing += 1
        if largest is None or gap > largest:
            largest, place = gap, list(at)
    return differing, nan, largest, place


def nearly(a, seed=0):
    """A copy with a few voxels changed, some by little."""
    rng = np.random.default_rng(seed)
    b = a.copy()
    flat = b.reshape(-1)
    at = rng.choice(flat.size, 9, replace=False)
    for i, k in enumerate(at):
        if a.dtype.kind == "f":
            v = flat[k]
            flat[k] = (np.nan, np.inf, -np.inf, 0.0, -0.0, v + 1, v * 1.5, np.nextafter(v, v.dtype.type(9)), 1e30)[i]
        else:
            flat[k] ^= a.dtype.type(1 << (i % (8 * a.itemsize - 1)))
    return b


def volume(dtype, shape=(5, 6, 7), seed=1):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        a = rng.standard_normal(shape).astype(dtype)
        a.flat[:4] = (np.nan, np.inf, -np.inf, 0)
        return a
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype, endpoint=True)


@pytest.mark.parametrize(("one", "two"), [*((t, t) for t in DTYPES), *itertools.permutations(
    ("uint8", "int16", "int64", "uint64", "float32", "float64"), 2)])  # fmt: skip
def test_equals_the_loop(run, one, two):
    a = volume(one)
    with np.errstate(all="ignore"):
        b = nearly(a if one == two else volume(one).astype(two))
    for abs, rel in ((0, 0), (0.5, 0), (3, 0), (0, 0.3), (1, 0.1)):
        differing, nan, largest, place = oracle(a, b, abs, rel)
        status, told = run(source(a, cut=2), source(b, cut=3), abs=abs, rel=rel, voxels=True, json=True)
        voxels = told["voxels"]
        assert (voxels["differing"], voxels["nan_in_one"], voxels.get("at")) == (differing, nan, place)
        assert status == (1 if differing else 0) and told["equal"] == (not differing) == voxels["equal"]
        if place:
            if "float" in one + two:
                assert voxels["largest"] == pytest.approx(float(largest), rel=1e-15)
            else:
                assert voxels["largest"] == largest
            assert [voxels["a"], voxels["b"]] == [a[tuple(place)].item(), b[tuple(place)].item()]


def test_wide_integers_are_exact(run):
    a = np.full((1, 2, 3), 2**63 - 1, np.int64)
    for b, gap in ((a - 1, 1), (a.astype(np.uint64) + 1, 1), (a.astype(np.float64), 1)):
        _, told = run(source(a), source(b), json=True)
        assert [told["voxels"][what] for what in ("differing", "largest", "at")] == [6, gap, [0, 0, 0]]
    assert run(source(a), source(a - 1), abs=1)[0] == 0
    assert run(source(a), source(a.astype(np.uint64)), voxels=True)[0] == 0


def test_equal_volumes(run):
    a = volume("float32")
    b = a.copy()
    b[b == 0] = -0.0
    status, told = run(source(a, cut=1), source(b))
    assert status == 0
    assert told == "shape: 5,6,7\ntype: float32\nspacing: none\ndiffering voxels: 0 of 210\nequal\n"


def test_type_and_spacing_count(run):
    a = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    status, told = run(source(a), source(a.astype(np.uint16)))
    assert (status, told.splitlines()[1], told.splitlines()[-1]) == (1, "type: uint8 and uint16", "different")
    near = source(a, again=True, spacing=(1.0, 0.5, 0.5), unit="micrometer")
    assert run(near, source(a, spacing=(1000.0, 500.0, 500.0), unit="nanometer"))[0] == 0
    status, told = run(near, source(a))
    assert status == 1 and "spacing: 1.0,0.5,0.5,micrometer and none\n" in told
    assert run(near, source(a), voxels=True)[0] == 0
    assert run(near, source(a, spacing=(1.0, 0.5, 0.6), unit="micrometer"))[0] == 1
    assert run(near, source(a, head=head_of(a).but(spacing=(1.0, 0.5, None), unit="micrometer")))[0] == 1


def test_report_in_words(run):
    a = np.zeros((2, 3, 4), np.float32)
    b = a.copy()
    b[1, 2, 3], b[0, 1, 2] = 2.5, np.nan
    status, told = run(source(a), source(b))
    assert status == 1
    assert told.splitlines()[3:] == [
        "differing voxels: 2 of 24", "NaN in one only: 1", "largest difference: 2.5 at 1,2,3: 0.0 and 2.5", "different"
    ]  # fmt: skip


def test_shapes_differ_and_pipes_are_read_to_their_end(run):
    a, b = source(np.zeros((2, 3, 4), np.uint8), cut=1), source(np.zeros((2, 3, 5), np.uint8), cut=1)
    seen = []
    blocks = b.blocks
    b.blocks = lambda way: (seen.append(block) or block for block in blocks(way))
    status, told = run(a, b)
    assert status == 1 and told.splitlines()[0] == "shape: 2,3,4 and 2,3,5" and len(seen) == 2


def test_components(run):
    a = volume("int16", (3, 4, 5, 2))
    b = a.copy()
    b[2, 1, 3, 1] -= 1
    facts = {"components": ("u", "v")}
    told = run(source(a, **facts), source(b, **facts), json=True)[1]["voxels"]
    assert (told["at"], told["count"], told["differing"]) == ([2, 1, 3, 1], 120, 1)
    assert run(source(a, **facts), source(a[..., 0].copy()))[0] == 1


def test_constant_blocks_and_falling_streams(run):
    a = np.zeros((6, 4, 5), np.uint8)
    b = a.copy()
    a[2:4], b[4] = 7, 9
    for cut in ("fill", 2):
        told = run(source(a, cut="fill"), source(b, cut=cut), json=True)[1]["voxels"]
        assert (told["differing"], told["largest"], told["at"]) == (60, 9, [4, 0, 0])
    falling = source(b, head=head_of(b).but(sweep="down"), cut=1)
    told = run(source(a, again=True), falling, json=True)[1]["voxels"]
    assert (told["differing"], told["largest"], told["at"]) == (60, 9, [4, 0, 0])
    with pytest.raises(SweepError, match="could not be compared: one stream goes up") as error:
        run(source(a), falling)
    assert error.value.status == 4


def test_the_first_of_equal_differences(run):
    a = np.zeros((6, 2, 2), np.int8)
    for head in (head_of(a), head_of(a).but(sweep="down")):
        told = run(source(a, head=head, cut=1), source(a + 1, head=head, cut=1), json=True)[1]["voxels"]
        assert told["at"] == [0, 0, 0] and told["differing"] == 24


def test_terabytes_of_equal_zeros(run):
    head = head_of(np.zeros((1, 1, 1))).but(whole=(10**6, 10**4, 10**4), depth=10**6)
    zeros = Source(head, lambda way: iter([Block(0, 10**6, None, 0.0)]), again=True)
    assert run(zeros, zeros, json=True)[1]["voxels"]["count"] == 10**14


def test_empty_volumes(run):
    a = np.zeros((3, 0, 4), np.uint8)
    assert run(source(a), source(a))[0] == 0


def test_what_cannot_be_compared_ends_with_4(run):
    def failing(way):
        yield Block(0, 1, np.zeros((1, 2, 2), np.uint8))
        raise Upstream("sweep-gauss", "no memory", 1)

    a = np.zeros((2, 2, 2), np.uint8)
    with pytest.raises(SweepError, match="could not be compared: sweep-gauss failed: no memory") as error:
        run(source(a), Source(head_of(a), failing))
    assert error.value.status == 4
    with pytest.raises(UsageError, match="both stdin"):
        compare.main(Talk(), a="-", b="-")
