"""Every operation in ops/ is held to every law; see laws.py."""

import pytest

import laws
from sweeptools.ops import load, names


@pytest.mark.parametrize("case", laws.cases(), ids=str)
@pytest.mark.parametrize("law", [laws.cut, laws.fuse, laws.part, laws.head, laws.state], ids=lambda law: law.__name__)
def test_law(law, case):
    law(case)


@pytest.mark.parametrize("name", names())
def test_documented(name):
    laws.documented(load(name))
