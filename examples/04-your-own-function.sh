#!/usr/bin/env bash
# A function of your own as a filter: 04-your-own-function.sh [VOLUME]; writes contrast.zarr here.
set -euo pipefail
volume=${1:-scan.npy}
[ $# -gt 0 ] || sweep-synth noise --shape 40,96,96 --dtype float32 | sweep-write scan.npy --overwrite

cat > mine.py <<'PYTHON'
import numpy as np


def contrast(volume, radius):
    """How far a voxel lies above the mean of its neighbours in its row."""
    volume = volume.astype(np.float32)
    beside = sum(np.roll(volume, shift, axis=2) for shift in range(-radius, radius + 1) if shift)
    return volume - beside / (2 * radius)
PYTHON

# It gets blocks that are larger by --halo on each side, so what it does at a block's edge is cut off again.
sweep-read "$volume" | sweep-map mine.py:contrast --halo 0,0,2 --arg radius=2 --dtype float32 |
    sweep-write contrast.zarr --overwrite
sweep-read contrast.zarr | sweep-stats
