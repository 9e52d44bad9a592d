"""The report of a run: of a pipe, from the parts of its stages, or of one process that was all of it."""

import json

from .. import __version__, files
from ..errors import SweepError


def of_pipe(stages, seconds):
    """The report of a pipe of processes."""
    total = lambda key: sum(stage.get(key, 0) for stage in stages)  # noqa: E731
    part = lambda key, none: next((s[key] for s in stages if key in s), none)  # noqa: E731
    return {
        "pipeline": " | ".join(f"sweep-{stage['name']}" for stage in stages),
        "version": __version__,
        "wall_s": round(seconds, 3),
        "predicted_s": None,                         # nobody planned it
        "peak_bytes": total("peak_bytes"),
        "predicted_peak_bytes": total("predicted_peak_bytes"),
        "baseline_bytes": total("baseline_bytes"),
        "sweeps": max(stage.get("sweeps", 1) for stage in stages),
        "groups": [[stage["name"]] for stage in stages],
        "tiles": 1,
        "spool_bytes": total("spool_bytes") + spooled([s.get(key, {}) for s in stages for key in ("read", "write")]),
        "handovers": len(stages) - 1,
        "copies": 2 * (len(stages) - 1),
        "read": read([part("read", {})]),
        "write": written([part("write", {})]),
        "stages": stages,
        "memory_items": [item for stage in stages for item in stage.get("memory_items", ())],
        "refused": None,
    }


def read(stats):
    """What was read of several sources: chunks opened against chunks that are there."""
    total = {key: sum(s.get(key, 0) for s in stats) for key in ("bytes", "chunks", "chunks_total")}
    amplification = round(total["chunks"] / total["chunks_total"], 4) if total["chunks_total"] else 1.0
    return {**total, "amplification": amplification}


def spooled(stats):
    """Bytes that sources and sinks put into temporary files, to read or write slices in another order."""
    return sum(s.get("spool_bytes", 0) for s in stats)


def written(stats):
    """What was written to several sinks."""
    names = ("bytes", "chunks", "chunks_rewritten", "files", "files_passed")
    return {key: sum(s.get(key, 0) for s in stats) for key in names}


def save(report, file):
    """As JSON, complete or not at all."""
    try:
        with files.complete(file) as opened:
            opened.write(json.dumps(report, indent=1, default=float).encode() + b"\n")
    except OSError as error:
        raise SweepError(f"{file} was not written: {error.strerror}") from None
