"""sweep-keep-largest against sizes counted in scipy's labels."""

from functools import partial

import numpy as np
import pytest
from harness import apply, prepare
from test_label import oracle, oracle_by_value, random_volumes
from test_remove_small import mask_of

from sweeptools.ops import _objects as parts


def slow(array, count, connectivity=6, by_value=False):
    labels = (oracle_by_value if by_value else oracle)(array, connectivity)
    size = np.bincount(labels.ravel())
    best = sorted(range(1, len(size)), key=lambda label: (-size[label], label))[:count]
    return np.where(np.isin(labels, best), array, array.dtype.type(0))


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_random_volumes(connectivity, tmp_path):
    for i, (rng, mask) in enumerate(random_volumes(250, connectivity)):
        count = int(rng.choice([1, 2, 3, 5, 30, 1000]))
        rule, expected = partial(parts.largest, most=count), slow(mask, count, connectivity)
        np.testing.assert_array_equal(mask_of(mask, rule, tmp_path, rng, connectivity), expected)
        if i % 25 == 0:
            how = {"count": count, "connectivity": str(connectivity), "tmpdir": str(tmp_path)}
            np.testing.assert_array_equal(apply("keep-largest", mask, cut=int(rng.integers(1, 5)), **how), expected)


def test_by_value(tmp_path):
    for rng, mask in random_volumes(40, 1):
        values = mask * rng.integers(1, 4, mask.shape).astype(np.int16)
        mine = apply("keep-largest", values, count=2, by_value=True, cut=2, tmpdir=str(tmp_path))
        np.testing.assert_array_equal(mine, slow(values, 2, by_value=True))


def test_of_equals_the_first(tmp_path):
    array = np.array([1, 0, 2, 0, 3, 3, 0, 4]).astype("u1").reshape(1, 1, 8)
    assert apply("keep-largest", array, tmpdir=str(tmp_path)).ravel().tolist() == [0, 0, 0, 0, 3, 3, 0, 0]
    assert apply("keep-largest", array, count=2, tmpdir=str(tmp_path)).ravel().tolist() == [1, 0, 0, 0, 3, 3, 0, 0]


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_weights_are_looked_at_in_parts(chunk, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "CHUNK", chunk)
    mask = (np.random.default_rng(2).random((9, 9, 20)) < 0.2).astype(np.uint8)
    run = prepare("keep-largest", mask, count=7, tmpdir=str(tmp_path))
    out = np.concatenate([block.array(run.head).copy() for block in run.blocks()])
    np.testing.assert_array_equal(out, slow(mask, 7))
    assert run.found == {"kept": 7}
