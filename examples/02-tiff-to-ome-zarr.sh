#!/usr/bin/env bash
# A folder of TIFF slices becomes an OME-Zarr, and is compared with it: 02-tiff-to-ome-zarr.sh [FOLDER [Z,Y,Xum]].
set -euo pipefail
folder=${1:-slices/} spacing=${2:-2,0.5,0.5um}
[ $# -gt 0 ] || sweep-synth blobs --shape 40,96,128 --dtype uint16 | sweep-write slices/ --overwrite

sweep-read "$folder" --spacing "$spacing" | sweep-write scan.ome.zarr --overwrite
sweep-read "$folder" --spacing "$spacing" | sweep-compare - scan.ome.zarr && echo 'the same voxels and the same spacing'
sweep-info scan.ome.zarr
