#!/usr/bin/env bash
# Count objects and list the largest: 01-count-objects.sh [VOLUME]; writes objects.ome.zarr and objects.tsv here.
set -euo pipefail
volume=${1:-blobs.npy}
[ $# -gt 0 ] || sweep-synth blobs --shape 48,128,128 --dtype uint16 --spacing 2,0.5,0.5um | sweep-write blobs.npy --overwrite

sweep-read "$volume" | sweep-gauss 2 | sweep-otsu | sweep-label --connectivity 26 |
    sweep-tee objects.ome.zarr --overwrite | sweep-regions --out objects.tsv

echo "$(($(wc -l < objects.tsv) - 1)) objects; the largest, label and voxels:"
tail -n +2 objects.tsv | sort -t $'\t' -k 2,2nr | sed 3q | cut -f 1,2
