"""Every way a command can end: what people read, what a workflow reads, and the exit code."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from modelway import __main__ as entry
from modelway import __version__, commands, errors

ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1"}


@pytest.fixture(autouse=True)
def _same_signals() -> Iterator[None]:
    """The handler ``main`` sets is for its own process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository to stand in."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ending(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> int:
    """Run a command that ends with an error, or well."""
    command = ModuleType("modelway.commands.fake", "A command that only ends.")

    def run(_options: object, _world: object) -> None:
        if error:
            raise error

    setattr(command, "arguments", lambda parser: parser.add_argument("--number", type=int))  # noqa: B010
    setattr(command, "run", run)  # noqa: B010
    monkeypatch.setitem(sys.modules, "modelway.commands.fake", command)
    monkeypatch.setattr(commands, "VERBS", {**commands.VERBS, "fake": ("fake", "only ends")})
    monkeypatch.setattr(entry, "VERBS", commands.VERBS)
    return entry.main(["fake"])


FAILURES = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Failure)
]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("kind", FAILURES, ids=lambda kind: kind.__name__)
def test_a_failure_ends_with_its_own_code_and_all_three_parts(
    kind: type[errors.Failure], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, kind("It broke", seen="Expected 1, got 2.", cure="write 1")) == kind.exit_code
    assert capsys.readouterr() == ("", "error: It broke\n  Expected 1, got 2.\n  To fix: write 1\n")


def test_a_failure_says_how_it_ended_in_plain_words() -> None:
    assert [kind.ending() for kind in (errors.Blocked, errors.NotEvaluated)] == ["blocked", "not evaluated"]


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("error", "code", "result"),
    [
        (None, 0, "succeeded"),
        (errors.Unhealthy("sick"), 6, "rolled_back"),
        (errors.Superseded("late"), 10, "superseded"),
        (ZeroDivisionError("odd"), 1, "failed"),
    ],
)
def test_a_workflow_gets_the_result_and_an_annotation(
    error: Exception | None,
    code: int,
    result: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    assert ending(monkeypatch, error) == code
    assert re.fullmatch(rf"result<<(\S+)\n{result}\n\1\n", (tmp_path / "outputs").read_text())
    assert ("::error::" in capsys.readouterr().err) == (error is not None)


@pytest.mark.parametrize(
    "case",
    [
        "analysis-on-sagemaker",
        "pause-on-sagemaker",
        "serverless-canary",
        "lambda-rolling",
        "ecs-canary-on-one-target-group",
    ],
)
@pytest.mark.parametrize("verb", ["plan", "deploy"])
def test_what_a_platform_cannot_do_is_refused_before_any_call_and_what_can_is_named(
    repository: Path, root: Path, verb: str, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = root / "tests/schemas/invalid" / f"{case}.yaml"
    shutil.copytree(root / "tests/schemas/model", repository / "model")
    shutil.copy(file, repository / "config.yaml")
    image = ["--image", f"x@sha256:{'a' * 64}"] if verb == "deploy" else []
    assert entry.main([verb, "config.yaml", "-e", "staging", *image]) == 2
    place, _, told = file.read_text().partition("\n")[0].removeprefix("# expect: ").partition(" ")
    message, _, cure = told.partition(" | ")
    said = capsys.readouterr().err
    assert f"config.yaml:{place}: error: {message}\n      {cure}\n" in said


def test_what_nobody_foresaw_becomes_a_report_and_no_traceback(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, ZeroDivisionError("odd")) == 1
    (report,) = (repository / ".modelway").glob("bug-report-*.md")
    said = capsys.readouterr().err
    assert str(report) in said
    assert "Traceback" not in said
    assert "ZeroDivisionError: odd" in report.read_text()


@pytest.mark.usefixtures("repository")
def test_a_package_that_is_not_installed_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(monkeypatch, ModuleNotFoundError("No module named 'yaml'", name="yaml")) == 8
    assert "scripts/run" in capsys.readouterr().err


@pytest.mark.usefixtures("repository")
def test_ctrl_c_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ending(monkeypatch, KeyboardInterrupt()) == 130
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("typed", "meant"), [("vaildate", "validate"), ("promte", "promote"), ("rollbck", "rollback")]
)
def test_a_typo_gets_the_nearest_command(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([typed]) == 2
    assert f"Did you mean {meant!r}?" in capsys.readouterr().err


@pytest.mark.usefixtures("repository")
def test_a_word_near_nothing_gets_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["xyzzy"]) == 2
    assert f"The commands are: {', '.join(commands.VERBS)}." in capsys.readouterr().err


@pytest.mark.usefixtures("repository")
def test_a_wrong_option_is_malformed_and_points_to_the_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending(monkeypatch, None)
    assert entry.main(["fake", "--number", "many"]) == 2
    assert "argument --number: invalid int value: 'many'" in capsys.readouterr().err
    assert entry.main(["fake", "--numb", "1"]) == 2, "options are not guessed from their beginnings"
    assert "To fix: see scripts/run fake --help" in capsys.readouterr().err


@pytest.mark.usefixtures("repository")
def test_a_commands_help_is_its_docstring(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending(monkeypatch, None)
    for argv in (["fake", "--help"], ["help", "fake"]):
        with pytest.raises(SystemExit) as ended:
            entry.main(argv)
        assert ended.value.code == 0
        help_ = capsys.readouterr().out
        assert "usage: scripts/run fake" in help_
        assert "A command that only ends." in help_


def test_help_names_every_command_on_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for verb, (_, words) in commands.VERBS.items():
        assert any(line.split(maxsplit=1) == [verb, words] for line in lines)
    assert max(map(len, lines)) <= 100


def test_asking_for_nothing_shows_the_help_and_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([]) == 2
    assert capsys.readouterr().out == ""


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_help_imports_nothing_that_costs_time(root: Path) -> None:
    code = (
        "import sys; from modelway.__main__ import main; main(['--help'])\n"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "{'argparse', 'yaml', 'boto3', 'docker', 'subprocess', 'json', 'jsonschema_rs'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**ENVIRONMENT, "PYTHONPATH": str(root / "scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_goes_away_is_no_error(root: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.Popen(
        [sys.executable, "-m", "modelway", "--help"],
        env={**ENVIRONMENT, "PYTHONPATH": str(root / "scripts")},
        stdout=write,
        stderr=subprocess.PIPE,
    )
    os.close(write)
    assert done.communicate()[1] == b""
    assert done.returncode == entry.BROKEN_PIPE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_polite_kill_ends_as_ctrl_c_does(root: Path, tmp_path: Path, number: signal.Signals) -> None:
    package, ready = tmp_path / "modelway_slow.py", tmp_path / "ready"
    package.write_text(
        "import pathlib, sys, time\n"
        "from types import ModuleType\n"
        "from modelway import __main__ as entry\n"
        "def run(options, world):\n"
        "    try:\n"
        f"        pathlib.Path({str(ready)!r}).touch(); time.sleep(60)\n"
        "    finally:\n"
        "        world.reporter.note('cleaned up')\n"
        "slow = ModuleType('modelway.commands.slow', 'Slow.')\n"
        "slow.arguments, slow.run = (lambda parser: None), run\n"
        "sys.modules['modelway.commands.slow'] = slow\n"
        "entry.VERBS = {'slow': ('slow', '')}\n"
        "raise SystemExit(entry.main(['slow']))\n"
    )
    child = subprocess.Popen(
        [sys.executable, str(package)],
        env={**ENVIRONMENT, "PYTHONPATH": str(root / "scripts")},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    )
    for _ in range(1200):
        if ready.exists():
            break
        time.sleep(0.05)
    child.send_signal(number)
    said = child.communicate(timeout=60)[1].decode()
    assert child.returncode == 130
    assert said.splitlines() == ["cleaned up", "Interrupted. Run the same command again to go on."]
