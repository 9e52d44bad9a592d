"""NIfTI-1 and NIfTI-2, one file (.nii, .nii.gz): https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h and nifti2.h

What is ours stands in a header extension of code 6, a comment. Scaled values come as floats, as nibabel gives them.
"""

import gzip
import zlib
from math import prod

import numpy as np

from ..errors import Corrupt, Refused, UsageError
from ..spec import Head
from . import flat
from .metadata import restore, room, unpacked
from .npy import component_names
from .ome import Axis, choose

CODES = {"uint8": 2, "int16": 4, "int32": 8, "float32": 16, "float64": 64, "int8": 256, "uint16": 512, "uint32": 768,
         "int64": 1024, "uint64": 1280}  # fmt: skip
TYPES = {code: (name, 0) for name, code in CODES.items()} | {128: ("uint8", 3), 2304: ("uint8", 4)}
UNITS = {"meter": 1, "millimeter": 2, "micrometer": 3}
LABELS, COMMENT, MARK = 1002, 6, b"sweeptools "
ONE = np.dtype([
    ("size", "i4"), ("old", "V28"), ("extents", "i4"), ("error", "i2"), ("regular", "S1"), ("dim_info", "u1"),
    ("dim", "i2", 8), ("intent_p", "f4", 3), ("intent", "i2"), ("type", "i2"), ("bits", "i2"), ("slice_start", "i2"),
    ("pixdim", "f4", 8), ("offset", "f4"), ("slope", "f4"), ("inter", "f4"), ("slice_end", "i2"), ("slice_code", "u1"),
    ("units", "u1"), ("cal", "f4", 2), ("duration", "f4"), ("toffset", "f4"), ("gl", "i4", 2), ("text", "S80"),
    ("aux", "S24"), ("qform", "i2"), ("sform", "i2"), ("quatern", "f4", 3), ("qoffset", "f4", 3), ("rows", "f4", (3, 4)),
    ("intent_name", "S16"), ("magic", "S4"),
])  # fmt: skip
TWO = np.dtype([
    ("size", "i4"), ("magic", "S8"), ("type", "i2"), ("bits", "i2"), ("dim", "i8", 8), ("intent_p", "f8", 3),
    ("pixdim", "f8", 8), ("offset", "i8"), ("slope", "f8"), ("inter", "f8"), ("cal", "f8", 2), ("duration", "f8"),
    ("toffset", "f8"), ("slice_start", "i8"), ("slice_end", "i8"), ("text", "S80"), ("aux", "S24"), ("qform", "i4"),
    ("sform", "i4"), ("quatern", "f8", 3), ("qoffset", "f8", 3), ("rows", "f8", (3, 4)), ("slice_code", "i4"),
    ("units", "i4"), ("intent", "i4"), ("intent_name", "S16"), ("dim_info", "u1"), ("unused", "V15"),
])  # fmt: skip


def stored(path, channel=None, time=None):
    """The volume in a file, of one time and channel where it has several."""
    name = str(path)
    with open(path, "rb") as file:
        deflated = file.read(2) == b"\x1f\x8b"
    try:
        with (gzip.open if deflated else open)(path, "rb") as file:
            said, own = _header(name, file)
    except (EOFError, OSError, zlib.error) as error:
        raise Corrupt(f"{name} is damaged: {error}") from None
    dim = [int(n) for n in said["dim"]]
    dim[dim[0] + 1 :] = [1] * (7 - dim[0])
    if dim[0] < 3:
        raise UsageError(f"{name} has {dim[0]} dimensions, a volume has three: z, y, x")
    if int(said["type"]) not in TYPES:
        raise UsageError(f"{name} holds voxels of NIfTI's type {said['type']}, must be an integer or a real number")
    kind, comps = TYPES[int(said["type"])]
    at = choose(Axis("t", "time"), dim[4], time, (), name)
    at += dim[4] * choose(Axis("c", "channel"), prod(dim[5:8]), channel, (), name)
    whole, dtype = tuple(dim[3:0:-1]), np.dtype(kind).newbyteorder(said.dtype["dim"].base.byteorder)
    head = Head(whole, kind, components=component_names(comps) if comps else (),
                role="labels" if said["intent"] == LABELS else "image")  # fmt: skip
    facts, turned = _place(said)
    head = head.but(**facts)
    slope, inter, values = float(said["slope"]), float(said["inter"]), None
    if np.isfinite([slope, inter]).all() and slope != 0 and (slope, inter) != (1, 0):
        wide = "float64" if dtype.itemsize > 2 and dtype.kind != "f" or dtype.itemsize == 8 else "float32"
        head, values = head.but(dtype=wide), lambda v: v.astype(wide) * slope + inter
    skip = int(said["offset"]) + at * prod(whole) * max(1, comps) * dtype.itemsize
    warnings = (f"warning: {name}: its axes are turned against the world's, of which only the origin is kept",) * turned
    return flat.stored(path, restore(head, own), 0, dtype, deflated=deflated, skip=skip, values=values, said=warnings)


def _header(name, file):
    """(what a header says, what is ours)."""
    first = file.read(4)
    for layout in (ONE, TWO):
        for order in "<>":
            if first == np.array(layout.itemsize, f"{order}i4").tobytes():
                data = first + file.read(layout.itemsize - 4)
                if len(data) < layout.itemsize:
                    raise Corrupt(f"{name} is cut off in its header")
                said = np.frombuffer(data, layout.newbyteorder(order))[0]
                if said["magic"][:3] not in (b"n+1", b"n+2") or not 0 <= said["dim"][0] <= 7 or min(said["dim"]) < 0:
                    raise Corrupt(f"{name} is not NIfTI in one file: its magic is {bytes(said['magic'])!r}")
                return said, _ours(file, order, int(said["offset"]) - layout.itemsize)
    raise Corrupt(f"{name} is not NIfTI: it does not begin with the size of a header")


def _ours(file, order, size):
    """The facts in the extension that we wrote, of those between header and voxels."""
    data = file.read(min(max(0, size), 1 << 24))
    at = 4 if data[:1] not in (b"", b"\0") else len(data)
    while at + 8 <= len(data):
        length, code = (int(v) for v in np.frombuffer(data, f"{order}i4", 2, at))
        body = data[at + 8 : at + length]
        if code == COMMENT and body.startswith(MARK):
            return unpacked(body[len(MARK) :].rstrip(b"\0"))
        at += max(8, length)
    return {}


def _place(said):
    """(spacing, unit and origin as a head has them, whether axes are turned): by sform, else qform, else pixdim."""
    unit = {code: name for name, code in UNITS.items()}.get(int(said["units"]) & 7)
    steps = [float(p) if np.isfinite(p) and p > 0 else None for p in said["pixdim"][1:4]]
    if said["sform"] > 0:
        origin, turned = said["rows"][:, 3], not _straight(said["rows"][:, :3])
    elif said["qform"] > 0:
        origin, turned = said["qoffset"], bool(np.any(said["quatern"])) or said["pixdim"][0] < 0
    else:
        origin, turned = np.zeros(3), False
    origin = tuple(float(o) if np.isfinite(o) else 0.0 for o in origin[::-1])
    spacing = None if unit is None and set(steps) <= {1.0, None} else tuple(steps[::-1])
    return {"spacing": spacing, "unit": unit if spacing else None, "origin": origin}, turned


def _straight(matrix):
    off = np.abs(matrix - np.diag(np.diag(matrix))).max()
    return bool(np.diag(matrix).min() > 0 and off <= 1e-5 * np.abs(matrix).max())


def lead(name, head, history):
    """(the bytes before the voxels, (where, how many) of them are ours)."""
    comps = len(head.components)
    if comps and (head.dtype != np.uint8 or comps not in (3, 4)):
        raise Refused(f"{name}: NIfTI has no voxels of {comps} components of {head.dtype}, only colours of uint8")
    code = {0: CODES[head.dtype.name], 3: 128, 4: 2304}[comps]
    flat.no_voxels(name, head, "NIfTI")
    layout = ONE if max(head.whole) < 1 << 15 else TWO
    spacing, unit, origin = flat.lengths(head, UNITS)
    steps = [1.0 if s is None else s for s in (spacing or (1.0,) * 3)[::-1]]
    size = room(head, history) + len(MARK)
    length = -(-(8 + size) // 16) * 16
    out = np.zeros(1, layout)
    said = out[0]
    said["size"], said["dim"][:] = layout.itemsize, (3, *head.whole[::-1], 1, 1, 1, 1)
    said["type"], said["bits"] = code, head.dtype.itemsize * 8 * max(1, comps)
    said["pixdim"][:], said["offset"] = (1, *steps, 1, 1, 1, 1), -(-(layout.itemsize + 4 + length) // 16) * 16
    said["slope"], said["units"] = 1, UNITS.get(unit, 0)
    said["qform"] = said["sform"] = 2
    said["qoffset"][:] = origin[::-1]
    said["rows"][:, :3], said["rows"][:, 3] = np.diag(steps), origin[::-1]
    said["intent"] = LABELS if head.role == "labels" else 0
    said["magic"] = b"n+1" if layout is ONE else b"n+2\0\r\n\x1a\n"
    said["text"] = b"sweeptools"
    begin = layout.itemsize + 4
    data = out.tobytes() + b"\1\0\0\0" + np.array([length, COMMENT], "i4").tobytes() + MARK
    return data.ljust(int(said["offset"]), b"\0"), (begin + 8 + len(MARK), size - len(MARK))


class Writer(flat.Writer):
    """One .nii file."""

    def __init__(self, path, head, history=True):
        self.begin(path, head, *lead(path.name, head, history))
