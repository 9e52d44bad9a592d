"""The plan: words as bash reads them, the same memory as the run, refusals that name what is enough, nothing left behind."""

import json
import os
import shlex
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from sweeptools import cli, volumes
from sweeptools.errors import UsageError
from sweeptools.plan import shell
from sweeptools.plan.build import same_file

LINES = [                                            # what bash makes of these words is the oracle
    "a 'b c' \"d e\" f\\ g 'h'\"i\"j k=l", "\"$X\" $X $X$Y x$Y\"$X\"z ${Y} \"${Y}s\"", "~ ~/a '~' \"~\" a~",
    "1 -2.5 -1e3 -inf 0:64,-512:,: ::2,:,1: -10: 1.5um ball:2 --range -10: --chunks=1,2,3",
    "'a \"b\" $X' \"a 'b' \\\"c\\\" \\$X \\\\ \\n\"",
    "a*2+1 a?b [x]y none*", "*.tif 'd*' d*.zarr \"d\"*", "\"\" '' a''b", "é 'ü ü' \"µ$Y\"", "a\\\nb c",
    "f='sweep-gauss 1' \"g=x y\"",
    "# nothing", "a # b", "a#b",
]  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with a volume v.zarr."""
    monkeypatch.chdir(tmp_path)
    made = "sweep-synth blobs --shape 21,30,34 --dtype uint16 --spacing 2,1,1um --period 8"
    assert cli.main(["sweep-run", f"{made} | sweep-write v.zarr --chunks 8,16,16"]) == 0
    return tmp_path


def plan(capfd, text, *options, status=0):
    """The plan of a pipeline as JSON."""
    assert cli.main(["sweep-plan", text, "--json", *options]) == status
    return json.loads(capfd.readouterr().out)


def test_words_are_those_of_bash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.tif", "a 1.tif", "d1.zarr", "dd.zarr"):
        Path(name).touch()
    for name, value in (("X", "two words"), ("Y", "y")):
        monkeypatch.setenv(name, value)
    script = "say() { printf '%s\\0' \"$@\"; echo; }\n" + "\n".join(f"say {line}" for line in LINES)
    said = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    for line, words in zip(LINES, said.split("\n"), strict=False):
        (command,) = shell.commands(f"sweep-x {line}")
        assert list(command.words) == words.split("\0")[:-1] or words == "\0" and command.words == (), line


@pytest.mark.parametrize("text, said", [
    ("", "the pipeline is empty"), ("# a", "the pipeline is empty"), ("a | b", "'a' is no command of sweeptools"),
    ("sweep-a | ssh b sweep-c", "'ssh b sweep-c' is no command"), ("sweep-a > b", "files are written by sweep-write"),
    ("sweep-a 2>&1", "files are written"), ("sweep-a; sweep-b", "more than one pipeline"),
    ("sweep-a && sweep-b", "one pipeline"),
    ("sweep-a &", "more than one pipeline"), ("sweep-a |& sweep-b", "messages into the stream"),
    ("! sweep-a", "leave the ! out"),
    ("sweep-a $(b)", "would have to be run"), ("sweep-a \"x $(b)\"", "would have to be run"),
    ("sweep-a `b`", "have to be run"),
    ("sweep-a {b,c}", "write the words out"), ("sweep-a $((1+2))", "export that"), ("sweep-a ${X:-3}", "in a shell"),
    ("sweep-a $NOT_SET_HERE", "is not set; export it"), ("X=1 sweep-a", "export it before"),
    ("sweep-a 'b", "cannot be understood"),
    ("for i in a; do sweep-b; done", "run the line in a shell"), ("sweep-a $'b'", "plain quotes"),
    ("sweep-a (b)", "understood"),
])  # fmt: skip
def test_what_is_not_ours_is_named_and_refused(text, said):
    with pytest.raises(UsageError, match=r"(?s)") as error:
        shell.commands(text)
    assert said in str(error.value)


def test_sweep_name_is_sweep_space_name():
    one, two = shell.commands("sweep read v | /usr/bin/sweep-gauss 1")
    assert (one.name, one.words, two.name) == ("read", ("v",), "gauss")


def test_the_plan_has_the_names_and_the_memory_of_the_run(here, capfd):
    text = "sweep-read v.zarr | sweep-gauss 1 | sweep-otsu | sweep-tee m.zarr | sweep-label -q | sweep-write l.zarr"
    before = sorted(os.listdir("."))
    told = plan(capfd, text)
    assert sorted(os.listdir(".")) == before
    assert cli.main(["sweep-run", text, "-q", "--report", "r.json"]) == 0
    ran = json.loads(Path("r.json").read_text())
    assert set(ran) - {"wall_s", "version", "peak_bytes"} <= set(told)
    assert told["memory_items"] == ran["memory_items"]
    for name in ("sweeps", "groups", "handovers", "copies", "tiles"):
        assert told[name] == ran[name], name
    assert told["read"]["bytes"] == ran["read"]["bytes"] and ran["read"]["amplification"] == 1.0
    assert told["write"]["files"] >= ran["write"]["files"]
    for one, two in zip(told["stages"], ran["stages"], strict=True):
        assert {n: one[n] for n in ("name", "depth", "halo")} == {n: two[n] for n in ("name", "depth", "halo")}


def test_a_person_reads_it_in_one_look(here, capfd):
    text = "sweep-read v.zarr | sweep-gauss 2 | sweep-clip 3 90 | sweep-invert | sweep-otsu | sweep-write m.zarr"
    assert cli.main(["sweep-plan", text, "-v", "--svg", "p.svg"]) == 0
    said = capfd.readouterr().out
    first = said.splitlines()
    assert first[0].split() == "stage extent halo depth shape type held sweep".split()
    assert [line.split()[0] for line in first[1:7]] == "read gauss clip invert otsu write".split()
    assert first[2].split()[2] == "8,8,8" and max(map(len, first[:12])) < 130
    for sentence in ("- v.zarr is read in 2 sweeps", "- clip and invert are one pass over each block", "- m.zarr: ",
                     "the interpreter and its libraries", "depth: window of"):  # fmt: skip
        assert sentence in said
    words = " ".join(node.text or "" for node in ElementTree.parse("p.svg").iter())
    assert all(word in words for word in ("gauss: depth", "otsu: above", "write: m.zarr", "sweep 2", "21x30x34 uint16"))


def test_the_plan_refuses_what_the_run_would(here, capfd):
    text = "sweep-read v.zarr | sweep-gauss 2 | sweep-write {}"
    assert cli.main(["sweep-plan", text.format("v.zarr")]) == 3
    assert "v.zarr exists; use --overwrite" in capfd.readouterr().err
    told = plan(capfd, text.format("x.zarr"), "--memory", "1M", status=3)
    least = told["refused"]["smallest_budget_bytes"]
    enough = least + (1 << 20)                       # this process grows from one run to the next
    assert plan(capfd, text.format("x.zarr"), "--memory", str(enough))["predicted_peak_bytes"] <= enough
    assert cli.main(["sweep-run", text.format("x.zarr"), "-q", "--memory", str(enough)]) == 0


def test_a_petabyte_that_does_not_exist(here, capfd):
    text = "sweep-read none.zarr | sweep-gauss 2 | sweep-median 3 | sweep-erode ball:2 | sweep-otsu | sweep-write n.zarr"
    told = plan(capfd, text, "--assume", "20000,250000,280000:uint8", "--memory", "900T")
    assert told["read"]["bytes"] == 2 * 20000 * 250000 * 280000 and told["stages"][1]["shape"] == [20000, 250000, 280000]
    refused = plan(capfd, text, "--assume", "20000,250000,280000:uint8", "--memory", "4G", status=3)["refused"]
    assert refused["smallest_budget_bytes"] > 1 << 42 and "none.zarr" in refused["why"]
    assert cli.main(["sweep-plan", text, "--assume", "20,30"]) == 2
    assert "must be Z,Y,X:DTYPE[:CHUNKS]" in capfd.readouterr().err


@pytest.mark.parametrize("middle, expected, origin, fewer", [
    ("sweep-crop 3:12,:,4:20", lambda v: v[3:12, :, 4:20], (6, 0, 4), True),
    ("sweep-clip 3 90 | sweep-threshold 5 | sweep-crop 8:16:2,:,:", lambda v: v[8:16:2] >= 5, (16, 0, 0), True),
    ("sweep-clip 3 90 | sweep-crop 3:12,:,: | sweep-crop 1:2,:,:", lambda v: v[4:5].clip(3, 90), (8, 0, 0), True),
    ("sweep-median 1 | sweep-erode box:1,1,3 | sweep-crop 3:12,:,1:-1",
     lambda v: np.minimum(np.minimum(v[3:12, :, :-2], v[3:12, :, 1:-1]), v[3:12, :, 2:]), (6, 0, 1), False),
    ("sweep-tee all.npy | sweep-crop 3:12,:,:", lambda v: v[3:12], (6, 0, 0), False),
])  # fmt: skip
def test_what_a_crop_drops_is_not_read(middle, expected, origin, fewer, here):
    text = f"sweep-read v.zarr | {middle} | sweep-write a.zarr"
    assert cli.main(["sweep-run", text, "-q", "--report", "r.json"]) == 0
    read = json.loads(Path("r.json").read_text())["read"]["bytes"]
    assert (read < 21 * 30 * 34 * 2) == fewer
    assert np.array_equal(voxels("a.zarr"), expected(voxels("v.zarr")))
    assert volumes.open("a.zarr").head.origin == origin


def voxels(path):
    source = volumes.open(path)
    return np.concatenate([block.array(source.head).copy() for block in source.blocks("up")])


def test_what_undoes_itself_is_left_out(here, capfd):
    told = plan(capfd, "sweep-read v.zarr | sweep-invert | sweep-invert | sweep-write a.zarr")
    assert "invert after invert is left out: it undoes itself" in told["decisions"]
    assert not any("invert" in item["what"] for item in told["memory_items"])
    assert cli.main(["sweep-run", "sweep-read v.zarr | sweep-invert | sweep-invert | sweep-write a.zarr"]) == 0
    assert cli.main(["sweep-compare", "a.zarr", "v.zarr"]) == 0
    assert [e["command"] for e in volumes.open("a.zarr").head.history] == ["synth", "read", "invert", "invert"]


def test_the_same_file_by_two_names(here):
    os.symlink("v.zarr", "w.zarr")
    assert same_file("w.zarr") == same_file("./v.zarr") == str(here / "v.zarr") and same_file("x:0") == "x:0"
    assert shlex.split(" ".join(shell.commands("sweep-read 'v w.zarr'")[0].words)) == ["v", "w.zarr"]
