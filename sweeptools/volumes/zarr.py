"""Zarr v2 and v3, sharded or not, plain arrays or OME-Zarr: chunk rows through a parallel codec pipeline.

zarr-python holds the metadata; zarrs (Rust) decodes and encodes where it is installed and knows the codecs.
"""

import json
import os
import warnings
from importlib.util import find_spec
from pathlib import Path

from ..errors import Corrupt, UsageError
from ..spec import Head
from . import axes, ome
from .npy import voxels
from .slabs import Stored
from .zarrpass import Encoded
from .zarrread import Reader

SPOKEN_FOR = {"ome", "multiscales", "omero", "image-label", "labels", "plate", "well", "bioformats2raw.layout",
              "_ARRAY_DIMENSIONS", ome.OWN}  # fmt: skip
PASSED = 1 << 16         # characters of attributes that are passed on at most
SHARD_ROW = 128 << 20    # bytes of a slab up to which a row of shards is read at once; else a row of their chunks


def pipeline(threads):
    """zarr-python, set to decode and encode with so many threads; its module."""
    os.environ.setdefault("RAYON_NUM_THREADS", str(threads))        # zarrs' pool, which is made once a process
    import zarr

    facts = {"threading.max_workers": threads}
    if find_spec("zarrs"):
        facts["codec_pipeline.path"] = "zarrs.ZarrsCodecPipeline"
    zarr.config.set(facts)
    from numcodecs import blosc

    blosc.set_nthreads(threads)
    return zarr


def metadata(path):
    """(kind, attributes) of the node at a path: "array", "group", or None where there is none."""
    path = Path(path)
    if (path / "zarr.json").is_file():
        said = _json(path / "zarr.json")
        kind = said.get("node_type")
        if kind not in ("array", "group"):
            raise Corrupt(f"{path}/zarr.json: node_type is {kind!r}, must be array or group")
        return kind, said.get("attributes") or {}
    for file, kind in ((".zarray", "array"), (".zgroup", "group")):
        if (path / file).is_file():
            return kind, _json(path / ".zattrs") if (path / ".zattrs").is_file() else {}
    return None, {}


def _json(path):
    try:
        said = json.loads(path.read_text())
    except ValueError as error:
        raise Corrupt(f"{path} is damaged: {error}") from None
    if not isinstance(said, dict):
        raise Corrupt(f"{path} is damaged: it is no JSON object")
    return said


def stored(path, level=None, channel=None, time=None, threads=1, **_):
    """The volume at a path: an array, or the level of an OME-Zarr group (0 unless told)."""
    name = str(path)
    kind, attributes = metadata(path)
    image = ome.image(attributes, name) if kind == "group" else None
    if kind == "array":
        if level is not None:
            raise UsageError(f"{name} is an array, which has no levels; leave --level out")
        image, level, around = _around(Path(path))
        if image is None:
            return _plain(path, name, attributes, channel, time, threads)
        scale, shift = image.levels[level][1:]
        attributes = around | {key: value for key, value in attributes.items() if key != ome.OWN}
    elif image is None:
        return _inner(Path(path), attributes, level, channel, time, threads)
    else:
        level = 0 if level is None else level
        if not 0 <= level < len(image.levels):
            raise UsageError(f"{name}: there is no level {level}; it has 0 to {len(image.levels) - 1}")
        inner, scale, shift = image.levels[level]
        path = Path(path) / inner
        if metadata(path)[0] != "array":
            raise Corrupt(f"{name}: its level {level} is to be at {inner!r}, but there is no array")
    array = opened(path, threads)
    if array.ndim != len(image.axes):
        raise Corrupt(f"{name} has {array.ndim} dimensions, its metadata {len(image.axes)} axes")
    own = attributes.get(ome.OWN) or {}
    if level:                                        # a mean of voxels of which some say nothing is no such voxel
        own = {key: value for key, value in own.items() if key != "nodata"}
    keep, at = _axes(name, image.axes, array.shape, channel, time, image.channels, own)
    space = [image.axes[i] for i in keep[-3:]]
    spacing, unit, origin = ome.spacing(space, [scale[i] for i in keep[-3:]], [shift[i] for i in keep[-3:]])
    facts = {"spacing": spacing, "unit": unit, "origin": origin, "axes": tuple(a.name for a in space)}
    facts |= {"role": "labels"} if image.labels else {}
    channel = own.get("channel") or (None if len(keep) > 3 else ome.channel_of(image, at))
    facts["meta"] = passed_on(attributes) | ({"channel": channel} if channel else {})
    return _stored(array, name, keep, at, facts, own, path, threads)


def passed_on(attributes):
    """What a user or another program keeps with a volume, for the volumes made of it: all that is not OME's or ours."""
    other = {key: value for key, value in attributes.items() if key not in SPOKEN_FOR}
    return {"attributes": other} if other and len(json.dumps(other)) <= PASSED else {}


def _around(path):
    """(image, index of the level, attributes) of the OME-Zarr group of which an array is a level, else Nones."""
    for up in (path.parent, path.parent.parent):
        kind, attributes = metadata(up)
        image = ome.image(attributes, str(up)) if kind == "group" else None
        for level, (inner, _, _) in enumerate(image.levels if image else ()):
            if (up / inner).resolve() == path.resolve():
                return image, level, attributes
    return None, None, None


def _inner(path, attributes, level, channel, time, threads):
    """What a group holds that is no image itself: the one image or array in it, else an error that lists them."""
    inside = sorted(p.name for p in path.iterdir() if p.is_dir() and metadata(p)[0])
    images = [n for n in inside if metadata(path / n)[0] == "array" or ome.image(metadata(path / n)[1], str(path / n))]
    if len(images) == 1:
        return stored(path / images[0], level, channel, time, threads)
    listed = ", ".join(f"{path}/{n}" for n in (images or inside)[:10])
    raise UsageError(f"{path} is a group without a volume of its own" + (f"; it has {listed}" if listed else ""))


def _plain(path, name, attributes, channel, time, threads):
    """An array of no image: axes are named by its dimension names, else the last three are z, y, x."""
    array = opened(path, threads)
    own = attributes.get(ome.OWN) or {}
    names = getattr(array.metadata, "dimension_names", None) or attributes.get("_ARRAY_DIMENSIONS")
    every = axes.named(names, array.ndim)
    keep, at = _axes(name, every, array.shape, channel, time, (), own)
    facts = {"axes": tuple(every[i].name for i in keep[-3:])}
    for key in ("spacing", "origin"):
        if own.get(key):
            facts[key] = tuple(own[key])
    facts |= {"unit": own["unit"]} if own.get("unit") else {}
    facts["meta"] = passed_on(attributes) | ({"channel": own["channel"]} if own.get("channel") else {})
    return _stored(array, name, keep, at, facts, own, path, threads)


def _axes(name, every, shape, channel, time, channels, own):
    """(axes that are kept: components, z, y, x; the index chosen along each other one)."""
    keep, at = axes.kept(name, every, shape, channel, time, tuple(own.get("components", ())), channels)
    return [*keep[3:], *keep[:3]], at


def opened(path, threads):
    """The array at a path, to be read."""
    zarr = pipeline(threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")              # that zarrs leaves an array to zarr-python is no news to a user
        try:
            return zarr.open_array(str(path), mode="r")
        except (ValueError, KeyError, TypeError, NotImplementedError) as error:
            raise Corrupt(f"{path} cannot be opened: {error}") from None


def part_of(array, name, at, facts, path, threads):
    """A Stored of the last three axes of an array, at fixed indices along those before; facts: of its head."""
    keep = list(range(array.ndim - 3, array.ndim))
    return _stored(array, name, keep, at, facts, {"role": facts["role"]}, path, threads)


def _stored(array, name, keep, at, facts, own, path, threads):
    """A Stored of the kept axes of an array, at fixed indices along the others."""
    comps = tuple(own.get("components", ())) if len(keep) == 4 else ()
    space = keep[-3:]
    whole = tuple(array.shape[i] for i in space)
    told = voxels(name, whole, array.dtype)
    if own.get("role") in ("image", "labels", "mask"):
        told["role"] = own["role"]
    chunks = tuple(array.chunks[i] for i in space)
    shards = tuple(array.shards[i] for i in space) if array.shards else None
    head = Head(whole, **{**facts, **told}, components=comps, chunks=chunks, nodata=own.get("nodata"),
                history=tuple(own.get("history", ())))  # fmt: skip
    depth = chunks[0]
    if shards and shards[0] * max(1, head.slice_bytes) <= SHARD_ROW:
        depth = shards[0]
    whole_shards = shards is not None and depth == shards[0]
    reader = Reader(array, keep, at, comps, Path(path), chunks, shards, whole_shards)
    encoded = Encoded(array, Path(path)) if keep == [0, 1, 2] else None
    return Stored(head, reader.read, (depth, *chunks[1:]), name, reader.empty, reader.chunks,
                  held=lambda box: reader.held(box, threads), encoded=encoded)  # fmt: skip
