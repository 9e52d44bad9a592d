"""TIFF written so that any slice can be written at any time: every offset is known before the first voxel.

Pages lie one after the other without compression, so that any reader may map them; packed ones (--codec) lie in the order
in which they came, and the tables before them are written again at the end. The description is ImageJ's where that has a
word for the type and the file stays below 4 GiB, else OME-XML, else (64-bit integers) tifffile's JSON; OME-XML where the
name ends with .ome.tif. What none of them has a word for is in a private tag of the first page, as JSON.
"""

import json
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import Refused, SweepError, UsageError
from ..flow import mapped
from ..memory import THREAD
from .hdf5chunks import deflate
from .metadata import FACTS, packed, room
from .npy import BLOCK, grains
from .tiff import OWN_TAG

ALIGN = 64
CLASSIC = (1 << 32) - (1 << 20)
SHORT, LONG, RATIONAL, ASCII, LONG8 = 3, 4, 5, 2, 16
SIZES = {SHORT: "H", LONG: "I", RATIONAL: "II", ASCII: "s", LONG8: "Q"}
OME_TYPES = {"float32": "float", "float64": "double"}


class Page:
    """Bytes of a TIFF file of `pages` pages of a head's slices, all but the voxels: `lead`, and where pages lie.

    own: bytes that are left for our own tag; level: of packing, or None; ome: whether OME-XML is asked for.
    """

    def __init__(self, head, pages, own=0, level=None, ome=False):
        self.head, self.pages, self.own, self.level = head, pages, own, level
        self.comps = max(1, len(head.components))
        self.page_bytes = head.slice_bytes
        self.step = -(-self.page_bytes // head.dtype.itemsize) * head.dtype.itemsize
        more = self.step // 1000 + 64 if level is not None else 0    # what cannot be packed becomes a little longer
        self.big = pages * (self.step + more + 400) + own + 65536 > CLASSIC
        self.text = description(head, pages, self.big, ome).encode("utf-8") + b"\0"
        tags = 15 + (self.comps not in (1, 3)) + bool(own) + (level is not None and head.dtype.kind != "f")
        ifd = (8 + tags * 20 + 8) if self.big else (2 + tags * 12 + 4)
        extra = 2 * 8 + 2 * 2 * self.comps + 2 * self.comps      # resolutions; bits and formats of components
        self.ifd = -(-(ifd + extra) // 8) * 8
        self.begin = 16 if self.big else 8
        self.at_text = self.begin + pages * self.ifd
        self.at_own = self.at_text + len(self.text)
        self.first = -(-(self.at_own + own) // ALIGN) * ALIGN

    def lead(self, places=None):
        """What stands before the voxels; places: (offset, bytes) of each page where they are packed."""
        places = places or [(self.offset(k), self.page_bytes) for k in range(self.pages)]
        order = "<" if np.little_endian else ">"
        mark = b"II" if order == "<" else b"MM"
        out = bytearray(self.first)
        old, new = ("2sHI", (mark, 42, self.begin)), ("2sHHHQ", (mark, 43, 8, 0, self.begin))
        kind, facts = new if self.big else old
        out[: self.begin] = struct.pack(order + kind, *facts)
        for k in range(self.pages):
            at = self.begin + k * self.ifd
            table = self._table(order, at, self._entries(k, *places[k]), at + self.ifd if k + 1 < self.pages else 0)
            out[at : at + len(table)] = table
        out[self.at_text : self.at_text + len(self.text)] = self.text
        out[self.at_own : self.at_own + self.own] = b"{}".ljust(self.own - 1) + b"\0" if self.own else b""
        return bytes(out)

    def _table(self, order, at, entries, follow):
        """The bytes of one page's table, and of values that have no place in it, which follow it."""
        room, count = (8, "Q") if self.big else (4, "I")
        table, spill = bytearray(), bytearray()
        over = at + (8 + len(entries) * 20 + 8 if self.big else 2 + len(entries) * 12 + 4)
        table += struct.pack(order + ("Q" if self.big else "H"), len(entries))
        for tag, kind, values in entries:
            if kind == ASCII:                        # (where, how long)
                table += struct.pack(order + "HH" + count + count, tag, kind, values[1], values[0])
                continue
            n = len(values) // (2 if kind == RATIONAL else 1)
            body = struct.pack(f"{order}{len(values)}{SIZES[kind][0]}", *values)
            table += struct.pack(order + "HH" + count, tag, kind, n)
            if len(body) <= room:
                table += body.ljust(room, b"\0")
            else:
                table += struct.pack(order + count, over + len(spill))
                spill += body + b"\0" * (-len(body) % 2)
        return table + struct.pack(order + count, follow) + spill

    def offset(self, k):
        """Where page k's voxels begin."""
        return self.first + k * self.step

    def _entries(self, k, offset, size):
        """(tag, type, values) of one page, rising."""
        head, comps = self.head, self.comps
        bits, form = head.dtype.itemsize * 8, {"u": 1, "i": 2, "f": 3}[head.dtype.kind]
        y, x = head.whole[1:]
        wide = LONG8 if self.big else LONG
        resolution = [_rational(s) for s in (head.spacing or (None,) * 3)[1:]]
        packing, text = 1 if self.level is None else 8, (self.at_text, len(self.text))
        entries = [
            (256, LONG, (x,)), (257, LONG, (y,)), (258, SHORT, (bits,) * comps), (259, SHORT, (packing,)),
            (262, SHORT, (2 if comps in (3, 4) else 1,)), *([(270, ASCII, text)] if k == 0 else []),
            (273, wide, (offset,)), (277, SHORT, (comps,)), (278, LONG, (y,)), (279, wide, (size,)),
            (282, RATIONAL, resolution[1]), (283, RATIONAL, resolution[0]), (284, SHORT, (1,)), (296, SHORT, (1,)),
        ]  # fmt: skip
        if packing == 8 and head.dtype.kind != "f":
            entries.append((317, SHORT, (2,)))
        spare = comps - (3 if comps in (3, 4) else 1)
        if spare:
            entries.append((338, SHORT, (2 if comps == 4 else 0,) * spare))
        entries.append((339, SHORT, (form,) * comps))
        return [*entries, *([(OWN_TAG, ASCII, (self.at_own, self.own))] if k == 0 and self.own else [])]

    def packed(self, plane):
        """One page's voxels packed; integers as differences along x, which pack better."""
        if self.head.dtype.kind != "f":
            steps = plane.copy()
            steps[:, 1:] -= plane[:, :-1]
            plane = steps
        return deflate(np.ascontiguousarray(plane).reshape(-1).view("u1"), self.level)


def _rational(spacing):
    """Voxels per unit, as the fraction of two 32-bit numbers nearest to it."""
    if not spacing or not 1e-9 < spacing < 1e9:
        return (1, 1)
    near = Fraction(spacing).limit_denominator(1 << 30)
    if near.numerator == 0 or near.numerator >> 32:
        near = Fraction(round(spacing * 1000), 1000) if spacing > 1 else Fraction(1, round(1 / spacing))
    return (near.denominator, near.numerator)


def description(head, pages, big, ome=False):
    """What a viewer needs to know of the volume: ImageJ's words, OME-XML, or JSON."""
    unit = {"micrometer": "um", "nanometer": "nm", "millimeter": "mm", "centimeter": "cm", "meter": "m"}.get(head.unit)
    z, y, x = head.spacing or (None,) * 3
    if head.dtype.name in ("uint8", "uint16", "float32") and not (big or ome) and len(head.components) in (0, 3):
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


def codec_of(text):
    """The level of packing that a word such as gzip:6 asks for; None for none."""
    name, colon, level = (text or "none").partition(":")
    if name not in ("gzip", "none") or (colon and (name == "none" or level not in list("123456789"))):
        raise UsageError(f"codec is {text!r}, must be gzip, with a level as in gzip:6, or none")
    return None if name == "none" else int(level or 1)


class Writer:
    """One TIFF file of all slices (pattern None), or a directory of one file a slice, slabs of z in any order."""

    axes = (0,)
    why = "its pages are slices z; write .zarr, or use --keep-axes"
    skips = False
    keeps = FACTS

    def __init__(self, path, head, pattern=None, codec=None, threads=1, history=True):
        self.name, self.head, self.pattern = Path(path).name, head, pattern
        if 0 in head.whole:
            shape = " x ".join(map(str, head.whole))
            raise Refused(f"{self.name}: a TIFF cannot hold a volume of {shape} voxels; use .zarr or .npy")
        ome = (pattern or self.name).lower().endswith((".ome.tif", ".ome.tiff"))
        if ome and head.dtype.name in ("int64", "uint64"):
            raise Refused(f"{self.name}: OME-TIFF has no {head.dtype.name}; write .tif, or another type with sweep-cast")
        level = codec_of(codec)
        self.grain = grains(head, (BLOCK, 0, 0))
        if level is not None:
            self.grain = (max(self.grain[0], min(threads, head.whole[0])), 0, 0)
        self.threads = threads
        # of a slice its differences and its packed bytes; as many packed ones wait for their turn, and one is written
        self.held = threads * (3 * head.slice_bytes + THREAD) + head.slice_bytes if level is not None else 0
        self.stats = {"chunks": 0, "files": 1 if pattern is None else head.whole[0]}
        facts = (room(head, history) + 1, level, ome)
        self.page = Page(head, head.whole[0] if pattern is None else 1, *facts)
        self.rest = self.page if pattern is None else Page(head, 1, 0, level, ome)     # of all slices but the first
        self.same = b"" if pattern is None else self.rest.lead()
        self.path = Path(path)
        self.places, self.end = [None] * head.whole[0], self.page.first
        self.pool = ThreadPoolExecutor(threads, "tiff")
        self.fd = -1
        if pattern is None:
            self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            _put(self.fd, self.page.lead(), 0)
        else:
            self.path.mkdir()

    def write(self, data, box):
        """Write the slices of a box."""
        (z0, z1), _, _ = box
        packed = self.page.level is not None
        bodies = mapped(self.pool, self._body, data, self.threads) if packed and len(data) > 1 else map(self._body, data)
        for z, voxels in zip(range(z0, z1), bodies):
            self.stats["chunks"] += 1
            if self.pattern is None:
                at = self.end if packed else self.page.offset(z)
                _put(self.fd, voxels, at)
                self.places[z], self.end = (at, len(voxels)), at + len(voxels) + len(voxels) % 2
                continue
            page = self.page if z == 0 else self.rest
            fd = os.open(self.path / (self.pattern % z), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                _put(fd, page.lead([(page.first, len(voxels))]) if packed or z == 0 else self.same, 0)
                _put(fd, voxels, page.first)
            finally:
                os.close(fd)

    def _body(self, plane):
        return self.page.packed(plane) if self.page.level is not None else plane.reshape(-1).view("u1")

    def finish(self, facts):
        """Write what is known of the volume, and where its pages are."""
        fd = self.fd if self.pattern is None else os.open(self.path / (self.pattern % 0), os.O_WRONLY)
        try:
            if self.pattern is None and self.page.level is not None:
                _put(fd, self.page.lead(self.places), 0)
            _put(fd, packed(self.head, self.page.own - 1, facts.get("history")), self.page.at_own)
        finally:
            if fd != self.fd:
                os.close(fd)
        self.abort()

    def abort(self):
        """Close what is open."""
        self.pool.shutdown(wait=False, cancel_futures=True)
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
