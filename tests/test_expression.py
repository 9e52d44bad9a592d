"""The arithmetic of sweep-calc: against Python's own integers and numpy in float64."""

import itertools

import numpy as np
import pytest

from sweeptools import expression
from sweeptools.errors import SweepError, UsageError
from sweeptools.params import DTYPES

WORDS = ("a+b", "a-b", "a*b", "a//b", "a%b", "-a+b", "a*b-b*a+a", "a*(a > b)", "(a > b) + (a <= b)", "a*b//(b*b+1)%7")


def python_says(expr, a, b):
    """(value, overflow) by Python's integers, division by zero giving 0; overflow of any intermediate."""
    class Whole(int):
        def __new__(cls, v):
            if not -(2**63) <= v < 2**63:
                raise OverflowError
            return int.__new__(cls, v)
        __add__ = lambda s, o: Whole(int(s) + int(o))               # noqa: E731
        __sub__ = lambda s, o: Whole(int(s) - int(o))               # noqa: E731
        __mul__ = lambda s, o: Whole(int(s) * int(o))               # noqa: E731
        __neg__ = lambda s: Whole(-int(s))                          # noqa: E731
        __floordiv__ = lambda s, o: Whole(int(s) // int(o) if o else 0)  # noqa: E731
        __mod__ = lambda s, o: Whole(int(s) % int(o) if o else 0)   # noqa: E731
    try:
        return int(eval(expr, {"a": Whole(a), "b": Whole(b)}))
    except OverflowError:
        return None


@pytest.mark.parametrize("expr", WORDS)
@pytest.mark.parametrize("dtype", ("uint8", "int16", "uint32", "int64", "uint64"))
def test_integers_are_exact_or_an_error(expr, dtype):
    info = np.iinfo(dtype)
    values = sorted({0, 1, 2, 3, 7, 100, info.max, info.max - 1, info.min, info.min + 1, info.max // 2, info.min // 2})
    for a, b in itertools.product(values, repeat=2):
        expected = python_says(expr, a, b)
        arrays = {"a": np.array([1, a], dtype), "b": np.array([1, b], dtype)}
        if expected is None:
            with pytest.raises(SweepError, match="beyond int64"):
                expression.evaluate(expr, arrays)
        else:
            result, _ = expression.evaluate(expr, arrays)
            assert result.dtype == np.int64 and int(result[1]) == expected, (a, b)


def test_random_integers_equal_int64():
    rng = np.random.default_rng(0)
    a, b = rng.integers(-1000, 1000, (2, 5000)).astype(np.int16)
    words = ("a*b+3", "a//b", "a%b", "a*a*a*a*a", "7 - a", "+a", "(a*10000000000000 + b) % 12345", "a - 3 * (b == 5)")
    for expr in words:
        with np.errstate(all="ignore"):
            expected = eval(expr, {"a": a.astype(np.int64), "b": b.astype(np.int64)})
        result, lost = expression.evaluate(expr, {"a": a, "b": b})
        np.testing.assert_array_equal(result, expected)
        assert lost == (np.count_nonzero(b == 0) if expr in ("a//b", "a%b") else 0)


FLOATS = {
    "a*2.5+b": lambda a, b: a * 2.5 + b, "a/b": lambda a, b: a / b, "a**b": lambda a, b: a**b, "a//b": np.floor_divide,
    "a%b": np.remainder, "sqrt(abs(a))": lambda a, b: np.sqrt(np.abs(a)), "min(a, b, 3)": lambda a, b: np.fmin.reduce(
        [a, b, np.full_like(a, 3)]) + 0 * a + 0 * b,
    "max(a, b)": np.maximum, "where(a > b, a, -b)": lambda a, b: np.where(a > b, a, -b), "clip(a, -1, 1)": lambda a, b:
    np.clip(a, -1, 1), "floor(a)+ceil(b)": lambda a, b: np.floor(a) + np.ceil(b), "round(a)": lambda a, b: np.rint(a),
    "exp(a)-log(b)": lambda a, b: np.exp(a) - np.log(b), "hypot(a, b)": np.hypot, "arctan2(a, b)": np.arctan2,
    "pi*a+inf": lambda a, b: np.pi * a + np.inf, "1/a*0": lambda a, b: 1 / a * 0, "(a>b)*(a<1)*a": lambda a, b:
    (a > b) * (a < 1) * a, "sin(a)*cos(b)": lambda a, b: np.sin(a) * np.cos(b), "trunc(a)*sign(b)": lambda a, b:
    np.trunc(a) * np.sign(b),
}  # fmt: skip


@pytest.mark.parametrize("expr", FLOATS)
@pytest.mark.parametrize("dtype", ("float32", "float64", "int16"))
def test_floats_equal_numpy(expr, dtype):
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal((2, 400)) * 3).astype(dtype)
    if dtype != "int16":
        a[:9] = (np.nan, np.inf, -np.inf, 0, -0.0, 1e30, -1e30, 2.5, 3.5)
        b[3:9] = (0, np.nan, np.inf, -np.inf, -0.0, 1)
    elif expr in ("a//b", "a%b"):
        b[b == 0] = 1
    with np.errstate(all="ignore"):
        expected = FLOATS[expr](a.astype(np.float64), b.astype(np.float64))
        result, lost = expression.evaluate(expr, {"a": a, "b": b})
    if "min" in expr:
        expected = np.where(np.isnan(a) | np.isnan(b), np.nan, np.minimum(np.minimum(a, b), 3.0))
    np.testing.assert_array_equal(result, expected)
    assert lost == 0
    if dtype != "int16":
        assert result.dtype == np.float64


def test_comparisons():
    a = np.array([-1.0, 0, 2, np.nan, np.inf])
    for expr, expected in (
        ("a > 0", a > 0), ("(a >= 0) & ~(a == 2)", (a >= 0) & ~(a == 2)), ("(a<0) | (a>1)", (a < 0) | (a > 1)),
        ("(a<1) ^ (a>-5)", (a < 1) ^ (a > -5)), ("a != a", a != a), ("isnan(a)", np.isnan(a)),
        ("~isfinite(a)", ~np.isfinite(a)),
    ):  # fmt: skip
        assert expression.is_comparison(expr)
        np.testing.assert_array_equal(expression.evaluate(expr, {"a": a})[0], expected, strict=True)
    assert not expression.is_comparison("(a > 0) + 0")
    assert not expression.is_comparison("where(a > 0, 1, 0)")


def test_large_unsigned():
    big = np.array([2**63, 5], np.uint64)
    with pytest.raises(SweepError, match=r"'a\+0': 9223372036854775808 lies beyond int64; .* 1.0 \* a"):
        expression.evaluate("a+0", {"a": big})
    assert expression.evaluate("a*1.0", {"a": big})[0][0] == 2.0**63


def test_names():
    assert expression.names("b*sqrt(a) - where(c > pi, b, inf)") == ("b", "a", "c")
    expression.check("b - a", ("a", "b"))
    with pytest.raises(UsageError, match="names c, known are a, b; bind others with --let"):
        expression.check("a + c", ("a", "b"))
    with pytest.raises(UsageError, match="names no volume"):
        expression.check("1 + 2", ("a",))


@pytest.mark.parametrize(("expr", "says"), [
    ("", "not an expression"), ("a +", "not an expression"), ("a = 3", "not an expression"),
    ("a; b", "not an expression"),
    ("(" * 500 + "a" + ")" * 500, "not an expression"), ("a\0", "not an expression"),
    ("foo(a)", "no function 'foo', there are abs,"), ("sqrt(a, a)", "sqrt takes 1 values"),
    ("min(a)", "min takes 2 or more"),
    ("where(a > 1, 2)", "where takes 3"), ("round(a, decimals=2)", "round takes 1"), ("sqrt(*a)", "no meaning"),
    ("a and b", "join comparisons with &"), ("not a", "write ~"), ("1 < a < 3", "chain of comparisons"),
    ("a if a > 1 else 2", "where"), ("np.sqrt(a)", "not a call of a function"), ("a.real", "no prefix"),
    ("'x'", "is not a number"), ("True", "is not a number"), ("a + 2j", "is not a number"), ("[a, 1]", "no meaning"),
    ("a[0]", "no meaning"), ("lambda: a", "no meaning"), ("a & 3", "& joins comparisons"),
    ("~a", "~ joins comparisons"),
    ("a << 2", "has no meaning for voxels"), ("a @ a", "has no meaning"), ("a is a", "does not compare"),
    ("a < 99999999999999999999999", "beyond 64 bits"), ("__import__('os')", "no function '__import__'"),
    ("(a := 3)", "no meaning"), ("f'{a}'", "no meaning|not a number"),
])  # fmt: skip
def test_what_has_no_meaning(expr, says):
    with pytest.raises(UsageError, match=says):
        expression.check(expr, ("a", "b"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_store_rounds_and_clips(dtype):
    values = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 127.5, 254.5, 255.5, 1e9, -1e9, 1e20, -1e20, np.inf, -np.inf,
                       np.nan, 2.0**63, 2.0**64, -(2.0**63), 2.0**63 - 1024, 2.0**32 - 1])  # fmt: skip
    dst = np.empty(values.shape, dtype)
    nan = expression.store(values, dst)
    if dst.dtype.kind == "f":
        np.testing.assert_array_equal(dst, values.astype(dtype))
        assert nan == 0
        return
    info = np.iinfo(dtype)
    rounded = [0 if v != v else v if np.isinf(v) else round(v) for v in values.tolist()]
    expected = [int(min(max(v, int(info.min)), int(info.max))) for v in rounded]
    assert dst.tolist() == expected and nan == 1


def test_store_of_integers_and_truths():
    for dtype in ("int8", "uint8", "uint64", "int64"):
        dst = np.empty(4, dtype)
        values = np.array([-(2**63), -5, 300, 2**63 - 1])
        assert expression.store(values, dst) == 0
        info = np.iinfo(dtype)
        assert dst.tolist() == [min(max(v, int(info.min)), int(info.max)) for v in values.tolist()]
    dst = np.empty((2, 3), np.uint8)
    assert expression.store(np.True_, dst) == 0 and (dst == 1).all()
