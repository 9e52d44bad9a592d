"""Labels within an OME-Zarr image, its levels by path, and what is known of OME-Zarr 0.6."""

import json
import os

import numpy as np
import pytest
import zarr
from test_publish import begun, listing
from test_volumes import hostile, read, same, write
from test_volumes_zarr import TCZYX, ZYX, ome_group, tree

from sweeptools import volumes
from sweeptools.errors import Refused, UsageError
from sweeptools.spec import Head
from sweeptools.volumes import zarrlabels

SPACED = {"spacing": (2.0, 0.5, 0.5), "unit": "micrometer", "origin": (1.0, 0.0, 3.0)}


def image(path, version="0.5"):
    ome_group(path, hostile((9, 20, 30), "u2"), ZYX, version, [2.0, 0.5, 0.5])
    zarr.open_group(str(path), mode="r+").attrs["lab"] = {"laser": 488}


@pytest.mark.parametrize("version", ["0.5", "0.4"])
def test_labels_are_written_into_an_image(tmp_path, version):
    models = pytest.importorskip("ome_zarr_models")
    path = tmp_path / "x.ome.zarr"
    image(path, version)
    before = tree(path)
    a = hostile((9, 20, 30), "u4") % 9
    head = Head(a.shape, a.dtype, role="labels", **SPACED)
    for name in ("cells", "nuclei", "cells"):
        write(f"{path}/labels/{name}", a, head, overwrite=True, pyramid=1)
    assert {name: data for name, data in tree(path).items() if not name.startswith("labels/")} == before
    told, got = read(path / "labels" / "cells")
    assert same(got, a) and told.role == "labels"
    assert (told.spacing, told.unit, told.origin) == tuple(SPACED.values())
    assert read(path / "labels/cells/1")[0].role == "labels"
    group = zarr.open_group(f"{path}/labels", mode="r")
    attributes = dict(group.attrs)
    assert attributes.get("ome", attributes)["labels"] == ["cells", "nuclei"]
    assert group.metadata.zarr_format == (3 if version == "0.5" else 2)
    cells = dict(group["cells"].attrs)
    assert cells.get("ome", cells)["image-label"] == {"version": version, "source": {"image": "../../"}}
    room = models.v05 if version == "0.5" else models.v04
    room.labels.Labels.from_zarr(group)
    room.image_label.ImageLabel.from_zarr(group["cells"])
    assert same(read(path)[1], hostile((9, 20, 30), "u2"))                  # the image itself is what is read


def test_labels_come_with_whatever_role_the_stream_has(tmp_path):
    image(tmp_path / "x.zarr")
    a = (hostile((9, 20, 30), "u1") % 2).astype("u1")
    write(f"{tmp_path}/x.zarr/labels/a", a)
    write(f"{tmp_path}/x.zarr/labels/b", a, Head(a.shape, a.dtype, role="mask"))
    assert [read(f"{tmp_path}/x.zarr/labels/{n}")[0].role for n in "ab"] == ["labels", "mask"]
    said = json.loads((tmp_path / "x.zarr/labels/a/zarr.json").read_text())["attributes"]["ome"]
    assert "omero" not in said and "image-label" in said


def test_what_cannot_be_labels(tmp_path):
    image(tmp_path / "x.zarr")
    image(tmp_path / "old.zarr", "0.4")
    zarr.create_group(str(tmp_path / "g.zarr"))
    a = np.zeros((3, 4, 5), "u1")
    for name, array, how, says in [
        ("x.zarr/labels/a", a.astype("f4"), {}, "must be integers, one a voxel; these are float32"),
        ("x.zarr/labels/a", np.stack([a] * 3, 3), {}, "these have 3 components"),
        ("x.zarr/labels/a", a, {"ome": "0.4"}, "x.zarr is OME-Zarr 0.5, and so are labels in it"),
        ("old.zarr/labels/a", a, {"ome": "none"}, "old.zarr is OME-Zarr 0.4, and so are"),
        ("g.zarr/labels/a", a, {}, "g.zarr is no OME-Zarr image"), ("no.zarr/labels/a", a, {}, "is not a format"),
    ]:  # fmt: skip
        facts = {"components": ("r", "g", "b")} if array.ndim == 4 else {}
        with pytest.raises(UsageError, match=says):
            write(f"{tmp_path}/{name}", array, Head(array.shape[:3], array.dtype, **facts), **how)
    assert not [p for p in tmp_path.rglob("labels")]
    write(f"{tmp_path}/x.zarr/labels/a", a)
    with pytest.raises(Refused, match="labels/a exists"):
        write(f"{tmp_path}/x.zarr/labels/a", a)


def test_what_fails_leaves_the_image_as_it_was(tmp_path):
    image(tmp_path / "x.zarr")
    before = tree(tmp_path)
    sink = begun(f"{tmp_path}/x.zarr/labels/a")
    with pytest.raises(Refused, match="is being written"):
        begun(f"{tmp_path}/x.zarr/labels/a")
    sink.abort()
    assert tree(tmp_path) == before and "labels" not in listing(tmp_path / "x.zarr")
    write(f"{tmp_path}/x.zarr/labels/b", np.zeros((3, 4, 5), "u1"))
    begun(f"{tmp_path}/x.zarr/labels/a").abort()
    assert listing(tmp_path / "x.zarr/labels") == ["b", "zarr.json"]


def test_the_list_of_others_is_kept(tmp_path):
    image(tmp_path / "x.zarr")
    group = zarr.create_group(f"{tmp_path}/x.zarr/labels")
    group.attrs.update({"ome": {"version": "0.5", "labels": ["theirs"]}, "note": 7})
    write(f"{tmp_path}/x.zarr/labels/mine", np.zeros((3, 4, 5), "u1"))
    attributes = dict(zarr.open_group(f"{tmp_path}/x.zarr/labels", mode="r").attrs)
    assert attributes == {"ome": {"version": "0.5", "labels": ["theirs", "mine"]}, "note": 7}
    zarrlabels.listed(tmp_path / "x.zarr/labels", "mine")
    assert dict(zarr.open_group(f"{tmp_path}/x.zarr/labels", mode="r").attrs) == attributes
    assert not [name for name in os.listdir(tmp_path / "x.zarr/labels") if name[0] == "."]


def test_a_level_by_its_path_is_what_the_group_says(tmp_path):
    a = hostile((20, 18, 16, 3), "u1")
    head = Head(a.shape[:3], a.dtype, components=("a", "b", "c"), nodata=7, meta={"attributes": {"lab": 1}}, **SPACED)
    write(f"{tmp_path}/v.zarr", a, head, pyramid=1)
    zero, got = read(f"{tmp_path}/v.zarr/0")
    assert same(got, a) and zero == read(f"{tmp_path}/v.zarr")[0]
    one, got = read(f"{tmp_path}/v.zarr/1")
    assert one == read(f"{tmp_path}/v.zarr", level=1)[0] and one.nodata is None and zero.nodata == 7
    assert one.components == ("a", "b", "c") and one.meta == head.meta and one.spacing == (2.0, 1.0, 1.0)


# ------------------------------------------------------------------ 0.6


def newer(path, steps, axes=ZYX, shape=(9, 20, 30)):
    """An image of OME-Zarr 0.6: axes in coordinate systems, one transformation a level."""
    a = hostile(shape, "u2")
    group = zarr.create_group(str(path))
    group.create_array("s0", data=a)
    systems = [{"name": "other", "axes": [{"name": n} for n in "uvw"]}, {"name": "world", "axes": axes}]
    scales = {"name": "x", "coordinateSystems": systems, "datasets": [{"path": "s0", "coordinateTransformations": steps}],
              "coordinateTransformations": [{"type": "rotation", "input": "world", "output": "other"}]}  # fmt: skip
    group.attrs.update({"ome": {"version": "0.6", "multiscales": [scales]}})
    return a


SCALE = {"type": "scale", "scale": [2.0, 0.5, 0.5]}


@pytest.mark.parametrize("output", ["world", {"name": "world"}, None])
@pytest.mark.parametrize("step, origin", [
    (SCALE, (0, 0, 0)), ({"type": "identity"}, (0, 0, 0)),
    ({"type": "sequence", "transformations": [SCALE, {"type": "translation", "translation": [1.0, 0.0, 3.0]}]}, (1, 0, 3)),
])  # fmt: skip
def test_what_scales_and_shifts_is_read(tmp_path, step, origin, output):
    more = {"output": output} if output else {}
    axes = ZYX if output else [{"name": n, "type": "space"} for n in "uvw"]
    a = newer(tmp_path / "v.zarr", [{**step, "input": "s0", **more}], axes)
    head, got = read(tmp_path / "v.zarr")
    assert same(got, a) and head.origin == origin
    if output:
        assert head.unit == "micrometer" and head.axes == ("z", "y", "x")
        assert head.spacing == ((1.0,) * 3 if step["type"] == "identity" else (2.0, 0.5, 0.5))


def test_what_else_0_6_has_is_said(tmp_path):
    newer(tmp_path / "v.zarr", [{"type": "affine", "affine": [[1, 0, 0, 0]] * 3, "output": "world"}])
    with pytest.raises(UsageError, match="transformation 'affine' is not known"):
        volumes.open(tmp_path / "v.zarr")
    newer(tmp_path / "w.zarr", [{**SCALE, "output": "world"}])
    with pytest.raises(UsageError, match="w.zarr is OME-Zarr 0.6, labels can be written into 0.4 and 0.5"):
        write(f"{tmp_path}/w.zarr/labels/a", np.zeros((3, 4, 5), "u1"))
    newer(tmp_path / "c.zarr", [{"type": "identity", "output": "world"}], TCZYX[1:], (2, 3, 4, 5))
    assert read(tmp_path / "c.zarr", channel=1)[0].whole == (3, 4, 5)


@pytest.mark.parametrize("version", ["0.5", "0.4"])
def test_ome_zarr_py_finds_levels_and_labels(tmp_path, version):
    pytest.importorskip("ome_zarr")
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    a = hostile((20, 18, 33), "u2")
    head = Head(a.shape, a.dtype, **SPACED)
    write(f"{tmp_path}/v.zarr", a, head, pyramid=2, ome=version)
    write(f"{tmp_path}/v.zarr/labels/cells", a % 7, head, pyramid=2)
    image, *others = Reader(parse_url(f"{tmp_path}/v.zarr"))()
    assert [d.shape for d in image.data] == [(20, 18, 33), (20, 9, 17), (20, 5, 9)]
    assert same(np.asarray(image.data[0]), a)
    assert image.metadata["coordinateTransformations"][1][0]["scale"] == [2.0, 1.0, 1.0]
    labels = next(node for node in others if node.metadata.get("name") == "cells")
    assert same(np.asarray(labels.data[0]), a % 7) and len(labels.data) == 3
