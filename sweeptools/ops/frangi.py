"""sweep-frangi: vesselness."""

from math import sqrt

from ..params import Arg, Flag, Number
from ..spec import op
from ._separable import filtered
from ._tensors import Scales, finished, frangi_of, over_scales, second, single, wide
from .stats import stats


@op(
    "vesselness: tubes by the Hessian, at several scales", task="Windows", edges=True,
    examples=("1 --gamma 15", "0.5,1 --bright --mode constant --cval 7", "1,1.5 --truncate 2 --gamma 15 --dtype float64"),
)  # fmt: skip
def frangi(stdin, *, sigmas: Arg(Scales, "standard deviations of the scales", low=0),
           alpha: Number("how much of a plate is taken for a tube", low=1e-9, unit="of no unit") = 0.5,
           beta: Number("how much of a blob is taken for a tube", low=1e-9, unit="of no unit") = 0.5,
           gamma: Number("strength below which structure is noise", low=1e-300, unit="value per voxel²") = None,
           bright: Flag("bright tubes on dark, not dark ones on bright") = False,
           truncate: Number("reach of the windows", low=0, unit="standard deviations") = 4.0,
           mode, cval, dtype):  # fmt: skip
    """Give the greatest over the scales SIGMAS of how much the eigenvalues of the Hessian are those of a dark tube, with
    --bright of a bright one: 0 to 1. With a, b, c in order of magnitude, b and c at least 1e-10, it is (1 - exp(-(b/c)²
    / 2 ALPHA²)) exp(-a²/bc / 2 BETA²) (1 - exp(-(a² + b² + c²) / 2 GAMMA²)).

    SIGMAS are numbers with commas between, in voxels, or in a unit of length that stands at the end (1,2,4um): then
    windows and derivatives are those of space, whatever the spacing. All scales are taken in one sweep. Without --gamma
    it is half the greatest norm of the Hessian at the first scale, as in scikit-image, which takes a sweep of its own;
    it goes to the report and the history. The result is float32, float64 from float64; --dtype overrides. Derivatives
    are computed in float32 (float64 for float64, 32- and 64-bit integers and where --dtype is float64), all else in
    float64, with the same bytes on every CPU. NaN and infinities make NaN of every voxel whose window they lie in. In
    mode constant the volume is extended by CVAL once. Errors: a scale that is 0, negative or not finite; voxels with
    components.
    Equals skimage.filters.frangi but for the Hessian, which there takes first derivatives twice. Source: Frangi and
    others 1998.
    """
    single(stdin.head, "frangi")
    if gamma is None:
        sigma, factors, _ = sigmas[0]
        norm = filtered(stdin, second(sigma, truncate, factors, sqrt(2)), mode, cval, "float64", length=True)
        gamma = (norm | stats()).then(lambda table: 0.5 * (table["max"][0] or 0.0) or 1.0, found="gamma")
    rule = lambda hessian, _: hessian | frangi_of(bright=bright, alpha=alpha, beta=beta, gamma=gamma)  # noqa: E731
    return finished(over_scales(stdin, sigmas, truncate, mode, cval, wide(dtype), rule), stdin.head, dtype)
