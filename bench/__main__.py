"""`python -m bench [PART ...]`: ours against peers -> results.md and results.png; QUICK=1 takes smaller volumes.

Parts are kernels, exact, hard, commands, start and memory. With some only, the report is printed and nothing is kept.
A result that is not the peers' ends it with status 1.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from . import commands, exact, kernels, memory, report, start
from .harness import FULL, QUICK, say

HERE = Path(__file__).parent
PARTS = {"kernels": kernels.contests, "exact": exact.contests, "hard": exact.hard, "commands": commands.contests,
         "start": start.contests, "series": memory.series}  # fmt: skip


def measure(scale, parts):
    """{part: what it found}, every part there; sentences of parts under "said"."""
    found = {part: [] for part in PARTS} | {"said": []}
    for part in parts:
        for what in PARTS[part](scale):
            found["said" if isinstance(what, str) else part].append(what)
    return found


def main(words):
    scale = QUICK if os.environ.get("QUICK", "") not in ("", "0") else FULL
    wanted = ["series" if word == "memory" else word for word in words] or list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        sys.exit(f"bench: there is no part {', '.join(sorted(unknown))}; parts are {', '.join(PARTS)}")
    before = os.getloadavg()[1]
    found = measure(scale, wanted)
    text = report.markdown(scale, found, before, os.getloadavg()[1])
    if words:
        print(text)
    else:
        (HERE / "results.md").write_text(text)
        if find_spec("matplotlib"):
            report.chart(found, HERE / "results.png")
        say("results.md is written" + ("" if find_spec("matplotlib") else "; no chart: matplotlib is missing"))
    wrong = report.different([*found["kernels"], *found["exact"], *found["commands"]])
    for line in wrong:
        say(line)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
