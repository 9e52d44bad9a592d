"""Every operation in ops/ is held to every law; see laws.py."""

import laws
import pytest

from sweeptools.ops import load, names


@pytest.mark.parametrize("case", laws.cases(), ids=str)
@pytest.mark.parametrize("law", [laws.cut, laws.fuse, laws.part, laws.head, laws.state], ids=lambda law: law.__name__)
def test_law(law, case):
    law(case)


@pytest.mark.parametrize("name", names())
def test_documented(name):
    laws.documented(load(name))


CHUNKED = [case for case in laws.cases() if laws.alone(case) and not case.op.foreign]


@pytest.mark.parametrize("case", CHUNKED, ids=str)
def test_once(case, chunked):
    from sweeptools import volumes

    laws.once(case, volumes.open(str(chunked)), 3 * 3 * 3)


@pytest.fixture(scope="module")
def chunked(tmp_path_factory):
    import numpy as np
    import zarr

    path = tmp_path_factory.mktemp("once") / "v.zarr"
    array = zarr.create_array(str(path), shape=(11, 13, 18), chunks=(4, 5, 6), dtype="uint8")
    array[:] = np.random.default_rng(8).integers(0, 256, array.shape)
    return path
