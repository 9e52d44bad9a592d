"""NRRD: a text header, then the voxels (.nrrd), or the name of the file that has them (.nhdr).

https://teem.sourceforge.net/nrrd/format.html. What is ours stands in a comment.
"""

import re
from pathlib import Path

import numpy as np

from ..errors import Corrupt, UsageError
from ..params import unit_name
from ..spec import Head
from . import flat
from .metadata import restore, room, unpacked
from .npy import component_names

TYPES = {
    "int8": ("signed char", "int8", "int8_t"), "uint8": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "int16": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "uint16": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "int32": ("int", "signed int", "int32", "int32_t"), "uint32": ("uint", "unsigned int", "uint32", "uint32_t"),
    "int64": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "uint64": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "float32": ("float",), "float64": ("double",),
}  # fmt: skip
BY_WORD = {word: name for name, words in TYPES.items() for word in words}
UNITS = {"angstrom": "A", "nanometer": "nm", "micrometer": "um", "millimeter": "mm", "centimeter": "cm", "meter": "m"}
MOST = 1 << 24           # bytes of a header
MARK = "# sweeptools "


def stored(path):
    """The volume in a file: three axes, and before them one of components."""
    name = str(path)
    said, own, offset = _header(name, path)
    try:
        sizes = [int(n) for n in said["sizes"].split()]
        kind = BY_WORD.get(said["type"].strip().lower())
        encoding = said["encoding"].strip().lower()
        order = {"little": "<", "big": ">"}[said.get("endian", "little").strip().lower()]
        bytes_skipped, lines = int(said.get("byte skip", 0)), int(said.get("line skip", 0))
    except (KeyError, ValueError) as error:
        raise Corrupt(f"{name}: its header is damaged: {error}") from None
    if kind is None:
        raise UsageError(f"{name} holds {said['type'].strip()}, must be an integer of 8 to 64 bits, float or double")
    if encoding not in ("raw", "gzip", "gz"):
        raise UsageError(f"{name}: encoding {encoding} cannot be read, only raw and gzip")
    comps = sizes[0] if len(sizes) == 4 else 0
    if len(sizes) not in (3, 4) or comps > 16:
        raise UsageError(f"{name} has {len(sizes)} dimensions ({' x '.join(map(str, sizes))}), a volume has three: z, y, x")
    facts, turned = _place(said, len(sizes))
    head = Head(tuple(sizes[:-4:-1]), kind, components=component_names(comps) if comps else (), **facts)
    file = path
    if "data file" in said or "datafile" in said:
        word = (said.get("data file") or said["datafile"]).strip()
        if word.startswith("LIST") or "%" in word:
            raise UsageError(f"{name}: its voxels are in several files, which cannot be read: {word}")
        file, offset = Path(path).parent / word, 0
    if lines:
        raise UsageError(f"{name}: line skip is {lines}, must be 0")
    deflated, dtype = encoding != "raw", np.dtype(kind).newbyteorder(order)
    if bytes_skipped < 0:
        if deflated or bytes_skipped < -1:
            raise UsageError(f"{name}: byte skip is {bytes_skipped}, must be at least 0, or -1 where the encoding is raw")
        offset = file.stat().st_size - int(np.prod(sizes, dtype=object)) * dtype.itemsize
    warnings = (f"warning: {name}: its axes are turned against the world's, of which only the origin is kept",) * turned
    return flat.stored(path, restore(head, own), offset, dtype, file=file, deflated=deflated, skip=max(0, bytes_skipped),
                       said=warnings)  # fmt: skip


def _header(name, path):
    """(fields by name, what is ours, where the header ends)."""
    said, own = {}, {}
    with open(path, "rb") as file:
        if not file.readline(64).startswith(b"NRRD0"):
            raise Corrupt(f"{name} is not NRRD: its first line is not NRRD000 and a number")
        for line in iter(lambda: file.readline(MOST), b""):
            line = line.rstrip(b"\r\n").decode("utf-8", "replace")
            if not line:
                break
            if line.startswith(MARK):
                own = unpacked(line[len(MARK) :])
            elif not line.startswith("#") and ":=" not in line:
                field, colon, value = line.partition(":")
                if not colon:
                    raise Corrupt(f"{name}: its header is damaged: {line[:60]!r} is no field")
                said[field.strip().lower()] = value
        return said, own, file.tell()


def _place(said, n):
    """(spacing, unit, origin of the last three axes, whether they are turned)."""
    vectors = re.findall(r"none|\([^)]*\)", said.get("space directions", ""))[-3:]
    words = re.findall(r'"([^"]*)"', said.get("space units") or said.get("units", ""))
    unit = next((u for u in map(unit_name, words) if u), None)
    origin, turned = (0.0,) * 3, False
    if len(vectors) == 3 and "none" not in vectors:
        rows = np.array([_vector(v) for v in vectors])
        steps = [float(s) for s in np.sqrt((rows**2).sum(1))]
        turned = rows.shape != (3, 3) or bool((np.abs(rows - np.diag(steps)) > 1e-6 * max(steps)).any())
        if "space origin" in said:
            origin = tuple(_vector(said["space origin"].strip())[::-1])
    else:
        steps = [float(s) for s in said["spacings"].split()[-3:]] if "spacings" in said else []
    steps = [s if np.isfinite(s) and s > 0 else None for s in steps]
    spacing = tuple(steps[::-1]) if len(steps) == 3 and any(steps) else None
    return {"spacing": spacing, "unit": unit if spacing else None, "origin": origin}, turned


def _vector(text):
    return [float(v) for v in text.strip("()").split(",")]


class Writer(flat.Writer):
    """One .nrrd file."""

    def __init__(self, path, head, history=True):
        flat.one_file(path.name, ".nhdr", ".nrrd")
        flat.no_voxels(path.name, head, "NRRD")
        comps = len(head.components)
        sizes = [*([comps] if comps else []), *head.whole[::-1]]
        axes = [*(["vector"] if comps else []), *["domain"] * 3]
        lines = ["NRRD0005", f"type: {TYPES[head.dtype.name][-1]}", f"dimension: {len(sizes)}"]
        known = head.spacing and None not in head.spacing
        if known:
            lines.append("space dimension: 3")
        lines.append("sizes: " + " ".join(map(str, sizes)))
        none, steps = ["none"] if comps else [], (head.spacing or ())[::-1]
        if known:
            rows = [f"({','.join(repr(s) if i == k else '0' for i in range(3))})" for k, s in enumerate(steps)]
            lines.append("space directions: " + " ".join([*none, *rows]))
            lines.append(f"space origin: ({','.join(map(repr, head.origin[::-1]))})")
            if head.unit:
                lines.append("space units: " + " ".join([f'"{UNITS[head.unit]}"'] * 3))
        elif steps:
            lines.append("spacings: " + " ".join(["NaN"] * len(none) + ["NaN" if s is None else repr(s) for s in steps]))
            words = [f'"{UNITS[head.unit] if head.unit and s else ""}"' for s in steps]
            lines.append("units: " + " ".join(['""'] * len(none) + words))
        lines += ["kinds: " + " ".join(axes), f"endian: {'little' if np.little_endian else 'big'}", "encoding: raw", MARK]
        text = "\n".join(lines).encode("ascii")
        size = room(head, history)
        self.begin(path, head, text + b"{}".ljust(size) + b"\n\n", (len(text), size))
