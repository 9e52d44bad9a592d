"""From words to parameters, from errors to exit status."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sweeptools import __version__, cli, ops, usage
from sweeptools import words as reading
from sweeptools.errors import Corrupt, Interrupted, Refused, SweepError, Upstream, UsageError
from sweeptools.options import Options
from sweeptools.params import Arg, Choice, Count, Flag, Lengths, Number, Pipelines, Range, Ranges, Value
from sweeptools.params import Volume as Another
from sweeptools.params import Volumes as Named
from sweeptools.spec import op

HOME = Path(__file__).parent.parent
EXAMPLES = ("1", "2", "3")


@op("a window", task="Windows", examples=EXAMPLES, edges=True)
def window(src, dst, box, *, sigma: Arg(Lengths, "reach", low=0), high: Arg(Value, "top") = 7.0,
           order: Count("order", low=0, high=3) = 0, range_: Range("part") = None,
           print: Flag("print", short="p") = False,
           percent: Number("two", nargs=2, low=0, high=100) = (0, 100), box_: Ranges("box") = None):  # fmt: skip
    """Do nothing."""


@op("several", task="Streams and flow", examples=EXAMPLES)
def several(src, dst, box, *, other: Arg(Another, "another", multiple=True), let: Named("by name") = (),
            via: Pipelines("by pipeline") = (), kind: Choice("which", "a", "b") = "a"):  # fmt: skip
    """Do nothing."""


@op("needs an option", task="Tools", examples=EXAMPLES, kind="tool")
def needy(*, count: Count("how many")):
    """Do nothing."""


@op("an answer", task="Answers", examples=EXAMPLES, output="table", kind="tool")
def answer(*, word: Arg(Value, "a value") = 0):
    """Do nothing."""


@pytest.mark.parametrize(
    "words, params",
    [
        ("2", {"sigma": ((2.0, 2.0, 2.0), "px")}),
        ("1,2,2um", {"sigma": ((1.0, 2.0, 2.0), "micrometer")}),
        ("2 -1000", {"sigma": ((2.0,) * 3, "px"), "high": -1000}),
        ("2 -inf", {"sigma": ((2.0,) * 3, "px"), "high": float("-inf")}),
        ("2 -1e-3", {"sigma": ((2.0,) * 3, "px"), "high": -1e-3}),
        ("-.5 --order 1", "sigma is -0.5 px, must be at least 0"),
        ("2 --range -10:", {"sigma": ((2.0,) * 3, "px"), "range_": (-10, None, 1)}),
        ("2 --range=-10:-2", {"sigma": ((2.0,) * 3, "px"), "range_": (-10, -2, 1)}),
        ("--box -10:,:,-3:-1 2", {"sigma": ((2.0,) * 3, "px"), "box_": ((-10, None, 1), (None, None, 1), (-3, -1, 1))}),
        ("2 -p", {"sigma": ((2.0,) * 3, "px"), "print": True}),
        ("2 --print --percent 2 98.5", {"sigma": ((2.0,) * 3, "px"), "print": True, "percent": (2, 98.5)}),
        ("2 --mode wrap --cval -1 --dtype uint8",
         {"sigma": ((2.0,) * 3, "px"), "mode": "wrap", "cval": -1, "dtype": "uint8"}),
        ("--order 1 --order 2 2", {"sigma": ((2.0,) * 3, "px"), "order": 2}),
        ("-- 2 -5", {"sigma": ((2.0,) * 3, "px"), "high": -5}),
        ("", "SIGMA is missing: reach"),
        ("2 3 4", "'4' is one argument too many"),
        ("2 3 -4um", "'-4um' is one argument too many"),
        ("2 --order 4", "order is 4, must be at most 3"),
        ("2 --oder 4", "there is no option --oder, did you mean --order?"),
        ("2 -x", "there is no option -x"),
        ("2 --order", "option '--order' requires an argument"),
        ("2 --percent 3", "option '--percent' requires 2 arguments"),
        ("2 --percent 3 101", "percent is 101, must be at most 100"),
        ("2 --print=3", "option '--print' does not take a value"),
        ("2 --mode sideways", "mode is 'sideways', must be one of reflect, nearest, mirror, constant, wrap"),
    ],
)  # fmt: skip
def test_words_become_parameters(words, params):
    if isinstance(params, dict):
        assert reading.parse(window, usage.words(words)) == params
    else:
        with pytest.raises(UsageError, match="^" + params.replace("?", r"\?") + "$"):
            reading.parse(window, usage.words(words))


def test_what_may_be_given_more_than_once():
    words = usage.words("x.zarr - y.h5:/a --let m=a.zarr --let 'n=b c.h5:/x' --via f='sweep-gauss 1'")
    assert reading.parse(several, words) == {
        "other": ["x.zarr", "-", "y.h5:/a"],
        "let": [("m", "a.zarr"), ("n", "b c.h5:/x")],
        "via": [("f", "sweep-gauss 1")],
    }
    with pytest.raises(UsageError, match="OTHER is missing"):
        reading.parse(several, ["--let", "m=a"])
    with pytest.raises(UsageError, match="let is '3m=a', must be NAME=ADDRESS"):
        reading.parse(several, ["x", "--let", "3m=a"])


def test_options_without_a_default_are_needed():
    assert reading.parse(needy, ["--count", "-3"]) == {"count": -3}
    with pytest.raises(UsageError, match="--count is missing: how many"):
        reading.parse(needy, [])


def test_shared_options():
    params, given = reading.split(answer, usage.words("-5 --memory 1.5G --threads 3 -q --no-history --json --pass f.tsv"))
    assert params == {"word": -5}
    told = Options.of(given)
    assert (told.memory, told.threads, told.quiet, told.history) == (3 << 29, 3, True, False)
    assert (told.json, told.pass_, told.out, told.progress) == (True, "f.tsv", None, "off")
    assert "json" in reading.shared(window), "a command that can print has the options of answers"
    assert "json" not in reading.shared(several)
    for words in ("--memory 0", "--memory 8X", "--threads 0", "--progress loud"):
        with pytest.raises(UsageError):
            reading.split(answer, words.split())


@pytest.mark.parametrize(
    "raised, status, said",
    [
        (SweepError("no"), 1, "sweep-window: no\n"),
        (UsageError("no"), 2, "sweep-window: no\n"),
        (Refused("no"), 3, "sweep-window: no\n"),
        (Corrupt("no"), 4, "sweep-window: no\n"),
        (Upstream("sweep-gauss", "no", 3), 3, ""),
        (Interrupted(15), 143, ""),
        (KeyboardInterrupt(), 130, ""),
        (FileNotFoundError(2, "No such file", "x.zarr"), 1, "sweep-window: x.zarr: no such file\n"),
        (MemoryError(), 1,
         "sweep-window: out of memory; take less of the volume with sweep-read --box, or fewer --threads\n"),
    ],
)  # fmt: skip
def test_errors_become_an_exit_status(monkeypatch, capsys, raised, status, said):
    def fail(op, params, options):
        raise raised

    monkeypatch.setattr("sweeptools.engines.pipe.run", fail)
    assert cli.command(window, ["2"]) == status
    assert capsys.readouterr().err == said


def test_our_own_bug_is_a_traceback(monkeypatch):
    monkeypatch.setattr("sweeptools.engines.pipe.run", lambda *args: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        cli.command(window, ["2"])


def test_the_end_of_a_pipe_adds_that_it_has_nothing(monkeypatch, capsys):
    def fail(op, params, options):
        raise Upstream("sweep-gauss", "sigma is odd")

    monkeypatch.setattr("sweeptools.engines.pipe.run", fail)
    assert cli.command(answer, ["2"]) == 1
    assert capsys.readouterr().err == "sweep-answer: no answer: sweep-gauss failed: sigma is odd\n"


def test_a_record_that_says_too_little_does_not_start(capsys):
    @op("", task="Window", examples=("1",))
    def silent(src, dst, box):
        pass

    assert cli.command(silent, ["--help"]) == 1
    assert capsys.readouterr().err == (
        "sweep-silent: the record of silent has no summary, docstring, task, three examples\n"
    )


# ------------------------------------------------------------------ as processes


def sweep(*words, **how):
    env = {**os.environ, "PYTHONPATH": str(HOME)}
    how = {"stdin": subprocess.DEVNULL, "env": env, "capture_output": True, "text": True, "timeout": 60, **how}
    return subprocess.run([sys.executable, "-m", "sweeptools", *words], **how)


def test_the_name_of_the_program_is_the_command(tmp_path):
    link = tmp_path / "sweep-synth"
    link.symlink_to(HOME / "bin" / "sweep")
    told = subprocess.run([str(link), "--version"], capture_output=True, text=True, timeout=60)
    assert told.stdout == f"sweep-synth {__version__}\n" and told.returncode == 0


def test_every_command_is_also_a_word_of_sweep():
    assert sweep("synth", "--version").stdout == f"sweep-synth {__version__}\n"
    assert sweep("--version").stdout == f"sweep {__version__}\n"


def test_help_lists_every_command_by_task():
    told = sweep("--help")
    assert told.returncode == 0
    for name in ops.names():
        assert f"\n  {name} " in told.stdout
    assert sweep("help").stdout == told.stdout and sweep("help", "synth").stdout == sweep("synth", "--help").stdout
    assert sweep().returncode == 2


def test_a_mistyped_command_suggests_the_nearest():
    told = sweep("sinth")
    assert (told.returncode, told.stderr) == (
        2, "sweep: there is no command sinth, did you mean synth? see sweep --help\n",
    )  # fmt: skip


def test_help_is_the_same_whatever_the_terminal():
    wide = sweep("synth", "--help", env={**os.environ, "PYTHONPATH": str(HOME), "COLUMNS": "200", "LANG": "C"})
    assert wide.returncode == 0 and wide.stdout == sweep("synth", "--help").stdout


def test_a_closed_pipe_ends_the_writer_silently():
    words = [sys.executable, "-m", "sweeptools", "synth", "noise", "--shape", "2000,256,256"]
    env = {**os.environ, "PYTHONPATH": str(HOME)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as process:
        process.stdout.read(100)
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""


def test_a_signal_ends_a_command_within_a_second():
    words = [sys.executable, "-m", "sweeptools", "synth", "noise", "--shape", "1000000,256,256"]
    env = {**os.environ, "PYTHONPATH": str(HOME)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as process:
        process.stdout.read(1 << 20)
        process.terminate()
        while process.stdout.read(1 << 20):
            pass
        assert process.wait(60) == 143
        assert process.stderr.read() == b""


def test_a_terminal_on_stdout_is_refused():
    main, end = pty.openpty()
    told = sweep("synth", "noise", "--shape", "3", stdout=end, capture_output=False, stderr=subprocess.PIPE)
    os.close(end)
    os.close(main)
    assert told.returncode == 2 and "a terminal cannot show" in told.stderr


def test_nothing_said_and_a_terminal_on_stdin_gives_help():
    main, end = pty.openpty()
    told = sweep("cast", stdin=end)
    os.close(end)
    os.close(main)
    assert told.returncode == 2 and "usage: sweep-cast" in told.stderr and told.stdout == ""
