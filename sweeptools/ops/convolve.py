"""sweep-convolve: convolution with any kernel."""

import numpy as np

from ..errors import UsageError
from ..kernels import taps
from ..params import Arg, Param, Text
from ..spec import op
from ._lines import holds, merged, precision, stretched
from ._separable import filtered
from .cast import cast

STRIP = 2048                           # columns worked through at a time
MOST = 1 << 20                         # voxels of a kernel


def load(word):
    """(the kernel as float64, how exactly it is stored) of a .npy file, or of numbers that the word itself lists."""
    try:
        array = np.load(word, allow_pickle=False) if word.endswith(".npy") else _listed(word)
    except OSError as error:
        raise UsageError(f"kernel is {word}, which cannot be read: {error.strerror}") from None
    except (ValueError, EOFError):
        what = "no array of numpy's" if word.endswith(".npy") else "neither a .npy file nor numbers: 1,2,1/2,4,2/1,2,1"
        raise UsageError(f"kernel is {word}, which is {what}") from None
    if array.ndim != 3 or array.dtype.kind not in "biuf" or not 0 < array.size <= MOST:
        raise UsageError(f"kernel is {word}, {array.dtype} of shape {array.shape}, must be numbers along z, y, x")
    if not np.isfinite(array).all():
        raise UsageError(f"kernel is {word}, which has values that are not finite")
    exact = 4 * np.finfo(array.dtype).eps if array.dtype.kind == "f" else 1e-15
    return array.astype(np.float64), exact


def _listed(word):
    """Numbers with commas between, rows with slashes, slices with semicolons."""
    return np.array([[[float(v) for v in row.split(",")] for row in part.split("/")] for part in word.split(";")])


def factors(kernel, exact):
    """Three vectors whose product is the kernel, as exactly as its numbers are stored, or None: from the singular values of
    the kernel as a matrix, first z against y and x, then y against x."""
    vectors, rest = [], kernel
    for _ in range(2):
        u, s, v = np.linalg.svd(rest.reshape(len(rest), -1), full_matrices=False)
        if len(s) > 1 and s[1] > exact * max(s[0], 1e-300):
            return None
        peak = u[np.abs(u[:, 0]).argmax(), 0]
        vectors.append(u[:, 0] / peak)
        rest = (v[0] * (s[0] * peak)).reshape(rest.shape[1:])
    return (*vectors, rest)


def parted(vector, exact):
    """A vector to convolve with, as pairs (half, odd) of _separable.py whose sum it is: its even part and its odd one."""
    n = len(vector)
    wide = np.append(vector, 0.0) if n % 2 == 0 else vector        # the middle of an even one is n // 2, as in scipy
    weights, far = wide[::-1], len(wide) // 2
    even, odd = (weights + wide) / 2, (weights - wide) / 2
    least = exact * np.abs(wide).max()
    parts = [(part, is_odd) for part, is_odd in ((even, False), (odd, True)) if np.abs(part).max() > least]
    return [(tuple(part[far:].tolist()), is_odd) for part, is_odd in parts] or [((0.0,), False)]


@op(
    "convolve voxel by voxel", edges=True, halo=lambda sizes: tuple((n - 1 - n // 2, n // 2) for n in sizes),
    work=lambda weights: 2 * len(weights),
)  # fmt: skip
def _weighted(src, dst, box, *, sizes: Param("of the kernel"), places: Param("where it is not 0"),
              weights: Param("there")):  # fmt: skip
    """Sums in the type of the voxels, which are floats."""
    src, step = merged(src)
    taps.weighted(
        src, merged(dst)[0], stretched(box, step), np.array(places), np.array(weights, src.dtype), step, STRIP
    )


@op(
    "convolve with a kernel", task="Windows", edges=True,
    examples=("0,1,0/1,-4,1/0,1,0 --dtype float32", "0.2,0.5,0.3 --mode constant --cval 7",
              "'1,2;2,5;0,1' --mode nearest --dtype int32"),
)  # fmt: skip
def convolve(stdin, *, kernel: Arg(Text, "numbers along z, y, x: a file of numpy's, or a list", metavar="KERNEL.npy"),
             mode, cval, dtype):  # fmt: skip
    """Convolve with the 3-D array of KERNEL.npy: its far end is laid on what comes first, as in scipy (sweep-convolve of a
    kernel with one 1 beside its middle shifts the volume that way). Its middle is its voxel size // 2 along each axis.
    A small kernel may be given in so many words: numbers with commas between, rows with slashes, slices with semicolons; one
    that begins with a minus stands after --, as in sweep-convolve -- -1,0,1/-2,0,2/-1,0,1.

    A kernel that is a product of three vectors, within what its numbers are stored to, is found by its singular values and
    convolved along the axes one after another; else the work is that of its voxels that are not 0. The type is kept: give
    --dtype float32 for sums beyond it. Sums are taken in float32 (float64 for float64 and 32- and 64-bit integers, or where
    --dtype is float64) and rounded once: to integers to the nearest, ties to even, clipped. NaN and infinities make NaN or
    infinities of every voxel whose window they lie in (of a kernel that is no product, where its voxel is not 0). Components
    of a voxel are convolved apart. In mode constant the volume is extended by CVAL once.
    Errors: a file that holds no 3-D array of finite numbers, or one of more than 2^20.
    Equals scipy.ndimage.convolve on float64, rounded once.
    """
    head = stdin.head
    array, exact = load(kernel)
    final, precise = dtype or head.dtype.name, precision(head.dtype, dtype)
    vectors = factors(array, exact)
    if vectors is not None and array.size > 1:
        z, y, x = (parted(v, exact) for v in vectors)
        terms = tuple((a, b, c) for a in z for b in y for c in x)
        return filtered(stdin, [terms], mode, cval, dtype, own=head.dtype.name)
    if head.dtype.name != precise or (mode == "constant" and not holds(head.dtype, cval)):
        stdin = stdin | cast(type=precise)
    turned = array[::-1, ::-1, ::-1]
    places = np.argwhere(turned)
    out = stdin | _weighted(
        sizes=array.shape, places=places.tolist() or [[0, 0, 0]], weights=turned[turned != 0].tolist() or [0.0],
        mode=mode, cval=cval,
    )  # fmt: skip
    return out if final == precise else out | cast(type=final)
