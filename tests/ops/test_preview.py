"""sweep-preview: pixels against plain loops over voxels."""

import math
import re

import numpy as np
import pytest
from harness import head_of, source
from PIL import Image

from sweeptools import volumes
from sweeptools.errors import Upstream, UsageError
from sweeptools.flow import Pool
from sweeptools.spec import Block, Source
from sweeptools.tools import preview


class Talk:
    """What the deed of a tool needs of the world."""

    pool, inputs = Pool(), {}

    def __init__(self, stream=None):
        self.said, self.stream = "", stream

    def stdin(self):
        return self.stream

    def text(self, text):
        self.said += text

    def admit(self, items, head):
        self.items = items

    def drain(self, source):
        return source.blocks(source.head.sweep)


def picture(stream, tmp_path, **options):
    """The pixels that --out writes for a Source as stdin, or an address."""
    out = tmp_path / "out.png"
    if isinstance(stream, Source):
        preview.main(Talk(stream), out=str(out), **options)
    else:
        preview.main(Talk(), address=str(stream), out=str(out), **options)
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name] == []
    return np.asarray(Image.open(out))


def test_chosen_slices():
    for total in range(1, 40):
        for n in (1, 2, 3, 9, 100):
            z = preview.chosen(total, n)
            assert z == sorted(set(z)) and len(z) == min(n, total) and 0 <= z[0] and z[-1] < total
            assert z == [int((i + 0.5) * total / len(z)) for i in range(len(z))]
    assert preview.chosen(5, 9) == [0, 1, 2, 3, 4]


SIZES = [((6, 8), (3, 4)), ((7, 5), (3, 2)), ((3, 4), (3, 4)), ((2, 3), (6, 12)), ((5, 9), (5, 4))]


@pytest.mark.parametrize(("shape", "size"), SIZES)
def test_means_equal_the_loop(shape, size):
    plane = np.random.default_rng(0).random(shape).astype(np.float32)
    plane[0, 0], plane[1, 1], plane[-1, -1] = np.nan, np.inf, -np.inf
    low, high = preview.finite_range(plane)
    assert low == plane[np.isfinite(plane)].min() and high == plane[np.isfinite(plane)].max()
    clean = np.clip(np.where(np.isnan(plane), low, plane), low, high).astype(float)
    expected = np.empty(size)
    for i, j in np.ndindex(size):
        y0, x0 = i * shape[0] // size[0], j * shape[1] // size[1]
        y1, x1 = max(y0 + 1, (i + 1) * shape[0] // size[0]), max(x0 + 1, (j + 1) * shape[1] // size[1])
        expected[i, j] = (clean[y0:y1, x0:x1].mean() - low) / (high - low)
    np.testing.assert_allclose(preview.means(plane, size, low, high), expected, rtol=1e-6)


def test_range_of_nothing_finite():
    assert preview.finite_range(np.full((200, 2, 1), np.nan)) == (math.inf, -math.inf)


@pytest.mark.parametrize("dtype", ("uint8", "int16", "uint64", "float32", "float64"))
def test_stretched_over_the_slices_shown(tmp_path, dtype):
    a = (np.random.default_rng(1).random((7, 12, 12)) * 1000).astype(dtype)
    a[0], a[1, 0, 0] = 0, 0
    if a.dtype.kind == "f":
        a[1, :2, :2] = np.nan
        a[3, :2, :2] = np.inf
    seen = picture(source(a, cut=2), tmp_path, slices=3, width=2 * 6 + 2)
    z = [1, 3, 5]
    shown = a[z].astype(float)
    low, high = (f(shown[np.isfinite(shown)]) for f in (np.min, np.max))
    expected = np.zeros((14, 14), np.uint8)
    for k, plane in enumerate(shown):
        known = plane[np.isfinite(plane)]
        plane = np.clip(np.where(np.isnan(plane), known.min(), plane), known.min(), known.max())
        small = plane.reshape(6, 2, 6, 2).mean(axis=(1, 3))
        y, x = (0, 8)[k // 2], (0, 8)[k % 2]
        expected[y : y + 6, x : x + 6] = np.rint((small - low) / (high - low) * 255)
    assert seen.shape == (14, 14, 3)
    assert np.abs(seen.astype(int) - expected[..., None]).max() <= 1


def test_the_same_from_a_volume_or_a_stream_whatever_way(tmp_path):
    a = np.random.default_rng(1).integers(0, 1000, (300, 16, 16), np.uint16)
    expected = picture(source(a, cut=7), tmp_path)
    np.testing.assert_array_equal(picture(source(a, head=head_of(a).but(sweep="down"), cut=7), tmp_path), expected)
    for name in ("v.npy", "v.sweep", "v.zarr"):
        sink = volumes.create(str(tmp_path / name), head_of(a))
        for block in source(a, cut=50).blocks("up"):
            sink.write(block)
        sink.finish({})
        np.testing.assert_array_equal(picture(tmp_path / name, tmp_path), expected)


def test_of_a_stored_volume_only_some_slices_are_read(tmp_path, monkeypatch):
    a = np.zeros((300, 4, 4), np.uint8)
    np.save(tmp_path / "v.npy", a)
    opened, true = [], volumes.open
    monkeypatch.setattr(volumes, "open", lambda *where, **how: opened.append(how) or true(*where, **how))
    picture(tmp_path / "v.npy", tmp_path, slices=3)
    assert [how.get("range") for how in opened] == [None, (50, 51, 1), (150, 151, 1), (250, 251, 1)]


def test_limits(tmp_path):
    a = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    seen = picture(source(a), tmp_path, width=16, limits=(4, 8))[::4, ::4, 0]
    np.testing.assert_array_equal(seen, np.rint(np.clip((a[0] - 4) / 4, 0, 1) * 255))


def test_flat_and_unknown_images_are_black(tmp_path):
    for value in (7, np.nan, np.inf):
        assert not picture(source(np.full((2, 3, 3), value, np.float32)), tmp_path).any()


@pytest.mark.parametrize("dtype", ("uint8", "uint32", "int64", "uint64"))
def test_labels_have_colours_of_their_own(tmp_path, dtype):
    a = np.arange(100, dtype=dtype).reshape(1, 10, 10)
    seen = picture(source(a, head=head_of(a).but(role="labels")), tmp_path, width=20)
    assert seen.shape == (20, 20, 3) and (seen[::2, ::2] == seen[1::2, 1::2]).all()
    colours = seen[::2, ::2].reshape(100, 3)
    assert not colours[0].any() and (colours[1:] >= 64).all()
    assert len({tuple(c) for c in colours.tolist()}) == 100
    np.testing.assert_array_equal(preview.label_colours(a[0, 3:5]), colours.reshape(10, 10, 3)[3:5])


def test_masks_are_white(tmp_path):
    a = np.array([[[0, 1], [200, 0]]], np.uint8)
    seen = picture(source(a, head=head_of(a).but(role="mask")), tmp_path, width=16)
    assert seen[::8, ::8, 1].tolist() == [[0, 255], [255, 0]]


def test_components(tmp_path):
    a = np.zeros((1, 2, 2, 3), np.uint8)
    a[0, 0, 0], a[0, 1, 1] = (255, 0, 0), (0, 51, 255)
    seen = picture(source(a, components=("r", "g", "b")), tmp_path, width=16)
    assert seen[::8, ::8].tolist() == [[[255, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 51, 255]]]
    two = picture(source(a[..., :2].copy(), components=("u", "v")), tmp_path, width=16)
    assert two[::8, ::8].tolist() == [[[255] * 3, [0] * 3], [[0] * 3, [0] * 3]]


def test_proportions_follow_the_spacing():
    head = head_of(np.zeros((1, 100, 50)))
    assert preview.extent(head, 200) == (200, 100)
    assert preview.extent(head.but(spacing=(9.0, 1.0, 4.0)), 200) == (100, 200)
    assert preview.extent(head_of(np.zeros((1, 2, 3))), 200) == (16, 24)
    assert preview.extent(head_of(np.zeros((1, 1, 5000))), 100) == (1, 100)


def test_scale_bar(tmp_path):
    assert [preview.bar_length(w) for w in (1, 3, 6, 15, 30, 299, 0.06)] == pytest.approx([0.2, 1, 2, 5, 10, 50, 0.02])
    a = np.zeros((1, 64, 100), np.uint8)
    facts = {"spacing": (1.0, 0.5, 0.5), "unit": "micrometer"}
    seen = picture(source(a, **facts), tmp_path, width=400, bar=True)
    row = seen[seen.shape[0] - 5, :, 0]
    assert (row == 255).sum() == 10 / 50 * 400 and row[4] == 255
    with pytest.raises(UsageError, match="--bar needs the distance"):
        picture(source(a), tmp_path, bar=True)


def test_half_blocks_are_the_picture():
    rng = np.random.default_rng(0)
    for high in (4, 5):
        pixels = rng.integers(0, 2, (high, 6, 3), np.uint8) * 255
        text = preview.half_blocks(pixels)
        rows = np.zeros((high + high % 2, 6, 3), np.uint8)
        for y, line in enumerate(text.splitlines()):
            x, colour = 0, None
            for code, block in re.findall(r"\x1b\[([\d;]+)m|(▀)", line):
                if block:
                    rows[2 * y, x], rows[2 * y + 1, x] = colour[2:5], colour[7:10]
                    x += 1
                elif code != "0":
                    colour = [int(n) for n in code.split(";")]
            assert x == 6 and line.endswith("\x1b[0m")
        np.testing.assert_array_equal(rows[:high], pixels)


def test_in_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    talk = Talk(source(np.random.default_rng(0).random((4, 30, 30))))
    preview.main(talk, slices=4)
    lines = talk.said.splitlines()
    assert {line.count("▀") for line in lines} == {40} and len(lines) == 20


def test_nothing_is_shown_of_a_stream_that_fails(tmp_path):
    def failing(way):
        yield Block(0, 1, np.zeros((1, 4, 4), np.uint8))
        raise Upstream("sweep-gauss", "no memory")

    with pytest.raises(Upstream):
        picture(Source(head_of(np.zeros((2, 4, 4), np.uint8)), failing), tmp_path)
    assert not list(tmp_path.iterdir())


def test_usage_errors(tmp_path):
    a = np.zeros((2, 3, 4), np.uint8)
    with pytest.raises(UsageError, match="out.svg: .svg is no picture, must be one of .png"):
        preview.main(Talk(source(a)), out="out.svg")
    with pytest.raises(UsageError, match="no suffix is no picture"):
        preview.main(Talk(source(a)), out="out")
    with pytest.raises(UsageError, match="--bar is for a picture"):
        preview.main(Talk(source(a)), bar=True)
    with pytest.raises(UsageError, match="nothing to see in a volume of 2 x 0 x 4"):
        preview.main(Talk(source(a[:, :0])))
