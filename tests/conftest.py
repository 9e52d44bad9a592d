import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("SWEEP_PROGRESS", "off")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)      # many interpreters start here: only the first is to parse the package
os.environ["SWEEP_COSTS"] = os.devnull              # whoever measured this machine: plans of tests count bytes and work


def environment():
    """A shell's, where the commands are this checkout's and run with the tests' own interpreter."""
    path = os.pathsep.join((str(HERE.parent / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
    return {**os.environ, "PATH": path, "SWEEP_PYTHON": sys.executable}


@pytest.fixture
def shell(tmp_path):
    """Run a line of bash in a folder of its own, as a user would; gives the finished process with its text."""

    def run(line, timeout=120, **more):
        how = {"cwd": tmp_path, "env": environment() | more, "timeout": timeout}
        return subprocess.run(["bash", "-c", line], capture_output=True, text=True, **how)

    return run


def pytest_collection_modifyitems(items):
    """All tests of an operation go to one worker, which has loaded their kernels already and need not wait for another to
    compile them; so do those of any other file, which share what they have made."""
    for item in items:
        case = getattr(item, "callspec", None) and item.callspec.params.get("case")
        group = case.op.name if hasattr(case, "op") else item.path.stem.removeprefix("test_")
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_terminal_summary(terminalreporter):
    """Tests that this machine could not run, by name, at the end."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section("not run on this machine")
        for report in skipped:
            terminalreporter.line(f"{report.nodeid}: {report.longrepr[2]}")
