"""Two GiB of noise, millions of objects, through real processes that may have 512 MiB of data each."""

import json
import re

SHAPE = 2048, 1024, 1024                 # 2 GiB of uint8
LIMIT = 512 << 10                        # KiB of the data segment


def test_labels_of_two_gigabytes_of_noise_in_little_memory(shell, tmp_path):
    shape = ",".join(map(str, SHAPE))
    line = (
        f"set -o pipefail; ulimit -d {LIMIT}; sweep-synth noise --shape {shape} --seed 3 | sweep-threshold 180"
        " | sweep-label --connectivity 6 | sweep-write >(sweep-digest --json > digest.json) --report r.json; wait $!"
    )
    done = shell(line, timeout=900, SWEEP_THREADS="2", SWEEP_TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    told, digest = json.loads((tmp_path / "r.json").read_text()), json.loads((tmp_path / "digest.json").read_text())
    labels = int(re.search(r"labels (\d+)", done.stderr)[1])
    assert labels > 50_000_000 and digest["slices"] == SHAPE[0]
    assert told["peak_bytes"] <= told["predicted_peak_bytes"]
    assert all(stage["peak_bytes"] < LIMIT << 10 for stage in told["stages"])
    label = next(stage for stage in told["stages"] if stage["name"] == "label")
    assert label["labels"] == labels and told["spool_bytes"] > SHAPE[0] * SHAPE[1] * SHAPE[2] / 16
