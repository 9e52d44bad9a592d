"""One GiB of noise, and two, millions of objects, through real processes that may have 512 MiB of data each."""

import json
import re

import pytest

SIDE = 1024                              # voxels of uint8: a slice is 1 MiB
LIMIT = 512 << 10                        # KiB of the data segment


@pytest.mark.parametrize("slices", [1024, pytest.param(2048, marks=pytest.mark.soak)])
def test_labels_of_gigabytes_of_noise_in_little_memory(slices, shell, tmp_path):
    shape = f"{slices},{SIDE},{SIDE}"
    line = (
        f"set -o pipefail; ulimit -d {LIMIT}; sweep-synth noise --shape {shape} --seed 3 | sweep-threshold 180"
        " | sweep-label --connectivity 6 | sweep-write >(sweep-digest --json > digest.json) --report r.json; wait $!"
    )
    done = shell(line, timeout=900, SWEEP_THREADS="2", SWEEP_TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    told, digest = json.loads((tmp_path / "r.json").read_text()), json.loads((tmp_path / "digest.json").read_text())
    labels = int(re.search(r"labels (\d+)", done.stderr)[1])
    assert labels > 24_000 * slices and digest["slices"] == slices
    assert told["peak_bytes"] <= told["predicted_peak_bytes"]
    assert all(stage["peak_bytes"] < LIMIT << 10 for stage in told["stages"])
    label = next(stage for stage in told["stages"] if stage["name"] == "label")
    assert label["labels"] == labels and told["spool_bytes"] > slices * SIDE**2 / 16
