"""The bench's arithmetic, comparisons and tables, on times that are made up; nothing is measured here."""

import numpy as np
import pytest

from bench import agree, bars, kept, memory, report
from bench.harness import COPY, OURS, PEER, Contest, Different, Row, Scale, Spent, Way, contest

SCALE = Scale("made up", 3, 10.0, 1, 1, (1, 1, 1), (1, 1, 1), (), (), ())


def way(name, role, seconds, out=0, same=None):
    """A way that takes these times, one after the other; the first is not counted."""
    left = iter(seconds)
    return Way(name, role, lambda: (lambda s: Spent(s, s / 2, out, int(s * 100)))(next(left)), same)


def of(key, ours, peer, copy, cpu=1.0):
    rows = (Row("ours", OURS, (Spent(ours, cpu),)), Row("slow", PEER, (Spent(9 * peer, 9 * cpu),)),
            Row("peer", PEER, (Spent(peer, 4 * cpu),), "equal"), Row("copy", COPY, (Spent(copy, cpu),)))  # fmt: skip
    return Contest("task", rows, 8_000_000, 0, key, ("absent",))


def same(ours, theirs):
    if ours != theirs:
        raise Different(f"{ours} and {theirs}")
    return "equal"


def test_rounds_are_counted_from_the_second_and_medians_compared(capsys):
    ways = [way("ours", OURS, [50, 1, 3, 2], 7), way("a", PEER, [50, 4, 4, 8], 7, same), way("b", PEER, [50, 11], 8, same),
            way("copy", COPY, [5, 1, 1, 1])]  # fmt: skip
    made = contest("task", ways, SCALE, 4_000_000)
    assert [len(row.spent) for row in made.rows] == [3, 3, 1, 3]            # b was out of patience after one
    assert (made.ours.seconds, made.ours.best, made.ours.most, made.ours.memory) == (2, 1, 3, 300)
    assert made.peer.name == "a" and made.times_peer() == 2 and made.times_copy() == 2
    assert made.rate(made.ours) == 2 and made.rate_per_core(made.ours) == 4
    assert [row.agrees for row in made.rows] == ["", "equal", "DIFFERENT: 7 and 8", ""]
    assert report.different([made]) == ["task: b: DIFFERENT: 7 and 8"]
    assert made.by_core().ours.seconds == 1
    assert capsys.readouterr().err == "bench: task\n"


def test_how_results_agree():
    a = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    b = a.copy()
    b[1, 2, 3] += 2
    assert agree.equal(a, a) == agree.within(0)(a, a) == "equal"
    assert agree.within(2)(a, b) == agree.few(0.05)(a, b) == "at most 2 apart, in 4.17%"
    assert agree.approximate(a, b).endswith("(another method)")
    for unlike in agree.equal, agree.within(1), agree.few(0.04), agree.labels:
        with pytest.raises(Different):
            unlike(a, b)
    with pytest.raises(Different, match="shapes"):
        agree.within(9)(a, a[:1])


def test_labels_agree_whatever_their_numbers():
    a, swap = np.array([0, 1, 2, 2], np.uint32), np.array([0, 2, 1], np.uint32)
    assert agree.labels(a, a.astype("u2")) == "equal"
    assert agree.labels(a, swap[a]) == "same parts, other numbers"
    for other in ([0, 1, 1, 2], [0, 0, 2, 1], [1, 1, 2, 2], [0, 1, 1, 1]):
        with pytest.raises(Different):
            agree.labels(a, np.array(other))


def test_of_several_contests_the_worst_decides_whether_a_bar_holds():
    at_least = bars.Bar("fast", "k", 5, bars.times_peer)
    found = [of("k", 1, 6, 1), of("k", 1, 5, 1), of("other", 1, 1, 1)]
    assert at_least.verdict(found) == ("fast", ">= 5x", "5x", "yes", "4x")
    assert at_least.verdict([of("k", 1, 6, 1), of("k", 1, 4.5, 1)])[2:4] == ("4.5x", "no")
    at_most = bars.Bar("slim", "k", 1.15, bars.as_long_as_copy, False)
    assert at_most.verdict([of("k", 1.1, 1, 1), of("k", 1.2, 1, 1)]) == ("slim", "<= 1.15x", "1.2x", "no", "1x")
    assert at_most.verdict([]) == ("slim", "<= 1.15x", "not measured", "-", "-")
    assert bars.Bar("none", "k", 1, bars.times_peer).verdict([Contest("t", of("k", 1, 1, 1).rows[:1], 1, 0, "k")])[3] == "-"


def test_every_bar_has_a_verdict_and_every_contest_its_rows(tmp_path):
    held = memory.Held("Gaussian", (64, 256, 1024), (50 << 20, 60 << 20, 66 << 20), (80 << 20,) * 3, 0, 70 << 20)
    found = kept.nothing() | {"said": ["Said."], "when": {"kernels": ["quick", 3, 5.0, 4.0]}}
    found |= {"kernels": [of("gauss uint8", 0.2, 8, 0.1)], "commands": [of("first", 1, 2, 1)]}
    found |= {"start": [of("start", 0.1, 1, 1)], "series": [held], "hard": [("spiral", "label", 1.234, 0.5)]}
    text = report.markdown(found)
    kept.save(found, tmp_path / "results.json")
    assert report.markdown(kept.load(tmp_path / "results.json")) == text
    assert "| Gaussian in memory, uint8, best peer | >= 30x | 40x | yes | 4x |" in text
    assert "| task | 40 | 8 | 50 % | peer 1 | slow 0.111; peer 1 (equal); absent missing | 40 |" in text
    assert "| task | ours | 1.00 (1.00 to 1.00), 1 | 8 | 8 | 0 | 2 | 1 |  |" in text and "|  | absent | missing |" in text
    assert "<= 70 MiB | 66 MiB | yes" in text and "<= 5% | 10% | no" in text
    assert "| spiral | label | 1.23 | 0.500 |" in text and "| Gaussian | 64 | 50 | 80 | 62% |" in text
    assert "Others kept the machine busy" in text and "not measured" in text and "Said." in text
    assert report.number(None) == "-" and report.number(1234.5) == "1234" and report.number(0.0567) == "0.0567"
