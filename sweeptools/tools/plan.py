"""The deed of sweep-plan: everything of sweep-run but the run."""

import json as js
import os

from .. import files
from ..engines.fused import Fused, built
from ..errors import Refused, SweepError
from ..plan import facts as told
from .run import cut, text_of


def main(io, *, pipeline=None, file=None, assume=None, json=False, svg=None, calibrate=False, **_):
    """Print the plan; 3 where the run would be refused."""
    if svg:
        files.check(svg)
    if calibrate and pipeline is None and file is None:
        return _measure(io, None)
    text = text_of(pipeline, file)
    try:
        made = built(text, io, assume)
        if calibrate:
            _measure(io, made)
        try:
            found = Fused(made, io).plan()
        except Refused as error:
            if error.smallest is None:
                raise
            whole = error
        else:
            whole = None
        if whole and assume and any(op and op.name == "read" and not os.path.exists(full["address"])
                                    for op, full in made.opened.values()):  # fmt: skip
            whole.args = (f"{whole}; tiles are planned for volumes that are there", *whole.args[1:])
            raise whole
        if whole:
            found = cut(made, io, whole).plan()
    except Refused as error:
        if json:
            refused = {"why": str(error), "smallest_budget_bytes": error.smallest}
            io.text(js.dumps({"pipeline": text, "refused": refused}) + "\n")
        raise
    if svg:
        from ..plan import picture

        with files.complete(svg) as out:
            out.write(picture.svg(found).encode())
    if json:
        io.text(js.dumps(found, indent=1) + "\n")
    else:
        io.text(told.text(found) + ("\n" + told.items(found) if io.options.verbose else ""))


def _measure(io, pipeline):
    """Measure what things cost here, those of a pipeline first, and keep it."""
    from .. import costs
    from ..engines.calibrate import Calibration

    measuring = Calibration(io, costs.load(io.threads))
    told = measuring.told(pipeline)
    place = costs.save(told, io.threads)
    if place is None:
        raise SweepError("there is no place to keep what was measured; name a file in $SWEEP_COSTS")
    left = f"; {measuring.left} commands are left for another time" if measuring.left else ""
    io.say(f"{len(told['tasks'])} operations measured with {io.threads} threads, kept in {place}{left}")
