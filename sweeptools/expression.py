"""Voxel arithmetic: what an expression over named volumes means, piece by piece.

Two arithmetics. Where all operands are integers and only + - * // % and comparisons (joined by & | ^ ~) occur, int64:
each intermediate knows bounds of its values, from the types of the volumes up, and only where these leave int64 the
values themselves are looked at; overflow is an error. Else float64. Comparisons give truth values, which count as 0
and 1 in arithmetic.
"""

import ast
import operator
from functools import lru_cache

import numpy as np

from .errors import SweepError, UsageError

LOW, HIGH = -(2**63), 2**63 - 1
SLOW = 1 << 12                                         # unbounded integers that exist at once
WITHIN = 4                                             # arrays that one operator, or the last rounding, makes at most
WHOLE = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.USub, ast.UAdd)
WHOLE += (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Invert)
CONSTANTS = {"pi": np.pi, "inf": np.inf, "nan": np.nan}
COMPARE = {ast.Eq: np.equal, ast.NotEq: np.not_equal, ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater,
           ast.GtE: np.greater_equal}  # fmt: skip
LOGIC = {ast.BitAnd: np.logical_and, ast.BitOr: np.logical_or, ast.BitXor: np.logical_xor}
REAL = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide, ast.Pow: np.power,
        ast.FloorDiv: np.floor_divide, ast.Mod: np.remainder, ast.USub: np.negative, ast.UAdd: np.positive}  # fmt: skip
SPELT = {ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.Invert: "~"}
EXACT = {"+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv, "%": operator.mod}
ONE = "abs sqrt exp log log2 log10 sin cos tan arcsin arccos arctan floor ceil trunc sign isnan isinf isfinite".split()
TWO = "arctan2 hypot".split()
MEANT = (ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call)
MEANT += (ast.operator, ast.unaryop, ast.cmpop, ast.expr_context)
MENDS = {
    ast.BoolOp: "join comparisons with & and |, as in (a > 1) & (a < 5)",
    ast.Not: "write ~(...) of a comparison",
    ast.IfExp: "write where(condition, then, else)",
    ast.Attribute: "functions have no prefix: sqrt(a)",
}


# ------------------------------------------------------------------ what is written


@lru_cache(maxsize=64)
def parse(expr):
    """The tree of an expression that holds nothing but names, numbers, operators, comparisons and calls."""
    try:
        tree = ast.parse(expr.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error) or "nested too deeply"
        raise UsageError(f"{expr!r} is not an expression: {why}") from None
    for node in ast.walk(tree):
        _allowed(node, expr)
    return tree


def _allowed(node, expr):
    if type(node) in MENDS:
        raise UsageError(f"{expr!r}: {MENDS[type(node)]}")
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        raise UsageError(f"{expr!r}: write a chain of comparisons as (low < a) & (a < high)")
    if isinstance(node, ast.Compare) and type(node.ops[0]) not in COMPARE:
        raise UsageError(f"{expr!r}: {ast.unparse(node)!r} does not compare numbers")
    if isinstance(node, ast.Constant) and type(node.value) not in (int, float):
        raise UsageError(f"{expr!r}: {node.value!r} is not a number")
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value >= 2**64:
        raise UsageError(f"{expr!r}: {node.value} is beyond 64 bits, write it as a float")
    if isinstance(node, ast.BinOp) and type(node.op) not in REAL and type(node.op) not in LOGIC:
        raise UsageError(f"{expr!r}: {ast.unparse(node)!r} has no meaning for voxels: use + - * / // % ** & | ^")
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name):
            raise UsageError(f"{expr!r}: {ast.unparse(node)!r} is not a call of a function")
        if node.func.id not in FUNCTIONS:
            raise UsageError(f"{expr!r}: no function {node.func.id!r}, there are {', '.join(sorted(FUNCTIONS))}")
        fewest, most, _ = FUNCTIONS[node.func.id]
        if node.keywords or not fewest <= len(node.args) <= most:
            takes = str(fewest) if fewest == most else f"{fewest} or more"
            raise UsageError(f"{expr!r}: {node.func.id} takes {takes} values, not {ast.unparse(node)!r}")
    if not isinstance(node, MEANT):
        raise UsageError(f"{expr!r}: {ast.unparse(node)!r} has no meaning for voxels")


@lru_cache(maxsize=64)
def names(expr):
    """The volumes that an expression names, in order of first appearance."""
    tree = parse(expr)
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in calls and n.id not in CONSTANTS]
    return tuple(dict.fromkeys(n.id for n in sorted(found, key=lambda n: (n.lineno, n.col_offset))))


@lru_cache(maxsize=64)
def is_comparison(expr):
    """Whether the result is a truth value: found by trying the expression on one voxel."""
    result, _ = evaluate(expr, {name: np.ones(1) for name in names(expr)})
    return np.asarray(result).dtype == bool


@lru_cache(maxsize=64)
def arrays(expr):
    """How many arrays of 8 bytes a voxel exist at once at most while an expression is evaluated and stored."""

    def most(node):
        parts = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        return max([done + most(part) for done, part in enumerate(parts)] + [len(parts) + WITHIN])

    return len(names(expr)) + most(parse(expr))


def check(expr, known):
    """Raise UsageError unless the expression has a meaning and names some of the `known` volumes and no other."""
    unknown = [name for name in names(expr) if name not in known]
    if unknown:
        raise UsageError(
            f"{expr!r} names {', '.join(unknown)}, known are {', '.join(known)}; bind others with --let NAME=ADDRESS"
        )
    if not names(expr):
        raise UsageError(f"{expr!r} names no volume, known are {', '.join(known)}")
    is_comparison(expr)


# ------------------------------------------------------------------ what it comes to


def evaluate(expr, arrays):
    """(result, undefined) for arrays of equal shape by name: a bool, int64 or float64 array, or one value for all
    voxels; and how many integer divisions by zero gave 0."""
    from simpleeval import SimpleEval

    tree = parse(expr)
    used = names(expr)
    whole = all(arrays[name].dtype.kind in "iu" for name in used) and _stays_whole(tree)
    lost = []
    table = _whole_operators(expr, lost) if whole else _real_operators(expr)
    enter = _enter if whole else _contiguous
    try:
        values = {name: enter(arrays[name]) for name in used}
        run = SimpleEval(table, {} if whole else _CALLS, {**CONSTANTS, **values})
        with np.errstate(all="ignore"):
            result = run.eval(expr, previously_parsed=tree)
            run.names = {}                             # it refers to itself, and would keep the voxels until it is found
            if not _is_truth(result):
                result = _whole(result).values if whole else _real(result)
    except OverflowError as error:
        raise SweepError(
            f"{expr!r}: {error} lies beyond int64; write one constant as a float, as in 1.0 * a, to compute in float64"
        ) from None
    return result, sum(lost)


def store(result, dst):
    """Write a result into `dst` as its type: nearest even, clipped, NaN gives 0. Returns how many NaN there were."""
    result = np.broadcast_to(result, dst.shape)
    if dst.dtype.kind == "f" or result.dtype == bool:
        with np.errstate(all="ignore"):
            np.copyto(dst, result, casting="unsafe")
        return 0
    low, high = (int(v) for v in (np.iinfo(dst.dtype).min, np.iinfo(dst.dtype).max))
    if result.dtype.kind in "iu":
        limits = np.iinfo(result.dtype)
        np.copyto(dst, np.clip(result, max(low, int(limits.min)), min(high, int(limits.max))), casting="unsafe")
        return 0
    nan = np.isnan(result)
    above = result >= high                             # in 64 bits the greatest value is no float: set apart
    rounded = np.rint(np.where(nan | above, 0.0, np.maximum(result, low)))
    np.copyto(dst, rounded, casting="unsafe")
    dst[above] = high
    return int(np.count_nonzero(nan))


def _stays_whole(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) or (isinstance(node, ast.Constant) and not isinstance(node.value, int)):
            return False
        if isinstance(node, ast.Name) and node.id in CONSTANTS:
            return False
        if isinstance(node, (ast.BinOp, ast.UnaryOp)) and type(node.op) not in WHOLE:
            return False
    return True


def _is_truth(value):
    return getattr(value, "dtype", np.dtype(float)).kind == "b"


def _truth(value, sign, expr):
    if not _is_truth(value):
        raise UsageError(f"{expr!r}: {sign} joins comparisons: write (a != 0) where a itself is meant")
    return value


def _logic(expr):
    def both(node, join):
        return lambda x, y: join(_truth(x, SPELT[node], expr), _truth(y, SPELT[node], expr))

    invert = {ast.Invert: lambda x: np.logical_not(_truth(x, "~", expr))}
    return {node: both(node, join) for node, join in LOGIC.items()} | invert


# ------------------------------------------------------------------ float64


def _real(value):
    return np.asarray(value, np.float64)


def _contiguous(array):
    """As float64 without gaps: numpy's elementary functions have other loops, and last bits, for strided arrays."""
    return np.ascontiguousarray(array, np.float64)


def _on_reals(function):
    return lambda *values: function(*(_real(v) for v in values))


def _real_operators(expr):
    return {node: _on_reals(f) for node, f in {**REAL, **COMPARE}.items()} | _logic(expr)


def _least(*values):
    return _fold(np.minimum, values)


def _greatest(*values):
    return _fold(np.maximum, values)


def _fold(function, values):
    result = values[0]
    for value in values[1:]:
        result = function(result, value)
    return result


def _where(condition, yes, no):
    return np.where(condition != 0, yes, no)


def _clip(value, low, high):
    return np.minimum(np.maximum(value, low), high)


FUNCTIONS = {
    **{name: (1, 1, getattr(np, name)) for name in ONE}, **{name: (2, 2, getattr(np, name)) for name in TWO},
    "round": (1, 1, np.rint), "min": (2, 64, _least), "max": (2, 64, _greatest), "where": (3, 3, _where),
    "clip": (3, 3, _clip),
}  # fmt: skip
_CALLS = {name: _on_reals(function) for name, (_, _, function) in FUNCTIONS.items()}


# ------------------------------------------------------------------ int64, checked


class Whole:
    """int64 values with bounds known of them, as Python's integers."""

    def __init__(self, values, low, high):
        if low < LOW or high > HIGH:
            raise OverflowError(low if low < LOW else high)
        self.values, self.low, self.high = values, low, high

    def narrow(self):
        """The same values with their true bounds."""
        return Whole(self.values, int(self.values.min()), int(self.values.max()))


def _enter(array):
    """An integer volume's voxels; those of uint64 must fit."""
    limits = np.iinfo(array.dtype)
    low, high = int(limits.min), int(limits.max)
    if high > HIGH:
        high = int(array.max())
    return Whole(array.astype(np.int64), low, high)


def _whole(value):
    if isinstance(value, Whole):
        return value
    if isinstance(value, int):
        return Whole(np.asarray(min(max(value, LOW), HIGH)), value, value)
    return Whole(value.astype(np.int64), 0, 1)


def _bounds(sign, x, y):
    if sign == "+":
        return x.low + y.low, x.high + y.high
    if sign == "-":
        return x.low - y.high, x.high - y.low
    if sign == "*":
        ends = [a * b for a in (x.low, x.high) for b in (y.low, y.high)]
        return min(ends), max(ends)
    if sign == "//":
        return -max(-x.low, x.high), max(-x.low, x.high)
    return min(y.low, 0), max(y.high, 0)


def _checked(sign, lost):
    exact = EXACT[sign]

    def combine(x, y):
        x, y = _whole(x), _whole(y)
        low, high = _bounds(sign, x, y)
        if low < LOW or high > HIGH:
            x, y = x.narrow(), y.narrow()
            low, high = _bounds(sign, x, y)
        a, b = x.values, y.values
        zero = b == 0 if sign in "//%" and y.low <= 0 <= y.high else None
        if zero is not None:
            lost.append(int(np.count_nonzero(np.broadcast_to(zero, np.broadcast_shapes(a.shape, b.shape)))))
            b = np.where(zero, 1, b)
        if low < LOW or high > HIGH:                   # bounds are loose: look at every voxel, in unbounded integers
            result, low, high = _slowly(exact, a, b)
        else:
            result = np.asarray(exact(a, b))
        if zero is not None:
            result = np.where(zero, 0, result)
        return Whole(result, min(low, 0), max(high, 0))

    return combine


def _slowly(exact, a, b):
    """(result, its least, its greatest) in unbounded integers, which take five times the memory: a few at once."""
    a, b = np.broadcast_arrays(a, b)
    result, low, high = np.empty(a.shape, np.int64), 0, 0
    for i in range(0, a.size, SLOW):
        slow = exact(a.flat[i : i + SLOW].astype(object), b.flat[i : i + SLOW].astype(object))
        least, most = min(slow), max(slow)
        result.flat[i : i + SLOW] = Whole(slow, least, most).values.astype(np.int64)
        low, high = min(low, least), max(high, most)
    return result, low, high


def _whole_operators(expr, lost):
    signs = zip((ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod), ("+", "-", "*", "//", "%"))
    table = {node: _checked(sign, lost) for node, sign in signs}
    minus = table[ast.Sub]
    table |= {ast.USub: lambda x: minus(0, x), ast.UAdd: _whole} | _logic(expr)
    return table | {node: lambda x, y, f=f: f(_whole(x).values, _whole(y).values) for node, f in COMPARE.items()}
