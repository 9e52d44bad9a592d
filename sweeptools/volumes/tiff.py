"""TIFF: one file of many pages, read page by page."""

import logging
from concurrent.futures import ThreadPoolExecutor
from math import prod
from threading import Lock
from xml.etree import ElementTree

import numpy as np

from ..errors import Corrupt, UsageError
from ..memory import THREAD
from ..params import convert, unit_name
from ..spec import Head
from .formats import library
from .metadata import restore, unpacked
from .npy import Raw, component_names, grains, voxels
from .ome import Axis, choose
from .slabs import BLOCK, Stored

WHY = "every page would be read once for each block; copy the slices to .zarr first, or turn them with sweep-permute"
BUILT_IN = (1, 8, 32946, 34925)        # none, deflate (two numbers), LZMA: tifffile needs nothing for these
OWN_TAG = 65270                        # of those that are free for any use
KINDS = {"T": "time", "C": "channel"}


def open_file(path):
    """A tifffile.TiffFile; Corrupt where it is none."""
    import tifffile

    logging.getLogger("tifffile").addHandler(logging.NullHandler())      # what it has to say is said by what is raised
    try:
        file = tifffile.TiffFile(path)
        file.filehandle.set_lock(True)               # pages are decoded by several threads
        if len(file.pages):
            return file
        fault = "there is no page in it"
        file.close()
    except (tifffile.TiffFileError, ValueError, KeyError, IndexError) as error:
        fault = error
    raise Corrupt(f"{path}: its TIFF structure is damaged: {fault}")


def stored(path, channel=None, time=None, threads=1):
    """The volume in one TIFF file: its pages are z, but for a channel or time axis of which one is chosen."""
    name = str(path)
    file = open_file(path)
    try:
        return _stored(name, path, file, channel, time, threads)
    except BaseException:
        file.close()
        raise


def _stored(name, path, file, channel, time, threads):
    series = _series(name, file)
    page = series.keyframe
    decodable(name, page)
    inner, comps, planar = page_facts(name, page)
    outer = list(zip(series.axes, series.shape))[: len(series.shape) - len(inner)]
    if prod(inner) * prod(n for _, n in outer) != prod(series.shape) or tuple(series.shape[len(outer) :]) != inner:
        raise UsageError(f"{name} has axes {series.axes} of {series.shape}, which are no slices z, y, x")
    numbers = _pages(name, outer, channel, time)
    shape = (len(numbers), *page.shape[:2], comps) if comps else (len(numbers), *page.shape[:2])
    if planar:
        shape = (len(numbers), *page.shape[1:], comps)
    spacing, unit = spacing_of(file, page)
    head = Head(shape[:3], **voxels(name, shape, series.dtype), spacing=spacing, unit=unit)
    if comps:
        head = head.but(components=component_names(comps))
    head = restore(head, own_of(file))
    start = series.dataoffset
    steady = {b - a for a, b in zip(numbers, numbers[1:])} <= {1}
    if start is not None and steady and not planar:
        order = file.byteorder
        raw = Raw(path, start + numbers[0] * prod(inner) * series.dtype.itemsize if numbers else start,
                  series.dtype.newbyteorder(order), shape)  # fmt: skip
        file.close()
        return Stored(head, raw.read, grains(head, (BLOCK, 32 << 20, 0)), name, close=raw.close, why=WHY)
    page.decode  # noqa: B018                        a look at the decoder imports it, before anything is measured
    pages = [series.pages[i] for i in numbers]
    if any(p is None for p in pages):
        raise Corrupt(f"{name}: page {numbers[pages.index(None)]} is missing")
    others = {id(p.parent): Lock() for p in pages if p.parent is not file}

    def fill(dst, z, window):
        with Elsewhere(pages[z].parent, others):
            data = decoded(pages[z], f"{name}: page {numbers[z]}")
        np.copyto(dst, (np.moveaxis(data, 0, -1) if planar else data).reshape(shape[1:])[window])

    return by_page(head, name, fill, threads, file.close)


class Elsewhere:
    """While a page is read that lies in another file than the one that names it: that file is open, for one thread."""

    def __init__(self, file, locks):
        self.file, self.lock = file, locks.get(id(file))

    def __enter__(self):
        if self.lock:
            self.lock.acquire()
            self.file.filehandle.open()

    def __exit__(self, *_):
        if self.lock:
            self.file.filehandle.close()
            self.lock.release()


def _series(name, file):
    """The one series of pages that is the volume; UsageError where pages differ, but for thumbnails and pyramids."""
    series = [s for s in file.series if s.keyframe is not None and not s.keyframe.is_reduced] or file.series[:1]
    if len(series) > 1:
        spelt = ", ".join(f"{' x '.join(map(str, s.shape))} {s.dtype}" for s in series[:10])
        raise UsageError(f"{name} has pages of {len(series)} kinds ({spelt}), the slices of a volume are all alike")
    return series[0]


def decodable(name, page):
    """UsageError where a page is packed in a way that needs a library that is not installed."""
    if page.compression not in BUILT_IN:
        library("imagecodecs", "tiff-codecs", f"{name}: {page.compression.name} compression")


def own_of(file):
    """What we wrote beside the words of ImageJ and OME."""
    tag = file.pages[0].tags.get(OWN_TAG)
    return unpacked(tag.value) if tag is not None and isinstance(tag.value, (str, bytes)) else {}


def decoded(page, name):
    try:
        return page.asarray(maxworkers=1)
    except Exception as error:                       # every codec has exceptions of its own
        raise Corrupt(f"{name} cannot be decoded: {type(error).__name__}: {error}") from error


def by_page(head, name, fill, threads, close=lambda: None):
    """A Stored whose pages are decoded one by one, several at once; a page is a chunk."""
    pool = ThreadPoolExecutor(threads, "tiff")

    def read(dst, box):
        (z0, z1), (y0, y1), (x0, x1) = box
        window = (slice(y0, y1), slice(x0, x1))
        for job in [pool.submit(fill, dst[z - z0], z, window) for z in range(z0, z1)]:
            job.result()

    def end():
        pool.shutdown()
        close()

    slices = max(grains(head, (BLOCK, 0, 0))[0], min(threads, head.whole[0]), 1)
    return Stored(head, read, (slices, 0, 0), name, chunks=lambda box: box[0][1] - box[0][0], why=WHY, close=end,
                  held=lambda box: min(threads, slices) * (3 * head.slice_bytes + THREAD))  # fmt: skip


def page_facts(name, page):
    """(shape within a page, number of components or 0, whether each has a plane of its own)."""
    if page is None or page.imagedepth > 1:
        raise UsageError(f"{name}: its pages are no two-dimensional slices")
    comps = page.samplesperpixel if page.samplesperpixel > 1 else 0
    planar = bool(comps) and page.planarconfig == 2
    if page.dtype is None:
        raise UsageError(f"{name}: a page of {page.bitspersample} bits of {page.sampleformat.name} cannot be read")
    return tuple(page.shape), comps, planar


def _pages(name, outer, channel, time):
    """Numbers of the pages, in the order of z, of what is chosen of axes [(letter, length)]."""
    longer = [(a, n) for a, n in outer if n > 1]
    lone = len(longer) == 1 and channel is None and time is None      # a stack by whatever name its writer gave z
    index = []
    for letter, n in outer:
        kind = KINDS.get(letter)
        if kind is None or (lone and n > 1):
            index.append(range(n))
            continue
        wanted = channel if kind == "channel" else time
        at = choose(Axis(letter.lower(), kind), n, wanted, (), name)
        index.append(range(at, at + 1))
    if sum(len(r) > 1 for r in index) > 1:
        spelt = ", ".join(f"{a}={n}" for a, n in longer)
        raise UsageError(f"{name} has more than one axis of pages ({spelt}), a volume has three axes: z, y, x")
    if not outer:
        return [0]
    grid = np.arange(prod(n for _, n in outer)).reshape([n for _, n in outer])
    return [int(i) for i in grid[np.ix_(*index)].reshape(-1)]


def spacing_of(file, page):
    """((z, y, x), unit) by what ImageJ or OME wrote, else (None, None): bare resolutions are for printers."""
    if file.is_ome:
        return _ome_spacing(file.filename, file.ome_metadata)
    facts = file.imagej_metadata if file.is_imagej else None
    unit = unit_name(str((facts or {}).get("unit", "")).replace("\\u00B5", "µ").strip())
    if unit is None:
        return None, None
    y, x = (_per_unit(page.tags.get(key)) for key in ("YResolution", "XResolution"))
    z = facts.get("spacing")
    return ((float(z) if z else None), y, x), unit


def _per_unit(tag):
    if tag is None or not tag.value[0]:
        return None
    return tag.value[1] / tag.value[0]


def _ome_spacing(name, xml):
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        raise Corrupt(f"{name}: its OME-XML is damaged") from None
    pixels = next((e for e in root.iter() if e.tag.rpartition("}")[2] == "Pixels"), None)
    steps = [(pixels.get(f"PhysicalSize{a}"), pixels.get(f"PhysicalSize{a}Unit", "µm")) for a in "ZYX"]
    known = [(float(v), unit_name(u)) if v else (None, None) for v, u in steps]
    unit = next((u for _, u in known if u), None)
    if unit is None:
        return None, None
    return tuple(convert(v, u, unit) if u else None for v, u in known), unit


