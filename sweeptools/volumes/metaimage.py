"""MetaImage: a text header, then the voxels (.mha), or the name of the file that has them (.mhd).

https://itk.org/Wiki/ITK/MetaIO/Documentation. Lengths are millimetres. What is ours stands in the comment.
"""

from pathlib import Path

import numpy as np

from ..errors import Corrupt, UsageError
from ..params import unit_name
from ..spec import Head
from . import flat
from .metadata import FACTS, facts, restore, room, unpacked
from .npy import component_names

TYPES = {"int8": "CHAR", "uint8": "UCHAR", "int16": "SHORT", "uint16": "USHORT", "int32": "INT", "uint32": "UINT",
         "int64": "LONG_LONG", "uint64": "ULONG_LONG", "float32": "FLOAT", "float64": "DOUBLE"}  # fmt: skip
BY_WORD = {f"MET_{word}": name for name, word in TYPES.items()} | {"MET_LONG": "int32", "MET_ULONG": "uint32"}
MARK = "sweeptools "
COMMENT = 24000          # bytes of a comment at most: readers have room for 32768


def stored(path):
    """The volume in a file of three dimensions."""
    name = str(path)
    said, offset = _header(name, path)
    try:
        sizes = [int(n) for n in said["DimSize"].split()]
        comps = int(said.get("ElementNumberOfChannels", 1))
        kind = BY_WORD.get(said["ElementType"].removesuffix("_ARRAY"))
        where, skip = said["ElementDataFile"], int(said.get("HeaderSize", 0))
        big = said.get("BinaryDataByteOrderMSB", said.get("ElementByteOrderMSB", "False")).lower().startswith("t")
        steps = [float(s) for s in said.get("ElementSpacing", said.get("ElementSize", "")).split()]
        origin = [float(o) for o in said.get("Offset", said.get("Position", said.get("Origin", "0 0 0"))).split()]
        matrix = [float(v) for v in said.get("TransformMatrix", said.get("Rotation", "1 0 0 0 1 0 0 0 1")).split()]
    except (KeyError, ValueError) as error:
        raise Corrupt(f"{name}: its header is damaged: {error}") from None
    if kind is None:
        raise UsageError(f"{name} holds {said['ElementType']}, must be an integer of 8 to 64 bits, float or double")
    if len(sizes) != 3 or comps > 16:
        raise UsageError(f"{name} has {len(sizes)} dimensions ({' x '.join(map(str, sizes))}), a volume has three: z, y, x")
    if said.get("BinaryData", "True").lower().startswith("f"):
        raise UsageError(f"{name}: voxels as text cannot be read")
    deflated, dtype = said.get("CompressedData", "False").lower().startswith("t"), np.dtype(kind).newbyteorder("<>"[big])
    unit = unit_name(said.get("DistanceUnits", "mm")) or "millimeter"
    spacing = tuple(steps[::-1]) if len(steps) == 3 and min(steps) > 0 else None
    if spacing == (1.0,) * 3 and "DistanceUnits" not in said:
        spacing = None                               # what is written where nothing is known
    head = Head(tuple(sizes[::-1]), kind, components=component_names(comps) if comps > 1 else (), spacing=spacing,
                unit=unit if spacing else None, origin=tuple(origin[::-1]) if len(origin) == 3 else (0.0,) * 3)  # fmt: skip
    file = path
    if where != "LOCAL":
        if where == "LIST" or "%" in where:
            raise UsageError(f"{name}: its voxels are in several files, which cannot be read: {where}")
        file, offset = Path(path).parent / where, max(0, skip)
        if skip < 0 and file.is_file():
            offset = file.stat().st_size - int(np.prod(sizes, dtype=object)) * comps * dtype.itemsize
    comment = said.get("Comment", "")
    own = unpacked(comment[len(MARK) :]) if comment.startswith(MARK) else {}
    turned = matrix != [1, 0, 0, 0, 1, 0, 0, 0, 1]
    warnings = (f"warning: {name}: its axes are turned against the world's, of which only the origin is kept",) * turned
    return flat.stored(path, restore(head, own), offset, dtype, file=file, deflated=deflated, said=warnings)


def _header(name, path):
    """(fields by name, where the header ends)."""
    said = {}
    with open(path, "rb") as file:
        for line in iter(lambda: file.readline(1 << 20), b""):
            field, equals, value = line.decode("utf-8", "replace").partition("=")
            if not equals:
                raise Corrupt(f"{name} is not MetaImage, or damaged: {field.strip()[:60]!r} is no field")
            said[field.strip()] = value.strip()
            if field.strip() == "ElementDataFile":
                return said, file.tell()
    raise Corrupt(f"{name} is not MetaImage, or damaged: it does not tell where its voxels are")


class Writer(flat.Writer):
    """One .mha file."""

    def __init__(self, path, head, history=True):
        flat.one_file(path.name, ".mhd", ".mha")
        flat.no_voxels(path.name, head, "MetaImage")
        if len(str(facts(head, history))) > COMMENT:
            head = head.but(meta={})
            self.keeps = tuple(fact for fact in FACTS if fact not in ("attributes", "channel"))
        spacing, unit, origin = flat.lengths(head, ("millimeter",))
        steps = [1.0 if s is None else s for s in (spacing or (1.0,) * 3)[::-1]]
        words = lambda values: " ".join(map(repr, values))  # noqa: E731
        comps = len(head.components)
        above = ["ObjectType = Image", "NDims = 3", "BinaryData = True",
                 f"BinaryDataByteOrderMSB = {not np.little_endian}", "CompressedData = False",
                 *(["DistanceUnits = mm"] if unit else [])]  # fmt: skip
        below = ["TransformMatrix = 1 0 0 0 1 0 0 0 1", f"Offset = {words(origin[::-1])}", "CenterOfRotation = 0 0 0",
                 f"ElementSpacing = {words(steps)}", f"DimSize = {words(head.whole[::-1])}",
                 *([f"ElementNumberOfChannels = {comps}"] if comps else []),
                 f"ElementType = MET_{TYPES[head.dtype.name]}", "ElementDataFile = LOCAL"]  # fmt: skip
        first = "\n".join([*above[:1], "NDims = 3", f"Comment = {MARK}"]).encode("ascii")
        size = room(head, history)
        rest = "\n".join(["", *above[2:], *below, ""]).encode("ascii")
        self.begin(path, head, first + b"{}".ljust(size) + rest, (len(first), size))
