"""The volumes in files that whole commands are measured on, all of the same voxels."""

import numpy as np

from .processes import pipe, run
from .volumes import image, mask, smooth

PLAIN = "--ome none --shards none"     # chunks of 64 in files of their own, lz4 with bit shuffle
SHARDED = "--ome none"


def make(folder, shape):
    """u8.zarr, u16.zarr, sharded.zarr, slices/, u16.h5, mask.zarr in a folder; how small u16.zarr is, as a share."""
    for dtype, name in ("uint8", "u8"), ("uint16", "u16"):
        v = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, shape)
        z = 0
        for slab in image(shape, dtype):
            v[z : z + len(slab)] = slab
            z += len(slab)
        v.flush()
        do(folder, f"sweep-read {name}.npy | sweep-write {name}.zarr {PLAIN}")
    do(folder, f"sweep-read u16.npy | sweep-write sharded.zarr {SHARDED}")
    do(folder, "sweep-read u16.npy --spacing 50,4,4nm | sweep-write slices/")
    do(folder, "sweep-read u16.npy | sweep-write u16.h5:/data --codec lz4")
    np.save(folder / "mask.npy", mask(smooth(shape, 8) > 0))
    do(folder, f"sweep-read mask.npy --role mask | sweep-write mask.zarr {PLAIN}")
    do(folder, f"sweep-read mask.zarr | sweep-label --connectivity 26 | sweep-write labels.zarr {PLAIN}")
    for name in ("u8.npy", "u16.npy", "mask.npy"):
        (folder / name).unlink()
    packed = sum(file.stat().st_size for file in (folder / "u16.zarr").rglob("*") if file.is_file())
    return packed / (np.prod(shape) * 2)


def do(folder, line):
    run(pipe(line), folder)
