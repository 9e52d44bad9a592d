"""MRC2014: https://www.ccpem.ac.uk/mrc-format/mrc2014/. Lengths are angstrom, and 0 where they are not known.

float16 (mode 12) comes as float32. uint8 goes as uint16, since mode 0 is int8. What is ours is in the extended header.
"""

import numpy as np

from ..errors import Corrupt, Refused, UsageError
from ..spec import Head
from . import flat
from .metadata import restore, room, unpacked

MODES = {0: "int8", 1: "int16", 2: "float32", 6: "uint16", 12: "float16"}
CODES = {"int8": 0, "int16": 1, "float32": 2, "uint16": 6, "uint8": 6}
OWN, IMOD, SIGNED = b"SWPT", 1146047817, 1
HEADER = np.dtype([
    ("size", "i4", 3), ("mode", "i4"), ("start", "i4", 3), ("m", "i4", 3), ("cell", "f4", 3), ("angles", "f4", 3),
    ("map", "i4", 3), ("range", "f4", 3), ("ispg", "i4"), ("more", "i4"), ("a", "V8"), ("kind", "S4"), ("version", "i4"),
    ("b", "V40"), ("imod", "i4"), ("flags", "i4"), ("c", "V36"), ("origin", "f4", 3), ("word", "S4"), ("stamp", "u1", 4),
    ("rms", "f4"), ("labels", "i4"), ("text", "S80", 10),
])  # fmt: skip


def stored(path):
    """The volume in a file: sections are slices."""
    name = str(path)
    with open(path, "rb") as file:
        data = file.read(HEADER.itemsize)
        if len(data) < HEADER.itemsize:
            raise Corrupt(f"{name} is not MRC: it has {len(data)} bytes, its header alone would have 1024")
        order = ">" if data[212:214] == b"\x11\x11" else "<"
        said = np.frombuffer(data, HEADER.newbyteorder(order))[0]
        if not 0 <= said["mode"] <= 127:             # the stamp is wrong in many files
            order = "<>"[order == "<"]
            said = np.frombuffer(data, HEADER.newbyteorder(order))[0]
        more = int(said["more"])
        if min(said["size"]) < 0 or more < 0 or not 0 <= said["mode"] <= 127:
            raise Corrupt(f"{name} is not MRC, or damaged: its size is {said['size'].tolist()}, its mode {said['mode']}")
        own = unpacked(file.read(more)) if said["kind"] == OWN else {}
    kind = MODES.get(int(said["mode"]))
    if kind is None:
        raise UsageError(f"{name} is of mode {said['mode']}, must be one of {', '.join(map(str, MODES))}")
    if kind == "int8" and said["imod"] == IMOD and not said["flags"] & SIGNED:
        kind = "uint8"
    axes = [int(a) - 1 for a in said["map"]] if sorted(said["map"].tolist()) == [1, 2, 3] else [0, 1, 2]
    steps = [_step(said["cell"][a], said["m"][a]) for a in axes]
    origin = [float(said["origin"][a]) if np.isfinite(said["origin"][a]) else 0.0 for a in axes]
    head = Head(tuple(int(n) for n in said["size"][::-1]), "float32" if kind == "float16" else kind,
                axes=tuple("xyz"[a] for a in axes[::-1]), origin=tuple(origin[::-1]))  # fmt: skip
    if any(steps):
        head = head.but(spacing=tuple(steps[::-1]), unit="angstrom")
    return flat.stored(path, restore(head, own), HEADER.itemsize + more, np.dtype(kind).newbyteorder(order))


def _step(cell, count):
    return float(cell) / int(count) if np.isfinite(cell) and cell > 0 and count > 0 else None


class Writer(flat.Writer):
    """One .mrc file."""

    def __init__(self, path, head, history=True):
        name = path.name
        if head.components:
            raise Refused(f"{name}: MRC has no voxels with components; write .zarr")
        flat.no_voxels(name, head, "MRC")
        mode = flat.code_of(name, head, CODES, "MRC")
        stored_as = np.dtype("uint16") if head.dtype == np.uint8 else head.dtype
        self.said = () if stored_as == head.dtype else (f"warning: {name}: MRC has no uint8, so it holds uint16",)
        self.widened = stored_as if self.said else None
        spacing, _, origin = flat.lengths(head, ("angstrom",))
        size = room(head, history)
        out = np.zeros(1, HEADER)
        said = out[0]
        said["size"][:] = said["m"][:] = head.whole[::-1]
        said["mode"], said["map"][:], said["angles"][:], said["ispg"] = mode, (1, 2, 3), 90, 1
        if spacing and head.unit:
            said["cell"][:] = [(s or 0) * n for s, n in zip(spacing[::-1], head.whole[::-1])]
            said["origin"][:] = origin[::-1]
        said["range"][:], said["rms"] = (0, -1, -2), -1              # not determined, by the standard
        said["more"], said["kind"], said["version"], said["word"] = size, OWN, 20140, b"MAP "
        said["stamp"][:] = (0x44, 0x44, 0, 0) if np.little_endian else (0x11, 0x11, 0, 0)
        said["labels"], said["text"][0] = 1, b"sweeptools"
        self.begin(path, head, out.tobytes() + b"{}".ljust(size), (HEADER.itemsize, size), stored_as)
        self.held = 2 * 4 * head.slice_bytes * self.grain[0] if self.widened is not None else 0

    def write(self, data, box):
        """Write the voxels of a box, wider where the format asks for it."""
        super().write(data if self.widened is None else data.astype(self.widened), box)
