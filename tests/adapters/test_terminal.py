"""What people see: on a terminal, in a pipe, and never a secret."""

from __future__ import annotations

import io
import re

import pytest

from modelway.adapters.lines import Masks
from modelway.adapters.terminal import Terminal
from tests.fakes import FakeClock


class Screen(io.StringIO):
    """A stream that says it is a terminal, and can say what one would show."""

    encoding = "utf-8"

    def __init__(self, *, tty: bool) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    @property
    def shown(self) -> list[str]:
        """Lines as they look in the end: erased ones are gone, colours do not show."""
        lines = self.getvalue().split("\n")
        return [re.sub(r"\x1b\[\d*m", "", line.rpartition("\x1b[2K")[2]) for line in lines]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Seen:
    """A terminal and its two streams."""

    def __init__(self, clock: FakeClock, *, tty: bool) -> None:
        self.clock = clock
        self.out, self.err = Screen(tty=tty), Screen(tty=tty)
        self.reporter = Terminal(self.out, self.err, clock, Masks())


@pytest.fixture
def piped(clock: FakeClock) -> Seen:
    return Seen(clock, tty=False)


@pytest.fixture
def live(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Seen:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Seen(clock, tty=True)


def test_a_quiet_stage_is_one_line_with_its_duration(piped: Seen, clock: FakeClock) -> None:
    with piped.reporter.stage("Validate"):
        clock.sleep(1.24)
    assert piped.err.getvalue() == "✓ Validate  1.2 s\n"


def test_what_is_said_in_a_stage_stands_under_its_heading(piped: Seen) -> None:
    with piped.reporter.stage("Deploy"), piped.reporter.stage("Stage"):
        piped.reporter.note("made it")
    assert piped.err.getvalue().splitlines() == [
        "Deploy",
        "  Stage",
        "    made it",
        "    ✓ 0.0 s",
        "  ✓ 0.0 s",
    ]


def test_a_quiet_stage_within_a_stage_is_a_line_under_the_outer_heading(piped: Seen) -> None:
    with piped.reporter.stage("Deploy"), piped.reporter.stage("Stage"):
        pass
    assert piped.err.getvalue().splitlines() == ["Deploy", "  ✓ Stage  0.0 s", "  ✓ 0.0 s"]


def test_a_stage_that_fails_says_so_and_lets_the_failure_pass(piped: Seen) -> None:
    with pytest.raises(ValueError, match="no"), piped.reporter.stage("Build"):
        raise ValueError("no")
    assert piped.err.getvalue() == "✗ Build  0.0 s\n"


def test_after_a_stage_nothing_is_indented_any_more(piped: Seen) -> None:
    with piped.reporter.stage("Build"):
        piped.reporter.note("inside")
    piped.reporter.note("outside")
    assert piped.err.getvalue().splitlines()[-1] == "outside"


def test_progress_in_a_pipe_is_a_line_and_is_not_repeated(piped: Seen) -> None:
    for text in ("#1 pull", "#1 pull", "#2 run"):
        piped.reporter.progress(text)
    assert piped.err.getvalue() == "#1 pull\n#2 run\n"


def test_progress_in_a_pipe_counts_every_ten_seconds(piped: Seen) -> None:
    for number in range(25):
        piped.reporter.progress(f"Pushing {number} of 25 MiB")
        piped.clock.sleep(1)
    piped.reporter.progress("pushed")
    assert piped.err.getvalue().splitlines() == [
        "Pushing 0 of 25 MiB",
        "Pushing 10 of 25 MiB",
        "Pushing 20 of 25 MiB",
        "pushed",
    ]


def test_progress_on_a_terminal_replaces_itself_and_goes_away(live: Seen) -> None:
    with live.reporter.stage("Build"):
        live.reporter.progress("#1 pull")
        live.reporter.progress("#2 run")
    assert live.err.shown == ["✓ Build  0.0 s", ""]


def test_progress_stays_last_on_a_terminal(live: Seen) -> None:
    live.reporter.progress("waiting")
    live.reporter.note("a note")
    assert live.err.shown == ["a note", "waiting"]


def test_progress_never_wraps(live: Seen) -> None:
    live.reporter.progress("x" * 500)
    assert len(live.err.shown[0]) == 79


def test_no_escape_is_written_into_a_pipe(piped: Seen) -> None:
    with piped.reporter.stage("Build"):
        piped.reporter.progress("p")
        piped.reporter.warn("w")
        piped.reporter.error("e\nTo fix: f")
        piped.reporter.table("t", ["a"], [["b"]])
    assert "\x1b" not in piped.err.getvalue()


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colours_where_none_are_wanted(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    seen = Seen(clock, tty=True)
    seen.reporter.error("wrong")
    assert "\x1b[" not in seen.err.getvalue().replace("\x1b[2K", "")


def test_a_problem_names_its_place_as_compilers_do(piped: Seen) -> None:
    piped.reporter.warn("moves", file="a.yaml", line=3, column=7)
    piped.reporter.error("wrong\nexpected 1\nTo fix: write 1", file="a.yaml", line=4)
    assert piped.err.getvalue().splitlines() == [
        "a.yaml:3:7: warning: moves",
        "a.yaml:4: error: wrong",
        "  expected 1",
        "  To fix: write 1",
    ]


def test_long_notes_are_wrapped_on_a_terminal_and_whole_in_a_pipe(live: Seen, piped: Seen) -> None:
    for seen in (live, piped):
        with seen.reporter.stage("Push"):
            seen.reporter.note("word " * 30)
            seen.reporter.error("wrong " * 30)
    assert max(map(len, live.err.shown)) <= 80
    assert all(line.startswith("  ") for line in live.err.shown[1:-1])
    assert len(piped.err.getvalue().splitlines()) == 4


def test_what_is_to_be_typed_stays_on_one_line(live: Seen) -> None:
    live.reporter.note("  aws " + "option " * 20)
    live.reporter.error("wrong\nTo fix: sudo " + "word " * 20)
    assert [line.split()[0] for line in live.err.shown[:-1]] == ["aws", "error:", "To"]


def test_a_table_is_aligned(piped: Seen) -> None:
    piped.reporter.table("What ran", ["stage", "took"], [["build", "0.3 s"], ["a long stage", "11 s"]])
    assert piped.err.getvalue().splitlines() == [
        "What ran",
        "stage         took",
        "build         0.3 s",
        "a long stage  11 s",
    ]


def test_a_table_fits_the_terminal_and_is_whole_in_a_pipe(live: Seen, piped: Seen) -> None:
    row = ["build", "because " * 40]
    live.reporter.table("", ["stage", "why"], [row])
    piped.reporter.table("", ["stage", "why"], [row])
    assert max(map(len, live.err.shown)) <= 80
    assert ("because " * 40).strip() in piped.err.getvalue()


def test_columns_that_do_not_fit_stand_whole_under_their_row(live: Seen) -> None:
    head = ("severity", "finding", "package", "brought by", "why")
    why = "critical (CVSS 9.8 by nvd, and floors.critical is 9); fail_on is high"
    rows = [
        ("critical", "CVE-2023-30861", "flask", "examples/iris/requirements.txt:3", why),
        ("high", "CVE-2023-2", "zlib1g", "", "high; fail_on is high"),
    ]
    live.reporter.table("", head, rows)
    assert live.err.shown[-6:] == [
        "severity  finding         package  brought by",
        "critical  CVE-2023-30861  flask    examples/iris/requirements.txt:3",
        "  why: critical (CVSS 9.8 by nvd, and floors.critical is 9); fail_on is high",
        "high      CVE-2023-2      zlib1g",
        "  why: high; fail_on is high",
        "",
    ]


def test_only_data_goes_to_standard_output(piped: Seen) -> None:
    piped.reporter.note("a note")
    piped.reporter.summary("# nothing on a terminal")
    piped.reporter.output("result", "succeeded")
    piped.reporter.data('{"a": 1}')
    assert (piped.out.getvalue(), piped.err.getvalue()) == ('{"a": 1}\n', "a note\n")


def test_masked_text_is_shown_nowhere(piped: Seen) -> None:
    piped.reporter.mask("hunter22")
    with piped.reporter.stage("log in with hunter22"):
        piped.reporter.progress("hunter22")
        piped.reporter.note("hunter22")
        piped.reporter.error("hunter22")
        piped.reporter.table("hunter22", ["hunter22"], [["hunter22"]])
    piped.reporter.data("hunter22")
    assert "hunter22" not in piped.err.getvalue() + piped.out.getvalue()
    assert "***" in piped.out.getvalue()


def test_text_from_elsewhere_cannot_steer_the_terminal(piped: Seen) -> None:
    piped.reporter.note("\x1b[2J\x1b]0;title\x07gone")
    assert piped.err.getvalue() == "gone\n"
