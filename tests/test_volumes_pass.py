"""Files that a Zarr array takes of another as they are: the same voxels as when they are packed anew, and only where nothing
between may change one."""

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from test_volumes import hostile, read, same, write
from test_volumes_zarr import tree

from sweeptools import cli, volumes
from sweeptools.errors import SweepError
from sweeptools.spec import Head

CHUNKS = {"chunks": (8, 8, 8)}


def passed(path, out, how=(), **part):
    """Read a volume into another, told where its voxels are: how many files were copied."""
    source = volumes.open(path, threads=2, **part)
    sink = volumes.create(out, source.head, threads=2, encoded=source.encoded, **dict(how))
    for block in source.blocks(source.head.sweep):
        sink.write(block)
        del block
    sink.finish()
    return sink.stats.get("files_passed", 0)


@pytest.mark.parametrize("dtype", ["u1", "i2", "f8"])
@pytest.mark.parametrize("how", [{}, {"shards": "none", "codec": "zstd:2"}, {"shards": (16, 8, 24)},
                                 {"ome": "0.4", "codec": "gzip"}, {"ome": "none", "codec": "none"}])  # fmt: skip
def test_they_are_what_is_packed_anew(tmp_path, monkeypatch, how, dtype):
    monkeypatch.chdir(tmp_path)
    a = hostile((43, 30, 35), dtype)
    a[16:24] = a[:, 8:16, 16:32] = 0                                     # chunks that are not stored
    how = {**CHUNKS, **how}
    write("v.zarr", a, **how)
    stored = [p for p in Path("v.zarr").rglob("*") if p.is_file() and p.name[0] not in ".z"]
    assert 0 < passed("v.zarr", "w.zarr", how) == len(stored)
    assert same(read("w.zarr")[1], read("v.zarr")[1])
    data = [{name: body for name, body in tree(store).items() if name.rpartition("/")[2][0] not in ".z"}
            for store in ("v.zarr", "w.zarr")]  # fmt: skip
    assert data[0] == data[1]
    assert passed("v.zarr", "down.zarr", how, sweep="down") == len(stored) and same(read("down.zarr")[1], read("v.zarr")[1])


@pytest.mark.parametrize("box, count", [
    (((8, 43, 1), (0, 16, 1), (24, 35, 1)), 5 * 2 * 2), (((8, 16, 1), (8, 16, 1), (8, 16, 1)), 1),
    (((4, 43, 1), (0, 30, 1), (0, 35, 1)), 0), (((0, 43, 1), (0, 29, 1), (0, 35, 1)), 0),
    (((0, 43, 1), (0, 30, 1), (0, 35, 2)), 0)])  # fmt: skip
def test_a_part_that_begins_and_ends_with_them(tmp_path, box, count):
    a = hostile((43, 30, 35), "i2")
    a[a == 0] = 1
    write(f"{tmp_path}/v.zarr", a, shards="none", **CHUNKS)
    assert passed(f"{tmp_path}/v.zarr", f"{tmp_path}/w.zarr", {"shards": "none", **CHUNKS}, box=box) == count
    assert same(read(f"{tmp_path}/w.zarr")[1], np.ascontiguousarray(a[tuple(slice(*b) for b in box)]))


def test_a_level_of_a_pyramid_and_the_levels_of_the_copy(tmp_path):
    a = hostile((43, 30, 35), "u2")
    how = {"pyramid": "auto", "shards": "none", **CHUNKS}
    write(f"{tmp_path}/v.zarr", a, **how)
    assert passed(f"{tmp_path}/v.zarr", f"{tmp_path}/w.zarr", how) > 0
    one, two = tree(tmp_path / "v.zarr"), tree(tmp_path / "w.zarr")
    assert {k: v for k, v in one.items() if k != "zarr.json"} == {k: v for k, v in two.items() if k != "zarr.json"}
    assert passed(f"{tmp_path}/v.zarr", f"{tmp_path}/x.zarr", {"shards": "none", **CHUNKS}, level=1) > 0
    assert same(read(f"{tmp_path}/x.zarr")[1], read(f"{tmp_path}/v.zarr", level=1)[1])


@pytest.mark.parametrize("how", [{"codec": "zstd"}, {"codec": "lz4:5"}, {"chunks": (8, 8, 16)}, {"shards": "none"},
                                 {"ome": "0.4"}, {"chunks": (8, 8, 8), "shards": (8, 8, 8)}])  # fmt: skip
def test_what_is_stored_in_another_way_is_packed_anew(tmp_path, how):
    a = hostile((19, 30, 35), "u2")
    write(f"{tmp_path}/v.zarr", a, **CHUNKS)
    assert passed(f"{tmp_path}/v.zarr", f"{tmp_path}/w.zarr", {**CHUNKS, **how}) == 0
    assert same(read(f"{tmp_path}/w.zarr")[1], a)


@pytest.mark.parametrize("fill, count", [(0.0, 1), (-0.0, 0), (3.0, 0), (np.nan, 0)])
def test_what_is_not_stored_must_be_0(tmp_path, fill, count):
    write(f"{tmp_path}/o.zarr", np.ones((8, 8, 16), "f4"), ome="none", shards="none", **CHUNKS)
    array = zarr.open_array(f"{tmp_path}/o.zarr", mode="r")
    made = zarr.create_array(f"{tmp_path}/v.zarr", shape=array.shape, chunks=(8, 8, 8), dtype="f4", fill_value=fill,
                             compressors=array.compressors)  # fmt: skip
    made[:, :, :8] = 5
    assert passed(f"{tmp_path}/v.zarr", f"{tmp_path}/w.zarr", {"shards": "none", **CHUNKS}) == count
    assert read(f"{tmp_path}/w.zarr")[1].tobytes() == made[:].tobytes()


def test_a_pipeline_in_one_process(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_THREADS", "2")
    a = hostile((40, 70, 66), "u2")
    a[a == 0] = 1
    write("v.zarr", a, Head(a.shape, a.dtype), chunks=(64, 64, 64))

    def run(text, out="w.zarr"):
        assert cli.main(["sweep", "run", text, "--report", "r.json", "-q"]) == 0, capfd.readouterr().err
        told = json.loads(Path("r.json").read_text())["write"]
        return told["files_passed"], told["chunks"]

    assert run("sweep-read v.zarr | sweep-write w.zarr") == (1, 4) and same(read("w.zarr")[1], a)
    assert run("sweep-read v.zarr | sweep-write x.zarr --shards none") == (0, 4)
    assert run("sweep-read x.zarr --box :,64:,: | sweep-write y.zarr --chunks 40,64,64 --shards none") == (0, 2)
    assert run("sweep-read v.zarr | sweep-clip 5 9 | sweep-write z.zarr") == (0, 4)
    assert same(read("z.zarr")[1], a.clip(5, 9))
    assert run("sweep-read v.zarr | sweep-write t.zarr --keep-axes --overwrite") == (1, 4)
    assert run("sweep-read v.zarr --axis y | sweep-write u.zarr --keep-axes")[0] == 0
    assert same(read("u.zarr")[1], np.ascontiguousarray(a.transpose(1, 0, 2)))


def test_a_damaged_chunk_is_found_and_nothing_is_published(tmp_path):
    a = np.random.default_rng(1).integers(0, 9, (24, 24, 24), "u1")
    write(f"{tmp_path}/v.zarr", a, shards=(24, 24, 24), **CHUNKS)
    (shard,) = [p for p in Path(f"{tmp_path}/v.zarr/0/c").rglob("*") if p.is_file()]
    body = bytearray(shard.read_bytes())
    body[-40] ^= 1                                                       # in the index of the shard, which has a checksum
    shard.write_bytes(body)
    source = volumes.open(f"{tmp_path}/v.zarr", threads=2)
    how = {"encoded": source.encoded, "shards": (24, 24, 24), **CHUNKS}
    sink = volumes.create(f"{tmp_path}/w.zarr", source.head, threads=2, **how)
    with pytest.raises(SweepError, match="cannot read voxels 0:24,0:24,0:24"):
        for block in source.blocks("up"):
            sink.write(block)
    sink.abort()
    assert [p.name for p in tmp_path.iterdir()] == ["v.zarr"]
