"""Help, pages and links say what the records say."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sweeptools import listing, mdoc, ops, page, usage, words
from sweeptools.params import Choice, Flag, Lengths, Number
from sweeptools.spec import op

HOME = Path(__file__).parent.parent
NAMES = ops.names()


def plain(text):
    """The words of a page or a help text, without macros, escapes and breaks."""
    for escape, char in {**{e: c for c, e in mdoc.COPIED.items()}, "\\&": "", "\\(dq": '"'}.items():
        text = text.replace(escape, char)
    text = re.sub(r"\\\[u([0-9A-F]+)\]", lambda m: chr(int(m[1], 16)), text)
    return " ".join(text.split())


@pytest.mark.parametrize("name", NAMES)
def test_a_record_says_all_it_must(name):
    record = ops.load(name)
    assert not usage.lacks(record)
    assert record.name == name, "file, function and command share one word"
    assert listing.facts(listing.OPS / f"{name.replace('-', '_')}.py") == (record.task, record.summary)


@pytest.mark.parametrize("name", NAMES)
def test_help_and_page_tell_every_parameter(name):
    record = ops.load(name)
    text, made = plain(usage.text(record, words.shared(record))), plain(page.page(record))
    for key, param in record.params.items():
        assert f" {usage.form(key, param)} " in text + " "
        assert f".It {plain(page._form(key, param))} " in made
        for fact in (param.help, *usage.facts(record, key, param)):
            assert fact in text and fact in made.replace(". ", ". "), (key, fact)
    for key, param in words.shared(record).items():
        assert usage.form(key, param) in text and usage.option(key) in made
    for line in usage.pipes(record):
        assert line in text and line in made
    assert record.summary in text and f".Nd {record.summary}" in made


@pytest.mark.parametrize("name", NAMES)
def test_examples_parse(name):
    record = ops.load(name)
    for example in record.examples:
        words.parse(record, usage.words(example))


def test_facts_of_a_parameter():
    @op("x", task="Windows")
    def made(src, dst, box, *, sigma: Lengths("width", low=0, high=9) = ((1.0, 1.0, 1.0), "px"),
             word: Choice("which", "a", "b") = "a", pair: Number("two", nargs=2, unit="%") = (0, 100),
             flag: Flag("or not") = False):  # fmt: skip
        pass

    told = {name: usage.facts(made, name, param) for name, param in made.params.items()}
    assert told["sigma"] == ["x last", "voxels, or a length with its unit", "0 to 9", "default 1.0,1.0,1.0px"]
    assert told["word"] == ["default a"]
    assert told["pair"] == ["%", "default 0 100"]
    assert told["flag"] == []
    assert usage.usage(made)[1:] == [
        "[--sigma Z,Y,X]", "[--word a|b]", "[--pair NUMBER NUMBER]", "[--flag]", "[--dtype TYPE]",
    ]  # fmt: skip


def test_words_that_a_page_could_take_for_requests():
    text = "It costs. 'quoted' \\n .Sh no\n\nkeep  this\n.TH x\n'\n\nends e.g. µm"
    lines = mdoc.prose(text)
    assert lines == [
        "It costs.", "\\&'quoted' \\en .Sh no", ".Bd -literal", "keep  this", "\\&.TH x", "\\(aq", ".Ed", ".Pp",
        "ends e.g.", "\\[u00B5]m",
    ]  # fmt: skip
    assert mdoc.word("N") == "\\&N" and mdoc.word("a b") == '"\\&a b"' and mdoc.word("A:B[:S]") == "\\&A:B[:S]\\&"


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
@pytest.mark.parametrize("path", sorted((HOME / "man").glob("sweep*.[157]")), ids=lambda path: path.name)
def test_pages_are_clean(path, tmp_path):
    file = tmp_path / path.name
    text = path.read_text()
    file.write_text(listing.with_table(text) if path.name == "sweep.1" else text)
    told = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(file)], capture_output=True, text=True)
    assert told.stdout == "" and told.returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_what_is_in_git_is_what_the_records_make(name):
    wanted, link = page.page(ops.load(name)), HOME / "bin" / f"sweep-{name}"
    path = HOME / "man" / f"sweep-{name}.1"
    assert path.exists() and path.read_text() == wanted, "run python -m sweeptools.page --write"
    assert link.is_symlink() and os.readlink(link) == "sweep"


def test_no_page_and_no_link_is_left_of_a_command_that_is_no_more():
    assert page.stale() == []


def test_writing_anew(tmp_path):
    for folder in ("man", "bin"):
        (tmp_path / folder).mkdir()
    old = tmp_path / "man" / "sweep-old.1"
    old.write_text(page.MADE.format(stem="old") + "\n")
    (tmp_path / "bin" / "sweep-old").symlink_to("sweep")
    (tmp_path / "man" / "sweep-stream.5").write_text("by hand")
    changed = page.write(tmp_path)
    assert len(changed) == 2 * len(NAMES) + 2 and not old.exists() and not (tmp_path / "bin" / "sweep-old").is_symlink()
    assert (tmp_path / "man" / "sweep-stream.5").exists() and page.write(tmp_path) == []


def test_the_table_of_commands_names_them_all():
    text = listing.with_table((HOME / "man" / "sweep.1").read_text())
    for name in NAMES:
        assert f".It Xr sweep-{name} 1\n{ops.load(name).summary}\n" in text
    with pytest.raises(ValueError, match="mark"):
        listing.with_table("no mark")


def test_a_declaration_without_its_words_is_told(tmp_path):
    path = tmp_path / "odd.py"
    path.write_text("@op(SUMMARY, task='Windows')\ndef odd(src, dst, box):\n    pass\n")
    with pytest.raises(ValueError, match="in so many words"):
        listing.facts(path)
