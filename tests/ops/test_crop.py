"""crop: numpy slicing."""

import subprocess
import sys

import numpy as np
import pytest
from harness import apply, head_of, prepare
from samples import names, volume

from sweeptools.errors import UsageError
from sweeptools.ops import load

BOXES = [":,:,:", "1:4,2:5,3:6", "-3:,:-1,-1:", "::2,::3,::4", "1::3,2:6:2,::5", "4:5,5:6,6:7", "2,:,:", "-1,0,0",
         "1:8:3,1:,1:"]  # fmt: skip


def sliced(a, box):
    """What numpy makes of the box; a lone index keeps its axis."""
    parts = []
    for part in box.split(","):
        numbers = [int(n) if n else None for n in part.split(":")]
        parts.append(slice(*numbers) if len(numbers) > 1 else slice(numbers[0], numbers[0] + 1 or None))
    return a[tuple(parts)]


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("cut, threads, depth", [(None, 1, None), (1, 2, 1), (3, 2, 2), ([5, 1, 2, 1], 1, 3)])
def test_as_numpy_slices(box, cut, threads, depth):
    a = volume("int32", (9, 7, 11))
    out = apply("crop", a, ranges=box, cut=cut, threads=threads, depth=depth)
    assert out.dtype == a.dtype
    np.testing.assert_array_equal(out, sliced(a, box))


@pytest.mark.parametrize("shape", [(1, 1, 1), (6, 5, 7, 3), (8, 1, 7), (1, 9, 1, 2)])
def test_shapes_and_components(shape):
    a = volume("float32", shape)
    for box in (":,:,:", "::2,::2,::3"):
        out = apply("crop", a, ranges=box, components=names(shape), cut=2, threads=2)
        np.testing.assert_array_equal(out, sliced(a, box))


def test_an_empty_volume_stays_empty():
    assert apply("crop", np.zeros((0, 3, 4), "u1"), ranges=":,1:,:").shape == (0, 2, 4)


def test_only_the_box_is_written():
    a = volume("uint8", (9, 20, 30))
    part = np.full((4, 9, 9), 99, "u1")
    # the runner hands over the slices from the first one kept
    load("crop").fn(a[1:], part, (1, 3, 2, 7, 3, 9), ranges=((1, None, 2), (2, None, 2), (1, 28, 3)))
    expected = np.full(part.shape, 99)
    expected[1:3, 2:7, 3:9] = a[1::2, 2::2, 1:28:3][1:3, 2:7, 3:9]
    np.testing.assert_array_equal(part, expected)
    load("crop").fn(a[1:], part, (2, 2, 0, 9, 0, 9), ranges=((1, None, 2), (2, None, 2), (1, 28, 3)))
    np.testing.assert_array_equal(part, expected)


def test_head_follows():
    a = volume("uint8", (9, 20, 30))
    head = head_of(a, spacing=(2.0, 0.5, 0.25), origin=(10.0, 0.0, -1.0), chunks=(4, 10, 10))
    out = prepare("crop", a, head=head, ranges="1:8:3,-10:,4:").head
    assert (out.whole, out.spacing, out.unit) == ((3, 10, 26), (6.0, 0.5, 0.25), "micrometer")
    assert out.origin == (12.0, 5.0, 0.0)
    assert out.chunks is None
    assert prepare("crop", a, head=head, ranges="4:,10:,:9").head.chunks == (4, 10, 10)


def test_head_without_or_with_half_a_spacing():
    a = volume("uint8", (9, 20, 30))
    out = prepare("crop", a, ranges="1:,2::2,:").head
    assert (out.spacing, out.origin) == (None, (1.0, 2.0, 0.0))
    head = head_of(a, spacing=(None, 0.5, 0.5))
    out = prepare("crop", a, head=head, ranges="3::3,2::2,:").head
    assert (out.spacing, out.origin) == ((None, 1.0, 0.5), (3.0, 1.0, 0.0))


@pytest.mark.parametrize(
    "box, why",
    [(":,:,5:31", "range x 5:31 reaches beyond the volume's 0:30"), ("-10:,:,:", "range z -10: reaches beyond"),
     (":,4:4,:", "range y 4:4 keeps no voxel of 20"), (":,:,30:", "range x 30:30 keeps no voxel of 30")],
)  # fmt: skip
def test_refusals(box, why):
    with pytest.raises(UsageError, match=why):
        prepare("crop", volume("uint8", (9, 20, 30)), ranges=box)


def test_starts_without_numba():
    code = """
import sys, numpy
from sweeptools.ops import load
a = numpy.ones((2, 3, 4))
load("crop").fn(a, numpy.empty((2, 3, 2)), (0, 2, 0, 3, 0, 2), ranges=((0, None, 1), (0, None, 1), (0, None, 2)))
sys.exit("numba" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
