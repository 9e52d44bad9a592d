"""Law 5: what an operation holds is what was predicted, measured in a process of its own under a limit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import laws
import numpy as np
import pytest

HERE = Path(__file__).parent
LIMIT = 1 << 30        # of the data segment: far below what a run that keeps its volume would take
SOAK = bool(os.environ.get("SOAK"))
SIZES = (1024, 8192) if SOAK else (32, 256)          # MiB of the stream
COSTLY = 300           # operations per voxel
CASES = [case for case in laws.cases() if case.op.kind in laws.FILTERS and not case.op.foreign]


def sizes(case):
    """SIZES; outside long runs a quarter of them for what takes longest a voxel, a minute else."""
    tasks = [t for t in laws.prepare(case, np.zeros((2, 3, 4), "uint8")).graph.tasks if t.op and t.head and t.inputs]
    work = sum(
        t.op.tell(t.op.work, **t.params, head=t.inputs[0].head) * max(1, len(t.head.components)) for t in tasks
    )  # fmt: skip
    return tuple(mib // 4 for mib in SIZES) if work > COSTLY and not SOAK else SIZES


def measured(case):
    """What the probe found for each size."""
    command = [sys.executable, HERE / "probe_memory.py", case.op.name, case.example, LIMIT, *sizes(case)]
    path = os.pathsep.join((str(HERE), str(HERE.parent)))
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=env, timeout=600)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("case", {case.op.name: case for case in reversed(CASES)}.values(), ids=str)
def test_memory(case):
    laws.memory(case, *measured(case))
