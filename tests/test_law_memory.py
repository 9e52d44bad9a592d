"""Law 5: what an operation holds is what was predicted, measured in a process of its own under a limit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import laws
import pytest

HERE = Path(__file__).parent
LIMIT = 1 << 30        # of the data segment: far below what a run that keeps its volume would take
SIZES = (1024, 8192) if os.environ.get("SOAK") else (32, 256)      # MiB of the stream
CASES = [case for case in laws.cases() if case.op.kind in laws.FILTERS and not case.op.foreign]


def measured(case, *sizes):
    """What the probe found for each size."""
    command = [sys.executable, HERE / "probe_memory.py", case.op.name, case.example, LIMIT, *sizes]
    path = os.pathsep.join((str(HERE), str(HERE.parent)))
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=env, timeout=600)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("case", {case.op.name: case for case in reversed(CASES)}.values(), ids=str)
def test_memory(case):
    laws.memory(case, *measured(case, *SIZES), lambda: measured(case, *[SIZES[0]] * 4))
