"""Memory of whole commands as their volume gets deeper: the most held above the imports, beside what was predicted."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .harness import say
from .processes import one, run

CHUNK = 64             # slices of a slab: the depth of a chunk
TIMES = (1, 4, 16)     # of the shallowest volume
SLABS, BESIDE = 2.5, 100e6         # of input and output, and bytes beside them: the bar
COMMANDS = {           # name: (filters, bytes of a voxel of what comes in and what goes out)
    "Gaussian": ("sweep-gauss 2 | sweep-write out.zarr", (2, 2)),
    "labels": ("sweep-threshold 30000 | sweep-label --connectivity 26 | sweep-write out.zarr", (2, 4)),
    "distance": ("sweep-threshold 30000 | sweep-edt | sweep-write out.zarr", (2, 4)),
    "regions": ("sweep-threshold 30000 | sweep-label --connectivity 26 | sweep-regions --out out.tsv", (2, 4)),
}


@dataclass(frozen=True)
class Held:
    """Bytes above the imports of one command on volumes of growing depth, from Zarr."""

    name: str
    depths: tuple[int, ...]
    measured: tuple[int, ...]
    predicted: tuple[int, ...]
    baseline: int
    bound: int                         # that the bar allows

    @property
    def growth(self):
        """Bytes of the deepest above those of the shallowest."""
        return self.measured[-1] - self.measured[0]


def series(scale):
    """A Held for each command; the deepest volume is read from Zarr that was made once, its parts by --box."""
    d, ny, nx = scale.series
    deepest = d * TIMES[-1]
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder = Path(name)
        say(f"memory: {deepest} x {ny} x {nx}")
        run(one(f"sweep-synth blobs --dtype uint16 --shape {deepest},{ny},{nx} | sweep-write in.zarr --shards none"), folder)
        for task, (filters, sizes) in COMMANDS.items():
            say(f"memory: {task}")
            found = []
            for depth in (d * n for n in TIMES):
                line = f"sweep-read in.zarr --box 0:{depth},:,: | {filters}"
                for out in "out.zarr", "out.tsv":
                    run([["rm", "-rf", out]], folder)
                run([["sweep-run", line, "--report", "report.json"]], folder)
                found.append(json.loads((folder / "report.json").read_text()))
            slab = CHUNK * int(np.prod((ny, nx)))
            yield Held(
                task, tuple(d * n for n in TIMES), tuple(f["peak_bytes"] - f["baseline_bytes"] for f in found),
                tuple(f["predicted_peak_bytes"] - f["baseline_bytes"] for f in found), found[0]["baseline_bytes"],
                int(SLABS * slab * sum(sizes) + BESIDE),
            )  # fmt: skip
