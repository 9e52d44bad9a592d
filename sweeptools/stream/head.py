"""The head on the wire: every fact of spec.Head under `critical` or `optional`, checked on both sides."""

from math import isfinite
from reprlib import repr as brief

import numpy as np

from ..errors import Corrupt, Refused
from ..params import DTYPES
from ..spec import Head
from .frame import dumps, loads, plain

AXIS_MOST = 1 << 40          # voxels along an axis
SLICES_MOST = 1 << 27        # slices of one stream: their digests are kept
SLICE_MOST = 1 << 40         # bytes of one slice
DEPTH_MOST = 1 << 20         # slices of one block
TYPES = frozenset(np.dtype(name).newbyteorder(order).str for name in DTYPES for order in "<>")


def whole_number(low=0, high=(1 << 63) - 1):
    def convert(value):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return convert


def finite(value):
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not isfinite(value):
        raise ValueError("a finite number")
    return float(value)


def length(value):
    if value is None:
        return None
    if finite(value) <= 0:
        raise ValueError("a number above 0")
    return float(value)


def number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise ValueError("a number")
    return value.item() if isinstance(value, np.generic) else value


def text(value):
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def table(value):
    if not hasattr(value, "keys"):
        raise ValueError("a map")
    return value


def word(*words):
    def convert(value):
        if value not in words:
            raise ValueError(" or ".join(words))
        return value

    return convert


def several(one, n=None):
    """A list, of n items where n is given, each as `one` says."""

    def convert(value):
        if not isinstance(value, (list, tuple)) or (n is not None and len(value) != n):
            raise ValueError("a list" if n is None else f"a list of {n}")
        return tuple(one(item) for item in value)

    return convert


def none_or(one):
    return lambda value: None if value is None else one(value)


def dtype(value):
    name = value.str if isinstance(value, np.dtype) else value
    if not isinstance(name, str) or name not in TYPES:
        raise ValueError(f"one of {', '.join(DTYPES)} with its byte order")
    return np.dtype(name)


def order(value):
    if sorted(several(whole_number(0, 2), 3)(value)) != [0, 1, 2]:
        raise ValueError("the numbers 0, 1 and 2 in some order")
    return tuple(value)


def peak(value):
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError("a pair of stage and bytes")
    return text(value[0]), whole_number()(value[1])


extent = whole_number(0, AXIS_MOST)
CRITICAL = {
    "whole": several(extent, 3), "box": several(several(extent, 2), 3), "halo": several(several(extent, 2), 3),
    "dtype": dtype, "components": several(text), "sweep": word("up", "down"), "order": order,
    "depth": whole_number(1, DEPTH_MOST),
}  # fmt: skip
OPTIONAL = {
    "axes": several(text, 3), "spacing": none_or(several(length, 3)), "unit": none_or(text),
    "origin": several(finite, 3), "chunks": none_or(several(whole_number(1, AXIS_MOST), 3)), "nodata": none_or(number),
    "role": text, "history": several(table), "peaks": several(peak), "budget": none_or(whole_number()), "meta": table,
}  # fmt: skip


def pack_head(head, sender=None):
    """The header of a head frame; `sender` is (stage, process id)."""
    critical = {name: _fact(name, getattr(head, name), convert) for name, convert in CRITICAL.items()}
    optional = {name: _fact(name, getattr(head, name), convert) for name, convert in OPTIONAL.items()}
    _fits(head)
    critical["dtype"] = wire_type(head.dtype).str
    if sender:
        optional["sender"] = {"stage": sender[0], "pid": sender[1]}
    return dumps({"critical": critical, "optional": {**head.extra, **optional}})


def wire_type(kind):
    """A type in the byte order that this writer sends: little endian."""
    return np.dtype(kind).newbyteorder("<")


def unpack_head(raw):
    """(head, wire type, sender) of a head frame's header. The head's own type is in this machine's byte order, to
    which the reader brings the voxels. Corrupt where a fact is impossible, Refused where it is beyond this version."""
    try:
        header = loads(raw)
        critical, optional = table(header.get("critical")), table(header.get("optional", {}))
    except ValueError as error:
        raise Corrupt(f"head of the stream cannot be read: {error}") from None
    unknown = sorted(plain(key, 40) for key in critical.keys() - CRITICAL.keys())
    if unknown or header.keys() - {"critical", "optional"}:
        what = ", ".join(unknown) or ", ".join(sorted(plain(k, 40) for k in header.keys() - {"critical", "optional"}))
        raise Refused(f"head of the stream has {what[:200]}, which this version does not know; use a newer sweeptools")
    missing = [name for name in CRITICAL if name not in critical]
    if missing:
        raise Corrupt(f"head of the stream lacks {', '.join(missing)}")
    facts = {name: _fact(name, critical[name], convert) for name, convert in CRITICAL.items()}
    facts |= {name: _fact(name, optional[name], convert) for name, convert in OPTIONAL.items() if name in optional}
    extra = {key: value for key, value in optional.items() if key not in OPTIONAL and key != "sender"}
    wire = facts["dtype"]
    head = Head(**{**facts, "dtype": wire.newbyteorder("=")}, extra=extra)
    _fits(head)
    return head, wire, _sender(optional.get("sender"))


def _fact(name, value, convert):
    try:
        return convert(value)
    except ValueError as error:
        raise Corrupt(f"head of the stream: {name} is {plain(brief(value), 100)}, must be {error}") from None


def _fits(head):
    """Facts that must fit each other, and bounds on what a reader has to hold."""
    for name, n, (lo, hi), (below, above) in zip("zyx", head.whole, head.box, head.halo):
        if not lo <= hi <= n:
            raise Corrupt(f"head of the stream: box {lo}:{hi} along {name} does not fit into 0:{n}")
        if below + above > hi - lo:
            raise Corrupt(f"head of the stream: halo {below}+{above} along {name} does not fit into box {lo}:{hi}")
    if head.slice_bytes > SLICE_MOST:
        raise Refused(f"a slice of {head.slice_bytes} bytes is too large for a stream, the most is {SLICE_MOST}")
    if head.slices > SLICES_MOST:
        raise Refused(f"{head.slices} slices are too many for a stream, the most is {SLICES_MOST}")


def _sender(value):
    """The words for a stage that names itself, or nothing: it is only said in messages."""
    if not isinstance(value, dict) or not isinstance(value.get("stage"), str):
        return ""
    pid = value.get("pid")
    stage = plain(value["stage"], 60)
    return f"sweep-{stage} (pid {pid})" if isinstance(pid, int) and pid >= 0 else f"sweep-{stage}"
