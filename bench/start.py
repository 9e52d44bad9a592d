"""How long a stage takes that has next to nothing to do, beside what starting Python takes."""

import sys
import tempfile
from pathlib import Path

from .harness import OURS, PEER, contest
from .processes import pipe, run, way

STAGES = {"a stage without a kernel (crop)": ("sweep-crop :,:,:", "start"),
          "a stage with a kernel that was compiled before (gauss)": ("sweep-gauss 2", "start kernel")}  # fmt: skip
REFERENCES = {"python": "pass", "python, numpy": "import numpy", "python, numba": "import numba",
              "python, scipy.ndimage": "import scipy.ndimage"}  # fmt: skip


def contests(scale):
    """From a kept stream of one slice to nowhere; the peers are what the interpreter and libraries take to import."""
    with tempfile.TemporaryDirectory(prefix="bench") as place:
        folder = Path(place)
        run(pipe("sweep-synth blobs --shape 1,64,64 --dtype uint8 | sweep-write one.sweep"), folder)
        for task, (stage, bar) in STAGES.items():
            command = f"exec {stage} < one.sweep > /dev/null"
            ways = [way("sweeptools", OURS, [["sh", "-c", command]], folder)]
            for name, code in REFERENCES.items():
                ways.append(way(f"import: {name}", PEER, [[sys.executable, "-c", code]], folder))
            yield contest(f"start: {task}", ways, scale, 64 * 64, 0, bar)
