"""Peers from an array to an array in this process, at their best settings: all threads, float32, contiguous.

Edges are those of mode nearest, which all of them have. Each imports its library when it is called.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .harness import THREADS


def in_threads(fn, halo=0, join=None):
    """A function of an array, in all threads at once: over bands of rows with a halo, which scipy leaves the interpreter
    for. `join` makes one of the parts, else they are put side by side."""

    def call(v):
        cuts = [v.shape[1] * i // THREADS for i in range(THREADS + 1)]
        pairs = [(max(0, a - halo), a, b) for a, b in zip(cuts, cuts[1:])]
        with ThreadPoolExecutor(THREADS) as pool:
            parts = list(pool.map(lambda p: fn(v[:, p[0] : p[2] + halo])[:, p[1] - p[0] : p[2] - p[0]]
                                  if join is None else fn(v[:, p[0] : p[2]]), pairs))  # fmt: skip
        return np.concatenate(parts, axis=1) if join is None else join(parts)

    return call


def as_type(v, dtype):
    return np.rint(v, out=v).astype(dtype) if np.dtype(dtype).kind == "u" else v


# ------------------------------------------------------------------ scipy, scikit-image, numpy


def scipy_gauss(v):
    from scipy import ndimage

    return as_type(ndimage.gaussian_filter(v, 2, output=np.float32, mode="nearest"), v.dtype)


def scipy_median(size):
    def call(v):
        from scipy import ndimage

        return ndimage.median_filter(v, size, mode="nearest")

    return call


def scipy_least(v):
    from scipy import ndimage

    return ndimage.minimum_filter(v, 7, mode="nearest")


def scipy_mean(v):
    from scipy import ndimage

    return as_type(ndimage.uniform_filter(v, 7, output=np.float32, mode="nearest"), v.dtype)


def scipy_greatest(v):
    from scipy import ndimage

    z, y, x = np.indices((7, 7, 7)) - 3
    return ndimage.maximum_filter(v, footprint=z * z + y * y + x * x <= 9, mode="nearest")


def numpy_half(v):
    """Means of 2 x 2 x 2, rounded to the nearest; an odd last voxel along an axis is dropped."""
    z, y, x = (n // 2 * 2 for n in v.shape)
    parts = v[:z, :y, :x].reshape(z // 2, 2, y // 2, 2, x // 2, 2)
    wide = np.float32 if v.dtype.kind == "f" else np.uint32
    total = parts.sum(axis=5, dtype=wide).sum(axis=3, dtype=wide).sum(axis=1, dtype=wide)
    return total * np.float32(0.125) if v.dtype.kind == "f" else ((total + 4) >> 3).astype(v.dtype)


def skimage_half(v):
    from skimage.transform import downscale_local_mean

    z, y, x = (n // 2 * 2 for n in v.shape)
    return as_type(downscale_local_mean(v[:z, :y, :x], (2, 2, 2)), v.dtype)


def numpy_counts(v):
    return np.bincount(v.reshape(-1), minlength=1 << 8 * v.itemsize)


def numpy_bins(v):
    return np.histogram(v, 256)[0]


def skimage_otsu(v):
    from skimage.filters import threshold_otsu

    return (v > threshold_otsu(v)).astype(np.uint8)


# ------------------------------------------------------------------ SimpleITK: all threads by itself


def itk(fn):
    """A function of SimpleITK's images as one of arrays; the image is made and read within the time, as a user would."""

    def call(v):
        import SimpleITK as sitk

        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(THREADS)
        return sitk.GetArrayFromImage(fn(sitk, sitk.GetImageFromArray(v)))

    return call


def itk_gauss(v):
    smooth = itk(lambda sitk, i: sitk.SmoothingRecursiveGaussian(i, 2.0))
    return as_type(smooth(v), v.dtype)


def itk_median(radius):
    return itk(lambda sitk, i: sitk.Median(i, [radius] * 3))


itk_greatest = itk(lambda sitk, i: sitk.GrayscaleDilate(i, [3, 3, 3], sitk.sitkBall))
itk_mean = itk(lambda sitk, i: sitk.BoxMean(i, [3, 3, 3]))
itk_half = itk(lambda sitk, i: sitk.BinShrink(i, [2, 2, 2]))


def itk_otsu(v):
    bins = 1 << 8 * v.itemsize if v.dtype.kind == "u" and v.itemsize < 3 else 256
    return itk(lambda sitk, i: sitk.OtsuThreshold(i, 0, 1, bins))(v)
