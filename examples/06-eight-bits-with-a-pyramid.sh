#!/usr/bin/env bash
# A folder of TIFF slices becomes an 8-bit OME-Zarr for viewers: 06-eight-bits-with-a-pyramid.sh [FOLDER [Z,Y,Xnm]].
set -euo pipefail
folder=${1:-stack/} spacing=${2:-50,4,4nm}
[ $# -gt 0 ] || sweep-synth blobs --shape 40,300,260 --dtype uint16 | sweep-write stack/ --overwrite

sweep-read "$folder" --spacing "$spacing" | sweep-stretch --dtype uint8 |
    sweep-write scan.ome.zarr --pyramid auto --overwrite --report scan.json
for level in scan.ome.zarr/[0-9]*; do
    echo "$level: $(sweep-info "$level" | grep -e shape -e spacing -e unit | cut -f 2 | paste -s -d ' ')"
done
