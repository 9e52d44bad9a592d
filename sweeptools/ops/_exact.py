"""Whole numbers of any length as the float64 nearest to them, to their quotient, and to its root: rounded once."""

from fractions import Fraction
from math import inf, isqrt


def total(limbs, bits=32):
    """The whole number of limbs (lowest first, each with a sign of its own)."""
    return sum(int(limb) << (bits * i) for i, limb in enumerate(limbs))


def quotient(a, b):
    """a / b for whole numbers, b > 0, to the nearest float64, ties to even."""
    try:
        return a / b
    except OverflowError:
        return inf if a > 0 else -inf


def root(a, b):
    """The square root of a / b for whole numbers, a >= 0, b > 0, to the nearest float64, ties to even."""
    if a == 0:
        return 0.0
    shift = max(0, 130 - (a.bit_length() - b.bit_length())) // 2 * 2
    scaled, rest = divmod(a << shift, b)
    low = isqrt(scaled)                              # at least 64 bits: what is cut off decides no more than a tie
    sticky = rest > 0 or low * low < scaled
    return float(Fraction(2 * low + sticky, 2 << (shift // 2)))
