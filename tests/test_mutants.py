"""Each law fails on an operation that breaks it, with that law's own message."""

import importlib.util
from pathlib import Path

import laws
import numpy as np
import probe_memory
import pytest
from harness import source

from sweeptools.flow import recut
from sweeptools.ops import load

HERE = Path(__file__).parent / "mutants"


def mutant(name):
    spec = importlib.util.spec_from_file_location(f"mutant_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.mutant


@pytest.mark.parametrize("law", [laws.cut, laws.fuse, laws.part, laws.head], ids=lambda law: law.__name__)
def test_mutant(law):
    with pytest.raises(AssertionError, match=rf"law \d \({law.__name__}\)"):
        law(laws.Case(mutant(law.__name__), ""))


def test_mutant_of_state(monkeypatch):
    op = mutant("state")
    monkeypatch.setattr(laws, "load", lambda name: op)
    array = np.ones((6, 4, 5), "uint8")
    saved = [laws.scanned(op.name, "", array, save_at=3)[0]["saved"]]
    whole, resumed = laws.scanned(op.name, "", array), laws.scanned(op.name, "", array, load_at=3, saved=saved)
    with pytest.raises(AssertionError, match="law 7"):
        laws.resumes(laws.Case(op, ""), whole, resumed, 3)


def test_mutant_of_memory():
    op = mutant("memory")
    small, large = (probe_memory.probe(op, "", mib) for mib in (8, 64))
    with pytest.raises(AssertionError, match="law 5"):
        laws.memory(laws.Case(op, ""), small, large)


def test_mutant_of_once():
    array = np.ones((8, 4, 4), "uint8")
    stored = source(array, again=True)
    stored.stats = {"chunks": 0, "chunks_total": 2}
    whole = stored.blocks

    def reads_for_every_slice(direction):
        for block in recut(whole(direction), 1):
            stored.stats["chunks"] += 1
            yield block

    stored.blocks = reads_for_every_slice
    with pytest.raises(AssertionError, match="law 6"):
        laws.once(laws.Case(load("clip"), "0 1"), stored, 2)


def test_mutant_of_documented():
    with pytest.raises(AssertionError, match="law 8"):
        laws.documented(mutant("documented"))
