#!/usr/bin/env bash
# Small bright spots, measured within larger objects: 05-spots-in-objects.sh [VOLUME]; writes spots.tsv here.
set -euo pipefail
volume=${1:-cells.npy}
[ $# -gt 0 ] || sweep-synth blobs --shape 40,96,96 --dtype uint16 --seed 7 | sweep-write cells.npy --overwrite

# The difference of two Gaussians of one stream, computed from one reading of it.
sweep-read "$volume" | sweep-calc 'fine - coarse' --via fine='sweep-gauss 1' --via coarse='sweep-gauss 3' |
    sweep-write spots.npy --overwrite
sweep-read "$volume" | sweep-gauss 3 | sweep-otsu | sweep-label | sweep-write objects.zarr --overwrite
sweep-read objects.zarr | sweep-regions --intensity spots.npy --out spots.tsv
head -n 4 spots.tsv
