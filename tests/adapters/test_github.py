"""Inside a workflow: commands the runner reads as we mean them, and none that is not ours.

The runner is played by ``parse``, written from actions/runner ``ActionCommand.cs``.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.adapters.github import GitHub
from modelway.adapters.lines import Masks
from modelway.core.workflow_commands import escape_data, escape_property
from tests.fakes import FakeClock

_COMMAND = re.compile(r"::(?P<name>[a-z-]+)(?: (?P<properties>[^:]*))?::(?P<data>.*)")


def unescape(text: str, *, properties: bool) -> str:
    """As the runner reads a command's text, ``ActionCommand.cs`` ``Unescape...``."""
    pairs = [("%0D", "\r"), ("%0A", "\n")]
    pairs += [("%3A", ":"), ("%2C", ",")] if properties else []
    for escaped, sign in [*pairs, ("%25", "%")]:
        text = text.replace(escaped, sign)
    return text


Command = tuple[str, dict[str, str], str]


def parse(log: str) -> list[Command]:
    """The commands a runner would carry out: both dialects, leading blanks allowed, fences respected."""
    found: list[Command] = []
    fence: str | None = None
    for line in log.splitlines():
        text = line.lstrip()
        if fence is not None:
            fence = None if text.strip() == f"::{fence}::" else fence
            continue
        if command := _COMMAND.match(text):
            pairs = [p.split("=", 1) for p in (command["properties"] or "").split(",") if p]
            properties = {k: unescape(v, properties=True) for k, v in pairs}
            if command["name"] == "stop-commands":
                fence = command["data"]
            else:
                found.append((command["name"], properties, unescape(command["data"], properties=False)))
        elif "##[" in line:
            found.append(("old dialect", {}, line))
    return found


class Job:
    """A reporter, the streams and the files of its step."""

    def __init__(self, folder: Path | None = None) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.clock = FakeClock()
        self.summary = folder / "summary" if folder else None
        self.outputs = folder / "outputs" if folder else None
        self.reporter = GitHub(
            self.out, self.err, self.clock, Masks(), summary_file=self.summary, output_file=self.outputs
        )

    @property
    def log(self) -> str:
        return self.err.getvalue()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_a_stage_is_a_group_with_its_duration(job: Job) -> None:
    with job.reporter.stage("Build"):
        job.clock.sleep(2)
    assert job.log.splitlines() == ["::group::Build", "::endgroup::", "Build: done in 2.0 s"]


def test_a_stage_within_a_stage_opens_no_second_group(job: Job) -> None:
    with job.reporter.stage("Deploy"), job.reporter.stage("Shift"):
        pass
    assert [name for name, _, _ in parse(job.log)] == ["group", "endgroup"]


def test_a_stage_that_fails_closes_its_group(job: Job) -> None:
    with pytest.raises(ValueError, match="no"), job.reporter.stage("Build"):
        raise ValueError("no")
    assert job.log.splitlines()[1:] == ["::endgroup::", "Build: FAILED in 0.0 s"]


def test_an_annotation_stands_on_its_line(job: Job) -> None:
    job.reporter.error("wrong\nTo fix: this", file="model-configs/a.yaml", line=3, column=7)
    place = {"file": "model-configs/a.yaml", "line": "3", "col": "7"}
    assert parse(job.log) == [("error", place, "wrong\nTo fix: this")]


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1))
def test_any_file_name_comes_through_and_only_as_a_file_name(name: str) -> None:
    job = Job()
    job.reporter.warn("text", file=name)
    assert parse(job.log) == [("warning", {"file": name}, "text")]


@given(st.text(alphabet=":,%\r\n0DA253C=#[]abc "))
def test_escaping_is_undone_by_the_runner(text: str) -> None:
    assert unescape(escape_property(text), properties=True) == text
    assert unescape(escape_data(text), properties=False) == text
    assert not set(escape_property(text)) & set(":,\r\n")


HOSTILE = st.lists(
    st.sampled_from(
        [
            "::set-output name=a::b",
            "::add-mask::x",
            "##[set-env]",
            "\r",
            "\n",
            " ",
            "\u2028",
            "\x0b",
            "\x1b[1m",
            *("::stop-commands::t", "::t::", "::endgroup::", "text", ":", "\u00a0", "\x85", "\x0c"),
        ]
    )
).map("".join)


@given(HOSTILE)
def test_text_from_elsewhere_never_becomes_a_command(text: str) -> None:
    job = Job()
    job.reporter.note(text)
    job.reporter.progress(text)
    job.reporter.table(text, ["a"], [[text]])
    assert parse(job.log) == []


@given(HOSTILE)
def test_a_hostile_title_only_names_its_group(text: str) -> None:
    job = Job()
    with job.reporter.stage(text):
        pass
    assert [name for name, _, _ in parse(job.log)] == ["group", "endgroup"]


@given(HOSTILE)
def test_hostile_data_never_becomes_a_command(text: str) -> None:
    job = Job()
    job.reporter.data(text)
    assert parse(job.out.getvalue()) == []


def test_data_that_is_json_stays_the_same_json(job: Job) -> None:
    value = {"log": "##[add-mask]x", "more": ["::set-output::"]}
    job.reporter.data(json.dumps(value, indent=2))
    assert json.loads(job.out.getvalue()) == value
    assert "##[" not in job.out.getvalue()


def test_an_innocent_line_needs_no_fence(job: Job) -> None:
    job.reporter.note("std::vector is fine")
    assert job.log == "std::vector is fine\n"


def test_fences_cannot_be_guessed() -> None:
    logs = []
    for _ in range(2):
        job = Job()
        job.reporter.note("::error::x")
        logs.append(job.log)
    assert logs[0] != logs[1]


def test_past_ten_annotations_the_rest_is_in_the_log_and_the_last_says_so(job: Job) -> None:
    for number in range(12):
        job.reporter.error(f"problem {number}", file="a.yaml", line=number + 1)
    commands = parse(job.log)
    assert len(commands) == 10
    assert "log" in commands[-1][2]
    assert "a.yaml:12:0: error: problem 11" in job.log


def test_an_output_cannot_make_another_output(job: Job) -> None:
    job.reporter.output("digest", "sha256:1\nEOF\nadmin<<EOF\ntrue")
    assert job.outputs is not None
    text = job.outputs.read_text()
    delimiter = text.partition("<<")[2].partition("\n")[0]
    assert re.fullmatch(r"modelway-[0-9a-f]{32}", delimiter)
    assert text == f"digest<<{delimiter}\nsha256:1\nEOF\nadmin<<EOF\ntrue\n{delimiter}\n"


def test_a_table_is_in_the_summary_too_and_cells_cannot_break_it(job: Job) -> None:
    job.reporter.table("What ran", ["stage", "why"], [["a|b", "<img src=x>"]])
    assert job.summary is not None
    assert job.summary.read_text() == (
        "### What ran\n\n| stage | why |\n| --- | --- |\n| a\\|b | \\<img src\\=x\\> |\n\n"
    )


def test_a_summary_too_large_for_github_is_cut_visibly_and_once(job: Job) -> None:
    assert job.summary is not None
    for _ in range(5):
        job.reporter.summary("ü" * 300_000)
    text = job.summary.read_bytes()
    assert len(text) <= 1024 * 1024
    assert text.decode().count("Shortened here") == 1


def test_a_secret_is_masked_before_it_can_appear_and_once(job: Job) -> None:
    job.reporter.mask("hunter22\nsecond line")
    job.reporter.mask("hunter22")
    job.reporter.note("password hunter22")
    masks = [data for name, _, data in parse(job.log) if name == "add-mask"]
    assert {"hunter22", "hunter22\nsecond line", "second line", "aHVudGVyMjIKc2Vjb25kIGxpbmU="} <= {*masks}
    assert len(masks) == len({*masks})
    assert job.log.endswith("password ***\n")


def test_an_account_id_is_never_masked_for_outputs_that_hold_it_would_vanish(job: Job) -> None:
    job.reporter.mask("333333333333")
    job.reporter.note("333333333333.dkr.ecr.eu-west-1.amazonaws.com")
    assert job.log == "333333333333.dkr.ecr.eu-west-1.amazonaws.com\n"


def test_a_cut_summary_leaves_nothing_open(job: Job) -> None:
    assert job.summary is not None
    log = "\n".join(f"line {number}" for number in range(200_000))
    job.reporter.summary(f"<details>\n\n```text\n{log}\n```\n\n</details>")
    job.reporter.summary("one more")
    text = job.summary.read_text()
    assert len(text.encode()) <= 1024 * 1024
    assert text.count("\n```") == 2
    assert text.count("<details>") == text.count("</details>") == 1
    assert text.count("Shortened here") == 1


def test_without_the_files_of_a_workflow_nothing_is_written() -> None:
    job = Job()
    job.reporter.summary("text")
    job.reporter.output("a", "b")
    assert job.log == ""
