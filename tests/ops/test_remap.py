"""sweep-remap against a loop over pairs."""

import numpy as np
import pytest
from harness import apply
from test_relabel import relabel_sequential

from sweeptools.errors import UsageError
from sweeptools.ops import load


def slow(array, pairs, rest=None):
    out = array.copy() if rest is None else np.full_like(array, rest)
    for old, new in pairs.items():
        out[array == old] = new
    return out


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint64"])
@pytest.mark.parametrize("rest", [None, 9])
def test_as_the_loop(dtype, rest):
    rng = np.random.default_rng(1)
    array = rng.integers(0, 30, (4, 5, 40)).astype(dtype)
    for n in (0, 1, 5, 40):
        old = rng.permutation(40)[:n].tolist()
        pairs = dict(zip(old, rng.integers(0, 50, n).tolist()))
        how = {"pairs": [tuple(pairs.items())], "rest": "keep" if rest is None else rest}
        mine = apply("remap", array, cut=2, threads=2, **how)
        assert mine.dtype == array.dtype
        np.testing.assert_array_equal(mine, slow(array, pairs, rest))


def words(*texts):
    return [load("remap").params["pairs"].parse(text) for text in texts]


def test_pairs_are_taken_all_at_once():
    array = np.array([1, 2, 3, 1], "u1").reshape(1, 2, 2)
    assert apply("remap", array, pairs=words("1=2", "2=1")).ravel().tolist() == [2, 1, 3, 2]


def test_a_file_of_pairs(tmp_path):
    array = np.array([1, 2, 3, 40], "u1").reshape(1, 2, 2)
    file = tmp_path / "pairs.tsv"
    for text in ("label\tnew\tarea\n2\t7\t3.5\n\n3\t0\tx\n", "2,7\n3,0", "2 7\n3   0\n"):
        file.write_text(text)
        assert apply("remap", array, pairs=words(str(file))).ravel().tolist() == [1, 7, 0, 40]
    file.write_text("2\n")
    with pytest.raises(UsageError, match="line 1 has one column"):
        words(str(file))
    file.write_text("2 x\n")
    with pytest.raises(UsageError, match="'x', must be a whole number"):
        words(str(file))
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is no text"):
        words(str(file))


def test_numbers_that_the_type_does_not_hold():
    array = np.array([1, 255], "u1").reshape(1, 1, 2)
    assert apply("remap", array, pairs=words("-1=5", "256=6", "255=7")).ravel().tolist() == [1, 7]
    for pairs, rest in ((words("1=256"), "keep"), (words("1=2"), -1)):
        with pytest.raises(UsageError, match="is no number of uint8; use sweep-cast first"):
            apply("remap", array, pairs=pairs, rest=rest)
    with pytest.raises(UsageError, match="1 is to become both 2 and 3"):
        apply("remap", array, pairs=words("1=2", "1=3"))
    with pytest.raises(UsageError, match="must be OLD=NEW, or a file"):
        words("none.tsv")
    with pytest.raises(UsageError, match="16777217 is no number of float32"):
        apply("remap", array.astype("f4"), pairs=words("1=16777217"))


def test_floats_and_components():
    array = np.array([1, np.nan, np.nan, -0.0, 1.5, np.inf], np.float32).reshape(1, 2, 3)
    mine = apply("remap", array, pairs=words("1=2", "0=5", "16777217=3"))
    np.testing.assert_array_equal(mine.ravel(), [2, np.nan, np.nan, 5, 1.5, np.inf])
    mine = apply("remap", array.reshape(1, 1, 3, 2), pairs=words("1=2"), rest=7, components="ab")
    assert mine.ravel().tolist() == [2, 7, 7, 7, 7, 7]


def test_the_history_has_the_pairs():
    op = load("remap")
    assert op.canonical({"pairs": words("1=2", "3=4"), "rest": 0}) == {"pairs": "1=2,3=4", "rest": 0}


def test_relabel_is_a_remap():
    array = np.random.default_rng(2).integers(0, 200, (3, 4, 20)).astype("u1")
    new, forward, _ = relabel_sequential(array)
    pairs = [(int(old), int(forward[old])) for old in np.unique(array)]
    np.testing.assert_array_equal(apply("remap", array, pairs=[pairs]), apply("relabel", array))
