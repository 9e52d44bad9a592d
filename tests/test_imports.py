"""Imports go one way, and each library is known to one room only. The files are read, not imported."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent
PACKAGE = HOME / "sweeptools"

# A room may import rooms above it in this list, and those beside it in its line.
LAYERS = """
__init__ errors listing
params native codecache files
jit
spec machine
flow expression kernels options
stream window ops
volumes spool turned memory measure state
graph spill
passes
costs
saving
stages
run
table progress usage mdoc words
plan
engines tools
cli
__main__ page
"""
RANK = {room: rank for rank, line in enumerate(LAYERS.strip().split("\n")) for room in line.split()}
ONLY = {                                             # rooms that may import these rooms and no others
    "errors": set(), "listing": set(), "params": {"errors"}, "spec": {"errors", "params"},
    "flow": {"errors", "spec"}, "kernels": {"jit", "errors", "spec"},
    "ops": {"errors", "params", "spec", "kernels", "jit", "expression", "window"},
    "graph": {"errors", "params", "spec", "ops"},
}  # fmt: skip
KNOWS = {                                            # libraries, and the rooms that know them; numpy is for all
    "click": {"words"}, "tree_sitter": {"plan"}, "tree_sitter_bash": {"plan"},
    "msgpack": {"stream"}, "xxhash": {"stream", "spool"}, "lz4": {"stream", "volumes"}, "zstandard": {"stream", "volumes"},
    "numba": {"jit"}, "llvmlite": {"jit", "native", "codecache"}, "tqdm": {"progress"}, "pyarrow": {"table"},
    "simpleeval": {"expression"}, "zarr": {"volumes"}, "zarrs": {"volumes"}, "numcodecs": {"volumes"},
    "tifffile": {"volumes"}, "imagecodecs": {"volumes"}, "h5py": {"volumes"}, "hdf5plugin": {"volumes"},
    "tensorstore": {"volumes"}, "PIL": {"tools", "volumes"}, "setuptools": {"setup"},
}  # fmt: skip
AT_THE_TOP = {"numpy", "click", "msgpack", "xxhash"}        # cheap; all others are imported where first needed
# libraries whose project has another name
PROJECT = {"PIL": "pillow", "tree_sitter": "tree-sitter", "tree_sitter_bash": "tree-sitter-bash"}


def files():
    return sorted(PACKAGE.rglob("*.py"))


def imports(path):
    """(room or None, library or None, whether at the top) of every import in a file of the package."""
    inside = ("sweeptools", *path.relative_to(PACKAGE).parts[:-1])
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        top = node in tree.body
        if isinstance(node, ast.ImportFrom):
            module = [*(inside[: len(inside) - node.level + 1] if node.level else ()), *(node.module or "").split(".")]
            module = [part for part in module if part]
            if module == ["sweeptools"]:
                yield from ((alias.name if alias.name in RANK else "__init__", None, top) for alias in node.names)
            else:
                yield (module[1], None, top) if module[0] == "sweeptools" else (None, module[0], top)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                module = alias.name.split(".")
                yield (module[1], None, top) if module[0] == "sweeptools" else (None, module[0], top)


def room(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def shown(path):
    return str(path.relative_to(HOME))


def test_every_room_has_a_place():
    assert {room(path) for path in files()} <= set(RANK), "a new room needs its place in LAYERS"


@pytest.mark.parametrize("path", files(), ids=shown)
def test_imports_go_one_way(path):
    own = room(path)
    for other, _, _ in imports(path):
        if other is None or other == own:
            continue
        assert RANK[other] <= RANK[own], f"{own} imports {other}, which is built on it"
        assert own not in ONLY or other in ONLY[own], f"{own} imports {other}"


def test_nothing_imports_the_command_line():
    users = {room(path) for path in files() for other, _, _ in imports(path) if other == "cli"}
    assert users <= {"cli", "__main__", "page"}


@pytest.mark.parametrize("path", files(), ids=shown)
def test_each_library_is_known_to_its_room(path):
    for _, library, top in imports(path):
        if library is None or library in sys.stdlib_module_names or library == "numpy":
            continue
        assert room(path) in KNOWS.get(library, ()), f"{library} is not for {room(path)}"
        assert not top or library in AT_THE_TOP, f"{library} is imported before it is needed"


def test_the_list_of_commands_is_read_with_nothing_installed():
    assert all(library in sys.stdlib_module_names for _, library, _ in imports(PACKAGE / "listing.py"))


def test_every_library_is_declared():
    declared = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]
    extras = declared["optional-dependencies"]
    wanted = [*declared["dependencies"], *(line for name, lines in extras.items() if name != "test" for line in lines)]
    names = {re.split(r"[<>=\[]", line)[0] for line in wanted}
    used = {library for path in files() for _, library, _ in imports(path)} - set(sys.stdlib_module_names) - {None}
    used -= {"llvmlite"}                             # comes with numba, of the version that numba asks for
    assert {PROJECT.get(library, library) for library in used} <= names
