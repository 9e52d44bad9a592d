#!/usr/bin/env bash
# A large volume is read once for a smaller copy, a histogram and a table of means: 03-one-read-three-results.sh [VOLUME].
set -euo pipefail
volume=${1:-scan.zarr}
[ $# -gt 0 ] || sweep-synth shells --shape 64,128,128 --dtype uint16 | sweep-write scan.zarr --overwrite

# A branch of sweep-tee is waited for, and if it fails the pipe fails; >(...) would be neither.
sweep-read "$volume" |
    sweep-tee --to 'sweep-downsample 4 | sweep-write small.ome.zarr --overwrite' |
    sweep-tee --to 'sweep-hist --bins 16 --out histogram.tsv' |
    sweep-stats --out stats.tsv

cat stats.tsv histogram.tsv
sweep-info small.ome.zarr | grep shape
