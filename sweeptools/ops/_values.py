"""What a value given as a parameter must be; a parameter may be a value that only a later sweep knows."""

from numbers import Real

from ..errors import UsageError


def is_known(value):
    """Whether a parameter is a number already, and not what another sweep will find."""
    return isinstance(value, Real)


def check_number(name, value):
    """NaN is no level."""
    if is_known(value) and value != value:
        raise UsageError(f"{name} is nan, must be a number")


def check_order(low_name, low, high_name, high):
    """Two levels, the lower one first."""
    check_number(low_name, low)
    check_number(high_name, high)
    if is_known(low) and is_known(high) and low > high:
        raise UsageError(f"{low_name} is {low}, must be at most {high_name}, which is {high}")
