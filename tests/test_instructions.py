"""The same bytes on another processor: kernels compiled for one with fewer instructions, in a process of its own."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from harness import apply

HERE = Path(__file__).parent
OTHER = "x86-64-v3"                    # AVX2 and fused multiply-add, without AVX-512
CASES = [                              # what is written down in vectors, and what numba makes vectors of, sums above all
    ("gauss", "uint8", {"sigma": "2", "dtype": "float32"}),
    ("dilate", "uint8", {"shape": "ball:3"}),
    ("median", "uint8", {"size": "3"}),
]


def digests():
    """A line for each of CASES."""
    array = np.random.default_rng(7).integers(0, 255, (7, 11, 150))
    for name, dtype, params in CASES:
        out = apply(name, array.astype(dtype), **params)
        yield f"{name} {dtype} {params} {sha256(np.ascontiguousarray(out)).hexdigest()}"


@pytest.mark.skipif(os.uname().machine != "x86_64", reason=f"{OTHER} is no name of this machine's processors")
def test_kernels_for_another_processor_give_the_same_bytes():
    path = os.pathsep.join((str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])))
    environment = {**os.environ, "NUMBA_CPU_NAME": OTHER, "PYTHONPATH": path}
    there = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, check=False)
    assert there.returncode == 0, there.stderr
    assert there.stdout.splitlines() == list(digests())


if __name__ == "__main__":
    print("\n".join(digests()))
