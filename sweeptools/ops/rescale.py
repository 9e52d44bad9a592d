"""sweep-rescale: one range of values onto another."""

from ..errors import UsageError
from ..kernels import voxel
from ..params import Arg, Flag, Value
from ..spec import op
from ._values import check_number, is_known


def _head(head, in_low, in_high, out_low, out_high):
    for name, value in {"in_low": in_low, "in_high": in_high, "out_low": out_low, "out_high": out_high}.items():
        check_number(name, value)
        if is_known(value) and value in (float("inf"), float("-inf")):
            raise UsageError(f"{name} is {value}, must be finite")
    if is_known(in_low) and is_known(in_high) and in_low == in_high:
        raise UsageError(f"in_low and in_high are both {in_low}, must differ")
    return head.but(nodata=None)


@op(
    "map a range of values onto another",
    task="Voxel by voxel",
    examples=("0 100 0 255", "10 200 0 1 --dtype float32", "0 255 255 0", "-1000 3000 0 255 --clip --dtype uint8"),
    casts=True,
    role="image",
    head=_head,
)
def rescale(
    src, dst, box, *,
    in_low: Arg(Value, "value that becomes OUT_LOW"),
    in_high: Arg(Value, "value that becomes OUT_HIGH"),
    out_low: Arg(Value, "what IN_LOW becomes"),
    out_high: Arg(Value, "what IN_HIGH becomes"),
    clip: Flag("values beyond IN_LOW..IN_HIGH become the nearer end of OUT_LOW..OUT_HIGH") = False,
):  # fmt: skip
    """Map values along the straight line that takes IN_LOW to OUT_LOW and IN_HIGH to OUT_HIGH.

    (v - IN_LOW) / (IN_HIGH - IN_LOW) * (OUT_HIGH - OUT_LOW) + OUT_LOW in float64, rounded once to the type, which
    is kept unless --dtype says another: in integer types to the nearest, ties to even, clipped; NaN becomes 0 there,
    and a warning counts them. The line goes on beyond IN_LOW..IN_HIGH unless --clip is given. Either range may fall
    (0 255 255 0 turns the scale round). IN_LOW equal to IN_HIGH, NaN or an infinity is an error.

    As skimage.exposure.rescale_intensity, which clips always. What comes out has the role of an image.
    """
    return voxel.linear(src, dst, box, (in_low, in_high), (out_low, out_high), clip)
