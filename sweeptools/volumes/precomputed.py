"""Neuroglancer's precomputed volumes (https://github.com/google/neuroglancer, precomputed/volume.md): scales are levels."""

import json
import os
from pathlib import Path

from ..errors import Corrupt, UsageError
from ..spec import Head
from . import flat, tensors
from .metadata import OWN, facts, restore
from .npy import component_names, voxels

TYPES = {name: name for name in ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "float32")}


def stored(path, level=None, channel=None, time=None, threads=1):
    """The volume at a path, of its scale 0 unless told; lengths are nanometres."""
    name = str(path)
    try:
        info = json.loads((Path(path) / "info").read_text())
        scales = info["scales"]
        level = level or 0
        if level >= len(scales):
            raise UsageError(f"{name}: there is no level {level}; it has 0 to {len(scales) - 1}")
        steps, offset = scales[level]["resolution"], scales[level].get("voxel_offset", [0, 0, 0])
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"{name}: its info is damaged: {type(error).__name__} {error}") from None
    spec = {"driver": "neuroglancer_precomputed", "kvstore": {"driver": "file", "path": f"{path}/"}, "scale_index": level}
    array = tensors.opened(spec, name, threads, read=True)
    own = info.get(OWN) if level == 0 and isinstance(info.get(OWN), dict) else {}
    view = tensors.viewed(name, array, channel, time, tuple(own.get("components", ())))
    shape = tuple(array.shape[i] for i in view.keep)
    head = Head(shape[:3], **voxels(name, shape[:3], array.dtype.numpy_dtype),
                components=component_names(shape[3]) if len(shape) > 3 else ())  # fmt: skip
    head = head.but(role="labels" if info.get("type") == "segmentation" else "image")
    if any(s != 1 for s in steps) or "unit" in own or OWN not in info:
        head = head.but(spacing=tuple(float(s) for s in steps[::-1]), unit="nanometer",
                        origin=tuple(float(o * s) for o, s in zip(offset[::-1], steps[::-1])))  # fmt: skip
    return tensors.stored(array, view, restore(head, own), name, threads)


class Writer(tensors.Writer):
    """One scale, in chunks that are not packed; labels of 32 and 64 bits as compressed segmentation."""

    def __init__(self, path, head, axis=0, chunks=None, threads=1):
        flat.no_voxels(path.name, head, "a precomputed volume")
        kind = flat.code_of(path.name, head, TYPES, "neuroglancer")
        self.path, chunks = Path(path), tensors.clipped(head, chunks)
        spacing, unit, origin = flat.lengths(head, ("nanometer",))
        steps = [1.0 if s is None or unit is None else s for s in (spacing or (1.0,) * 3)]
        offset = [round(o / s) for o, s in zip(origin, steps)]
        labels = head.role in ("labels", "mask")
        packed = labels and kind in ("uint32", "uint64")
        scale = {"size": list(head.whole[::-1]), "chunk_size": list(chunks[::-1]), "resolution": steps[::-1], "key": "0",
                 "voxel_offset": offset[::-1], "encoding": "compressed_segmentation" if packed else "raw",
                 **({"compressed_segmentation_block_size": [8, 8, 8]} if packed else {})}  # fmt: skip
        many = {"type": "segmentation" if labels else "image", "data_type": kind,
                "num_channels": max(1, len(head.components))}  # fmt: skip
        spec = {"driver": "neuroglancer_precomputed", "kvstore": {"driver": "file", "path": f"{self.path}/"},
                "multiscale_metadata": many, "scale_metadata": scale}  # fmt: skip
        array = tensors.opened(spec, path.name, threads, create=True, read=True, write=True)
        self.begin(array if head.components else array[0], head, chunks, axis)

    def finish(self, told):
        """Add what is ours to the info."""
        file = self.path / "info"
        own = {**facts(self.head, False), **({"history": told["history"]} if told.get("history") else {})}
        file.write_text(json.dumps({**json.loads(file.read_text()), OWN: own}, indent=1) + "\n")
        self.stats["files"] = sum(len(files) for _, _, files in os.walk(self.path))

    root = "info"
