"""sweep-calc: numpy on the whole, for every cut, type and number of inputs."""

import numpy as np
import pytest
from harness import apply

from sweeptools.errors import SweepError, UsageError
from sweeptools.ops import load

LET = [("b", "b.zarr"), ("mask", "m.zarr")]


def volumes(dtype, shape=(7, 9, 11)):
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 100, (2, *shape)).astype(dtype)
    if a.dtype.kind == "f":
        a, b = a / 7, b / 9
        a[0, 0, :4] = (np.nan, np.inf, -np.inf, -0.0)
    return a, b, (rng.random(shape) < 0.5).astype(np.uint8)


@pytest.mark.parametrize("dtype", ("uint8", "int16", "uint64", "float32", "float64"))
def test_equals_numpy_on_the_whole(dtype):
    a, b, mask = volumes(dtype)
    rule = np.int64 if a.dtype.kind in "iu" else np.float64
    with np.errstate(all="ignore"):
        for expr in ("a*b - mask", "(a - b) % 7", "(a > b) & (mask == 1)", "a // (b + 1)"):
            expected = eval(expr, {n: v.astype(rule) for n, v in zip(("a", "b", "mask"), (a, b, mask))})
            head, out = apply("calc", a, expr=expr, let=LET, inputs={"b": b, "mask": mask}, cut=2, with_head=True)
            assert head.dtype == out.dtype == ("uint8" if ">" in expr else "float32")
            np.testing.assert_array_equal(out, expected.astype(out.dtype))


EXPRESSIONS = ("exp(a/9)*b", "where(mask == 1, a, -b)", "a**1.7 - sin(b)", "a*a*b", "a > 3", "a + nan", "a*0 + 3")


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_the_same_for_any_cut_threads_and_piece(expr, monkeypatch):
    a, b, mask = volumes("int32", (9, 16, 13))
    settings = {"expr": expr, "let": LET, "inputs": {"b": b, "mask": mask}}
    whole = apply("calc", a, **settings)
    for cut, threads, piece in ((1, 1, 1), ([4, 5], 2, 13 * 5), (9, 3, 1 << 17), (2, 2, 100)):
        monkeypatch.setattr("sweeptools.ops.calc.PIECE", piece)
        np.testing.assert_array_equal(apply("calc", a, cut=cut, threads=threads, **settings), whole)


def test_dtype_rounds_clips_and_counts():
    a = np.array([[[0.5, 1.5, 300, -3, np.nan]]], np.float32)
    assert apply("calc", a, expr="a", dtype="uint8").tolist() == [[[0, 2, 255, 0, 0]]]
    assert apply("calc", a, expr="a*1000", dtype="int16").tolist() == [[[500, 1500, 32767, -3000, 0]]]
    assert load("calc").fn({"a": a}, np.empty(a.shape, np.uint8), (0, 1, 0, 1, 0, 5), expr="a") == 1
    whole = np.arange(5, dtype=np.int8).reshape(1, 1, 5)
    assert load("calc").fn({"a": whole}, np.empty(a.shape, np.float32), (0, 1, 0, 1, 0, 5), expr="6 // a") == 1
    big = np.full((1, 1, 2), 2**53 + 1, np.int64)
    assert (apply("calc", big, expr="a + 2", dtype="int64") == 2**53 + 3).all()


def test_writes_its_box_and_nothing_else():
    a = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
    dst = np.full(a.shape, -7, np.float32)
    load("calc").fn({"a": a}, dst, (1, 3, 2, 4, 0, 5), expr="a*2")
    expected = np.full(a.shape, -7, np.float32)
    expected[1:3, 2:4, :5] = a[1:3, 2:4, :5] * 2
    np.testing.assert_array_equal(dst, expected)
    for box in ((1, 1, 0, 5, 0, 6), (0, 4, 2, 2, 0, 6), (0, 4, 0, 5, 6, 6)):
        assert load("calc").fn({"a": a}, dst, box, expr="a") == 0
    np.testing.assert_array_equal(dst, expected)


def test_components():
    a = np.arange(2 * 3 * 4 * 2, dtype=np.float32).reshape(2, 3, 4, 2)
    np.testing.assert_array_equal(apply("calc", a, expr="a+1", components=("u", "v")), a + 1)
    with pytest.raises(UsageError, match=r"b has \(\) components, the result \(2,\)"):
        apply("calc", a, expr="a+b", components=("u", "v"), let=[("b", "x")], inputs={"b": a[..., 0]})


def test_errors_come_before_any_voxel():
    a = np.zeros((2, 2, 2), np.uint8)
    for expr, let, says in (
        ("a + c", (), "names c, known are a; bind others with --let"), ("a +", (), "not an expression"),
        ("grad(a)", (), "no function 'grad'"), ("a + b", [("b", "x"), ("b", "y")], "bound more than once"),
        ("a & 1", (), "& joins comparisons"), ("1", (), "names no volume"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=says):
            load("calc").out(_head(a), load("calc").bind({"expr": expr, "let": let}, _head(a)))
    with pytest.raises(SweepError, match="beyond int64"):
        apply("calc", a + np.int64(2**62), expr="a*a")


def _head(array):
    from harness import head_of

    return head_of(array)
