"""sweep-calc: voxel arithmetic with any number of volumes."""

from .. import expression
from ..errors import UsageError
from ..params import Arg, Pipelines, Text, Volumes
from ..spec import op

PIECE = 1 << 15                                        # voxels of a piece: its float64 temporaries stay in the cache


def result_type(expr, let, via):
    """uint8 for a comparison, else float32; raises UsageError for what EXPR cannot mean, before any voxel moves."""
    bound = [name for name, _ in (*let, *via)]
    twice = sorted(name for name in set(bound) if bound.count(name) > 1)
    if twice:
        raise UsageError(f"{', '.join(twice)} is bound more than once by --let and --via")
    expression.check(expr, tuple(dict.fromkeys(["a", *bound])))
    return "uint8" if expression.is_comparison(expr) else "float32"


def temporaries(expr, head, threads):
    """Bytes of the arrays that the threads make of their pieces."""
    return threads * expression.arrays(expr) * 8 * max(PIECE, head.shape[2])


@op(
    "compute voxels from voxels", task="Streams and flow", casts=True, dtype=result_type, memory=temporaries,
    examples=("a*2+1", "'(a > 3) & ~(a > 100)'", "'sqrt(abs(a))' --dtype uint8", "'a % 7 - a // 3' --dtype int16",
              "'where(a > 10, f, a)' --via f='sweep-clip 10 20'"),
)  # fmt: skip
def calc(srcs, dst, box, *, expr: Arg(Text, "what a voxel comes to", metavar="EXPR"),
         let: Volumes("a further volume by name") = (),
         via: Pipelines("a pipeline applied to stdin's own stream, by name") = ()):  # fmt: skip
    """Compute EXPR for every voxel of volumes of equal shape. `a` is stdin, unless --let or --via binds it; stdin is
    not read when EXPR does not name it.

    Operators + - * / // % **, comparisons < <= > >= == != joined with & | ^ ~ (a comparison counts as 0 and 1 in
    arithmetic), the constants pi inf nan, and the functions abs sqrt exp log log2 log10 sin cos tan arcsin arccos
    arctan arctan2 hypot floor ceil trunc round (nearest even) sign min max clip(v, low, high)
    where(condition, then, else) isnan isinf isfinite, each as in numpy: `min` and `max` give NaN where a value is NaN,
    no comparison but != holds for NaN.

    The result is uint8 for a comparison, else float32; --dtype overrides: integers are rounded to nearest even and
    clipped, NaN becomes 0 with a counted warning. Computed in float64; in int64 where all operands are integers and
    only + - * // % and comparisons occur: there division by zero gives 0, as in numpy, and is counted with the NaN; a
    value beyond int64 is an error, never wrapped. The elementary functions (exp, log, **, the trigonometric ones) are
    numpy's and were not shown equal across CPUs; all else is.

    `sweep-calc f-g --via f='sweep-gauss 1' --via g='sweep-gauss 2'` is a difference of Gaussians in one sweep.
    """
    for name, src in srcs.items():
        if src.shape[3:] != dst.shape[3:]:
            raise UsageError(f"{name} has {src.shape[3:]} components, the result {dst.shape[3:]}")
    z0, z1, y0, y1, x0, x1 = box
    if min(z1 - z0, y1 - y0, x1 - x0) <= 0:
        return 0
    lost = 0
    rows = max(1, PIECE // (x1 - x0))
    slices = max(1, rows // (y1 - y0))
    for z in range(z0, z1, slices):
        for y in range(y0, y1, rows):
            piece = slice(z, min(z + slices, z1)), slice(y, min(y + rows, y1)), slice(x0, x1)
            result, undefined = expression.evaluate(expr, {name: src[piece] for name, src in srcs.items()})
            lost += undefined + expression.store(result, dst[piece])
    return lost
