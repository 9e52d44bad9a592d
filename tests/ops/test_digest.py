"""sweep-digest: xxh3 by hand, over every cut; and volumes that were changed behind our back."""

import json

import numpy as np
import pytest
import xxhash
from harness import head_of, source

from sweeptools import volumes
from sweeptools.errors import Corrupt, Upstream
from sweeptools.flow import Pool
from sweeptools.spec import Source
from sweeptools.stream import Digest
from sweeptools.tools import digest


class Talk:
    """What the deed of a tool needs of the world."""

    pool, stream, inputs = Pool(), None, {}

    def __init__(self):
        self.said = ""

    def stdin(self):
        return self.stream

    def text(self, text):
        self.said += text

    def drain(self, source):
        return source.blocks(source.head.sweep)


def run(source_or_address, **options):
    """What is printed for a Source as stdin, or an address."""
    talk = Talk()
    if isinstance(source_or_address, Source):
        talk.stream = source_or_address
        assert digest.main(talk, **options) == 0
    else:
        assert digest.main(talk, address=str(source_or_address), **options) == 0
    return json.loads(talk.said) if options.get("json") else talk.said


def by_hand(array):
    """(digest, digests of the slices) of an array."""
    slices = [xxhash.xxh3_64_intdigest(s.astype(s.dtype.newbyteorder("<")).tobytes()) for s in array]
    pairs = np.array([(z, d) for z, d in enumerate(slices)], "<u8")
    return xxhash.xxh3_128_hexdigest(pairs.tobytes()), [f"{d:016x}" for d in slices]


@pytest.mark.parametrize("dtype", ("uint8", "int64", "float32"))
@pytest.mark.parametrize("shape", ((7, 5, 6), (1, 1, 1), (3, 4, 5, 2)))
def test_equals_the_digest_by_hand(dtype, shape):
    a = (np.random.default_rng(0).random(shape) * 100).astype(dtype)
    a[0] = 3
    expected, each = by_hand(a)
    facts = {"components": ("u", "v")} if len(shape) == 4 else {}
    for cut in (1, 2, None, "fill"):
        for head in (head_of(a, **facts), head_of(a, **facts).but(sweep="down")):
            told = run(source(a, head=head, cut=cut if len(shape) == 3 else 1), json=True, slices=True)
            assert (told["digest"], told["slice_digests"], told["slices"]) == (expected, each, shape[0])
            assert told["stored"] is told["equal"] is None


def test_text():
    a = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    expected, each = by_hand(a)
    assert run(source(a)) == f"digest: {expected}\nstored: none\n"
    assert run(source(a), slices=True).splitlines()[2:] == [f"0\t{each[0]}", f"1\t{each[1]}"]


@pytest.mark.parametrize("name", ("v.zarr", "v.sweep", "v.npy"))
def test_stored_volumes(tmp_path, name):
    a = np.random.default_rng(0).integers(0, 255, (5, 8, 9), np.uint8)
    path = write(tmp_path / name, a)
    told = run(path, json=True)
    assert told["digest"] == by_hand(a)[0]
    assert told["stored"] == (None if name == "v.npy" else told["digest"])


def test_a_changed_volume_ends_with_4(tmp_path):
    a = np.random.default_rng(0).integers(0, 255, (9, 8, 9), np.uint8)
    path = write(tmp_path / "v.zarr", a)
    import zarr

    array = zarr.open_array(str(path / "0"), mode="r+")
    array[2:4, 1, 1] = a[2:4, 1, 1] + 1
    array[7, 0, 0] = a[7, 0, 0] + 1
    talk = Talk()
    with pytest.raises(Corrupt, match=r"v.zarr: the voxels are not those that were written \(slices 2-3, 7\)") as error:
        digest.main(talk, address=str(path), json=True)
    assert error.value.status == 4
    told = json.loads(talk.said)
    assert not told["equal"] and told["stored"] == by_hand(a)[0] != told["digest"]


def test_damaged_digests(tmp_path):
    path = write(tmp_path / "v.zarr", np.zeros((2, 3, 4), np.uint8))
    file = path / "zarr.json"
    said = json.loads(file.read_text())
    said["attributes"]["sweeptools"]["digests"][0] = "no digest"
    file.write_text(json.dumps(said))
    with pytest.raises(Corrupt, match="digests kept with it are damaged"):
        run(path)


def test_a_failed_stream_prints_nothing():
    def failing(way):
        raise Upstream("sweep-gauss", "no memory")
        yield

    talk = Talk()
    talk.stream = Source(head_of(np.zeros((2, 2, 2))), failing)
    with pytest.raises(Upstream):
        digest.main(talk)
    assert talk.said == ""


def test_many_differing_slices_are_not_all_named():
    one, two = (Digest(np.arange(100), np.arange(100) + k * (np.arange(100) % 3 == 0)) for k in (0, 1))
    assert digest.differing(one, two).endswith(" 18, 21 and more)")
    assert digest.differing(None, two) == ""


def write(path, array):
    """The path of a volume that was written as streams are."""
    sink = volumes.create(str(path), head_of(array))
    for block in source(array, cut=2).blocks("up"):
        sink.write(block)
    whole = Digest()
    for block in source(array).blocks("up"):
        whole.add(block, head_of(array))
    sink.finish({"slice_digests": whole.arrays()})
    return path
