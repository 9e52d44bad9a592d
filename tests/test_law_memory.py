"""Law 5: what an operation holds is what was predicted, measured in a process of its own under a limit."""

import os

import forked
import laws
import pytest

LIMIT = 1 << 30        # of the data segment: far below what a run that keeps its volume would take
SIZES = (1024, 8192) if os.environ.get("SOAK") else (32, 256)      # MiB of the stream
CASES = [case for case in laws.cases() if case.op.kind in laws.FILTERS and not case.op.foreign]


def measured(case, *sizes):
    """What the probe found for each size, in a process of its own; a first one only compiles."""
    forked.call("probe_memory", "limited", case.op.name, case.example, 8, LIMIT)
    return [forked.call("probe_memory", "limited", case.op.name, case.example, mib, LIMIT) for mib in sizes]


@pytest.mark.parametrize("case", {case.op.name: case for case in reversed(CASES)}.values(), ids=str)
def test_memory(case):
    laws.memory(case, *measured(case, *SIZES), lambda: measured(case, *[SIZES[0]] * 4))
