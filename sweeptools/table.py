"""Answers as text and files: TSV, JSON lines, Parquet.

An answer is a dict: of numbers, which is one row, or of sequences of equal length, a column each. Integers stay
integers, floats are spelt in the shortest form that reads back equal. In TSV what is not a number is nan, inf, -inf;
in JSON, which has no such words, null stands for NaN and ±1e999, which reads back as infinity, for the infinities.
"""

import json
import math
from pathlib import Path

import numpy as np

from . import files
from .errors import UsageError

SUFFIXES = (".tsv", ".json", ".parquet")
ROWS = 1 << 12               # rows turned into text at a time


def columns(answer):
    """{name: sequence}, all of equal length."""
    cols = {name: v if np.ndim(v) or isinstance(v, (list, tuple)) else [v] for name, v in answer.items()}
    if len({len(v) for v in cols.values()}) > 1:
        raise ValueError(f"columns of unequal length: { {name: len(v) for name, v in cols.items()} }")
    return cols


def lines(answer, as_json=False):
    """The answer as text, in pieces of many rows."""
    cols = columns(answer)
    if not as_json:
        yield "\t".join(cols) + "\n"
    rows = len(next(iter(cols.values()), ()))
    for i in range(0, rows, ROWS):
        part = zip(*(_plain(col[i : i + ROWS]) for col in cols.values()))
        if as_json:
            objects = (", ".join(f"{json.dumps(k)}: {_json(v)}" for k, v in zip(cols, row)) for row in part)
            yield "".join(f"{{{words}}}\n" for words in objects)
        else:
            yield "".join("\t".join(map(_word, row)) + "\n" for row in part)


def check(path):
    """Refuse, before any work, a file that no answer can be written to."""
    if Path(path).suffix not in SUFFIXES:
        raise UsageError(f"{path}: an answer goes to a file that ends in one of {', '.join(SUFFIXES)}")
    if Path(path).suffix == ".parquet":
        _parquet()
    files.check(path)


def save(answer, path):
    """Write the answer to `path`, which appears when complete, its kind by its suffix."""
    check(path)
    with files.complete(path) as file:
        if Path(path).suffix == ".parquet":
            arrow, parquet = _parquet()
            made = arrow.table({k: np.asarray(v) for k, v in columns(answer).items()})
            parquet.write_table(made, file, row_group_size=1 << 16)
        else:
            for text in lines(answer, Path(path).suffix == ".json"):
                file.write(text.encode())


def _parquet():
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UsageError("parquet files need the package pyarrow: pip install 'sweeptools[parquet]'") from None
    return pyarrow, parquet


def _plain(values):
    """Python's own numbers; a float32 becomes the float64 it equals."""
    if isinstance(values, np.ndarray):
        return values.tolist()
    return [v.item() if isinstance(v, np.generic) else v for v in values]


def _word(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else repr(value) if isinstance(value, (int, float)) else " ".join(str(value).split("\t"))


def _json(value):
    if isinstance(value, float) and not math.isfinite(value):
        return "null" if math.isnan(value) else "1e999" if value > 0 else "-1e999"
    return json.dumps(value)
