#!/bin/bash
#SBATCH --job-name=sweep
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=12:00:00
#SBATCH --array=0-3
#SBATCH --signal=TERM@60
# One volume a task of the array: sbatch slurm.sh a.zarr b.zarr c.zarr d.zarr
#
# Threads and memory follow from what Slurm grants: a pipe that would need more does not start (status 3), and a job that
# is cut off, by the time limit or for its memory, leaves no volume that looks finished. A task that was done before is
# not done again, so that the same line takes up what is left.
set -euo pipefail
volumes=("$@")
volume=${volumes[${SLURM_ARRAY_TASK_ID:-0}]}
name=${volume%.*}

[ -e "$name-labels.ome.zarr/zarr.json" ] && { echo "$name: done before"; exit 0; }

export SWEEP_TMPDIR=${SLURM_TMPDIR:-${TMPDIR:-$PWD}}         # for what is swept twice: a disk of the node
export SWEEP_PROGRESS=${SWEEP_PROGRESS:-plain}               # a line a minute in the job's output

sweep-read "$volume" | sweep-median 3 | sweep-otsu | sweep-label |
    sweep-write "$name-labels.ome.zarr" --report "$name-report.json"
sweep-read "$name-labels.ome.zarr" | sweep-regions --out "$name-objects.tsv"
