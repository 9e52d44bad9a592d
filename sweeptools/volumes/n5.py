"""N5 (https://github.com/saalfeldlab/n5): an array, or a container with one; `s0`, `s1` are levels."""

import json
import os
from pathlib import Path

from ..errors import Corrupt, UsageError
from ..params import unit_name
from ..spec import Head
from . import flat, tensors
from .metadata import OWN, facts, restore
from .npy import component_names, voxels

UNITS = {"angstrom": "A", "nanometer": "nm", "micrometer": "um", "millimeter": "mm", "centimeter": "cm", "meter": "m"}


def said(path):
    """The attributes of a node."""
    file = Path(path) / "attributes.json"
    try:
        found = json.loads(file.read_text()) if file.is_file() else {}
    except ValueError as error:
        raise Corrupt(f"{file} is damaged: {error}") from None
    return found if isinstance(found, dict) else {}


def stored(path, level=None, channel=None, time=None, threads=1):
    """The array at a path, or the one in it; its level 0 unless told."""
    name, path, group = str(path), Path(path), {}
    while "dimensions" not in said(path):
        group, inside = said(path), sorted(p.name for p in path.iterdir() if (p / "attributes.json").is_file())
        levels = [n for n in inside if n[0] == "s" and n[1:].isdecimal()]
        if levels:
            level = level or 0
            if f"s{level}" not in levels:
                raise UsageError(f"{name}: there is no level {level}; it has {', '.join(n[1:] for n in levels)}")
            path = path / f"s{level}"
        elif len(inside) == 1:
            path = path / inside[0]
        else:
            listed = f"; it has {', '.join(f'{path}/{n}' for n in inside[:10])}" if inside else ""
            raise UsageError(f"{name} is a group without a volume of its own{listed}")
    attributes = said(path)
    array = tensors.opened({"driver": "n5", "kvstore": {"driver": "file", "path": f"{path}/"}}, name, threads, read=True)
    own = attributes.get(OWN) if isinstance(attributes.get(OWN), dict) else {}
    view = tensors.viewed(name, array, channel, time, tuple(own.get("components", ())))
    shape = tuple(array.shape[i] for i in view.keep)
    head = Head(shape[:3], **voxels(name, shape[:3], array.dtype.numpy_dtype),
                components=component_names(shape[3]) if len(shape) > 3 else ())  # fmt: skip
    spacing, unit = _spacing(attributes, group)
    return tensors.stored(array, view, restore(head.but(spacing=spacing, unit=unit), own), name, threads)


def _spacing(attributes, group):
    """(spacing, unit) by the words that are in use: resolution and units, or pixelResolution, of the array or its group."""
    steps = attributes.get("resolution")
    units = attributes.get("units")
    pixel = attributes.get("pixelResolution") or group.get("pixelResolution")
    if isinstance(pixel, dict) and not steps:
        steps, units = pixel.get("dimensions"), pixel.get("unit")
        if "pixelResolution" not in attributes and isinstance(steps, list):
            factors = attributes.get("downsamplingFactors") or [1] * len(steps)
            steps = [s * f for s, f in zip(steps, factors)]
    if not isinstance(steps, list) or len(steps) < 3 or not all(isinstance(s, (int, float)) and s > 0 for s in steps):
        return None, None
    unit = unit_name(str(units[0] if isinstance(units, list) and units else units))
    return tuple(float(s) for s in steps[2::-1]), unit


class Writer(tensors.Writer):
    """A container with the array at s0; its own attributes are the last file."""

    def __init__(self, path, head, axis=0, chunks=None, threads=1):
        flat.no_voxels(path.name, head, "N5")
        self.path, chunks = Path(path), tensors.clipped(head, chunks)
        lead = [len(head.components)] if head.components else []
        dims, block = [*head.whole[::-1], *lead], [*chunks[::-1], *[1 for _ in lead]]
        spec = {"driver": "n5", "kvstore": {"driver": "file", "path": f"{self.path}/s0/"},
                "metadata": {"dimensions": dims, "blockSize": block, "dataType": head.dtype.name,
                             "compression": {"type": "gzip", "level": 1}}}  # fmt: skip
        array = tensors.opened(spec, path.name, threads, create=True, read=True, write=True)
        self.begin(array, head, chunks, axis)

    def finish(self, told):
        """Write the attributes of the array, then those of its container."""
        head, file = self.head, self.path / "s0" / "attributes.json"
        more = {OWN: {**facts(head, False), **({"history": told["history"]} if told.get("history") else {})}}
        if head.spacing and None not in head.spacing:
            more["resolution"] = [*head.spacing[::-1], 1.0][: 4 if head.components else 3]
            if head.unit:
                more["units"] = [*[UNITS[head.unit]] * 3, ""][: 4 if head.components else 3]
        file.write_text(json.dumps({**json.loads(file.read_text()), **more}, indent=1) + "\n")
        (self.path / "attributes.json").write_text(json.dumps({"n5": "2.5.0"}) + "\n")
        self.stats["files"] = sum(len(files) for _, _, files in os.walk(self.path))

    root = "attributes.json"
