"""TIFF written so that any slice can be written at any time: every offset is known before the first voxel.

Pages lie one after the other without compression, so that any reader may map them. The description is ImageJ's where
that has a word for the type and the file stays below 4 GiB, else OME-XML, else (64-bit integers) tifffile's JSON.
"""

import json
import os
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import Refused, SweepError
from .npy import BLOCK, grains

ALIGN = 64
CLASSIC = (1 << 32) - (1 << 20)
SHORT, LONG, RATIONAL, ASCII, LONG8 = 3, 4, 5, 2, 16
SIZES = {SHORT: "H", LONG: "I", RATIONAL: "II", ASCII: "s", LONG8: "Q"}
OME_TYPES = {"float32": "float", "float64": "double"}


class Page:
    """Bytes of a TIFF file of `pages` pages of a head's slices, all but the voxels: `lead`, and where pages lie."""

    def __init__(self, head, pages):
        comps = max(1, len(head.components))
        self.page_bytes = head.slice_bytes
        step = -(-self.page_bytes // head.dtype.itemsize) * head.dtype.itemsize
        self.big = pages * (step + 400) + 65536 > CLASSIC
        text = description(head, pages, self.big).encode("utf-8") + b"\0"
        tags = 15 + (comps not in (1, 3))
        offset_bytes, count = (8, "Q") if self.big else (4, "I")
        ifd = (8 + tags * 20 + 8) if self.big else (2 + tags * 12 + 4)
        extra = 2 * 8 + 2 * 2 * comps + 2 * comps            # resolutions; bits and formats of components
        ifd = -(-(ifd + extra) // 8) * 8
        begin = 16 if self.big else 8
        at_text = begin + pages * ifd
        self.first = -(-(at_text + len(text)) // ALIGN) * ALIGN
        self.step = step
        order = "<" if np.little_endian else ">"
        mark = b"II" if order == "<" else b"MM"
        out = bytearray(self.first)
        old, new = ("2sHI", (mark, 42, begin)), ("2sHHHQ", (mark, 43, 8, 0, begin))
        kind, facts = new if self.big else old
        out[:begin] = struct.pack(order + kind, *facts)
        for k in range(pages):
            at = begin + k * ifd
            follow = at + ifd if k + 1 < pages else 0
            entries = self._entries(head, comps, text if k == 0 else None, at_text, k)
            table, spill = bytearray(), bytearray()
            over = at + (8 + len(entries) * 20 + 8 if self.big else 2 + len(entries) * 12 + 4)
            table += struct.pack(order + ("Q" if self.big else "H"), len(entries))
            for tag, kind, values in entries:
                if kind == ASCII:
                    table += struct.pack(order + "HH" + count + count, tag, kind, len(text), at_text)
                    continue
                n = len(values) // (2 if kind == RATIONAL else 1)
                body = struct.pack(f"{order}{len(values)}{SIZES[kind][0]}", *values)
                table += struct.pack(order + "HH" + count, tag, kind, n)
                if len(body) <= offset_bytes:
                    table += body.ljust(offset_bytes, b"\0")
                else:
                    table += struct.pack(order + count, over + len(spill))
                    spill += body + b"\0" * (-len(body) % 2)
            table += struct.pack(order + count, follow)
            out[at : at + len(table) + len(spill)] = table + spill
        out[at_text : at_text + len(text)] = text
        self.lead = bytes(out)

    def offset(self, k):
        """Where page k's voxels begin."""
        return self.first + k * self.step

    def _entries(self, head, comps, text, at_text, k):
        """(tag, type, values) of one page, rising."""
        bits, form = head.dtype.itemsize * 8, {"u": 1, "i": 2, "f": 3}[head.dtype.kind]
        y, x = head.whole[1:]
        wide = LONG8 if self.big else LONG
        resolution = [_rational(s) for s in (head.spacing or (None,) * 3)[1:]]
        entries = [
            (256, LONG, (x,)), (257, LONG, (y,)), (258, SHORT, (bits,) * comps), (259, SHORT, (1,)),
            (262, SHORT, (2 if comps in (3, 4) else 1,)), *([(270, ASCII, ())] if text else []),
            (273, wide, (self.offset(k),)), (277, SHORT, (comps,)), (278, LONG, (y,)), (279, wide, (self.page_bytes,)),
            (282, RATIONAL, resolution[1]), (283, RATIONAL, resolution[0]), (284, SHORT, (1,)), (296, SHORT, (1,)),
        ]  # fmt: skip
        spare = comps - (3 if comps in (3, 4) else 1)
        if spare:
            entries.append((338, SHORT, (2 if comps == 4 else 0,) * spare))
        return [*entries, (339, SHORT, (form,) * comps)]


def _rational(spacing):
    """Voxels per unit, as the fraction of two 32-bit numbers nearest to it."""
    if not spacing or not 1e-9 < spacing < 1e9:
        return (1, 1)
    near = Fraction(spacing).limit_denominator(1 << 30)
    if near.numerator == 0 or near.numerator >> 32:
        near = Fraction(round(spacing * 1000), 1000) if spacing > 1 else Fraction(1, round(1 / spacing))
    return (near.denominator, near.numerator)


def description(head, pages, big):
    """What a viewer needs to know of the volume: ImageJ's words, OME-XML, or JSON."""
    unit = {"micrometer": "um", "nanometer": "nm", "millimeter": "mm", "centimeter": "cm", "meter": "m"}.get(head.unit)
    z, y, x = head.spacing or (None,) * 3
    if head.dtype.name in ("uint8", "uint16", "float32") and not big and len(head.components) in (0, 3):
        text = f"ImageJ=1.11a\nimages={pages}\nslices={pages}\n" if pages > 1 else "ImageJ=1.11a\n"
        if unit or head.unit == "angstrom":
            text += f"unit={unit or 'A'}\n" + (f"spacing={z!r}\n" if z else "")
        return text + "loop=false\n"
    if head.dtype.name in ("int64", "uint64"):
        shape = [pages, *head.slice_shape]
        return json.dumps({"shape": shape, "axes": "ZYXS"[: len(shape)], "spacing": [z, y, x], "unit": head.unit})
    sizes = ""
    if head.unit:
        spelt = {"micrometer": "µm", "angstrom": "Å"}.get(head.unit, unit)
        for axis, step in zip("ZYX", (z, y, x)):
            if step:
                sizes += f' PhysicalSize{axis}="{step!r}" PhysicalSize{axis}Unit="{spelt}"'
    comps = max(1, len(head.components))
    kind = OME_TYPES.get(head.dtype.name, head.dtype.name)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        f'<Image ID="Image:0" Name="volume"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="{kind}" '
        f'SizeX="{head.whole[2]}" SizeY="{head.whole[1]}" SizeC="{comps}" SizeZ="{pages}" SizeT="1"{sizes}>'
        f'<Channel ID="Channel:0:0" SamplesPerPixel="{comps}"/><TiffData IFD="0" PlaneCount="{pages}"/>'
        "</Pixels></Image></OME>"
    )


class Writer:
    """One TIFF file of all slices (pattern None), or a directory of one file a slice, slabs of z in any order."""

    axes = (0,)
    why = "its pages are slices z; write .zarr, or use --keep-axes"
    skips = False

    def __init__(self, path, head, pattern=None):
        self.name, self.head, self.pattern = str(path), head, pattern
        if 0 in head.whole:
            shape = " x ".join(map(str, head.whole))
            raise Refused(f"{self.name}: a TIFF cannot hold a volume of {shape} voxels; use .zarr or .npy")
        self.grain = grains(head, (BLOCK, 0, 0))
        self.stats = {"chunks": 0, "files": 1 if pattern is None else head.whole[0]}
        self.page = Page(head, head.whole[0] if pattern is None else 1)
        self.path = Path(path)
        self.fd = -1
        if pattern is None:
            self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            _put(self.fd, self.page.lead, 0)
        else:
            self.path.mkdir()

    def write(self, data, box):
        """Write the slices of a box."""
        (z0, z1), _, _ = box
        for z in range(z0, z1):
            voxels = np.ascontiguousarray(data[z - z0]).reshape(-1).view("u1")
            if self.pattern is None:
                _put(self.fd, voxels, self.page.offset(z))
                continue
            fd = os.open(self.path / (self.pattern % z), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                _put(fd, self.page.lead, 0)
                _put(fd, voxels, self.page.offset(0))
            finally:
                os.close(fd)

    def finish(self, facts):
        self.abort()

    def abort(self):
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            os.close(fd)


def _put(fd, data, at):
    rest = memoryview(data)
    while len(rest):
        n = os.pwrite(fd, rest[: 1 << 30], at)
        if n == 0:
            raise SweepError(f"nothing more can be written at byte {at}")
        rest, at = rest[n:], at + n
