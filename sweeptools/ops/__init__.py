"""The folder is the list of operations: every file here without a leading underscore is a command."""

from importlib import import_module
from pathlib import Path


def names():
    """The commands, by name: an underscore in a file's stem is a hyphen in the command."""
    stems = (path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    return sorted(stem.replace("_", "-") for stem in stems)


def load(name):
    """The record of the command `name`."""
    stem = name.replace("-", "_")
    return getattr(import_module(f"{__name__}.{stem}"), stem)
