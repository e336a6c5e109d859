"""Child processes end when they should, say what they say, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from modelway.adapters import process
from modelway.errors import Unavailable


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended, perhaps while it was looked at
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_for(path: Path) -> str:
    for _ in range(400):
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.05)
    pytest.fail(f"{path} was not written")


def test_output_error_and_status_are_answers() -> None:
    done = process.run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"))
    assert (done.code, done.out, done.err, done.tail) == (3, "out\n", "err\n", "err")


def test_lines_are_said_while_the_child_runs_also_those_a_progress_bar_rewrites(tmp_path: Path) -> None:
    go_on, lines = tmp_path / "go-on", list[str]()

    def say(line: str) -> None:
        lines.append(line)
        go_on.touch()

    code = f"""
import pathlib, sys, time
print('first\\rsecond', file=sys.stderr, flush=True)
while not pathlib.Path({str(go_on)!r}).exists():
    time.sleep(0.01)
print('third', file=sys.stderr)
"""
    process.run(python(code), say=say, timeout=60)
    assert lines == ["first", "second", "third"]


def test_a_child_gets_the_input_it_is_given_and_none_otherwise() -> None:
    echo = python("import sys; sys.stdout.write(sys.stdin.read())")
    assert process.run(echo, stdin=b"hello").out == "hello"
    assert process.run(echo).out == ""


def test_more_output_than_a_pipe_holds_does_not_block() -> None:
    done = process.run(python("import sys; sys.stderr.write('e' * 500000); sys.stdout.write('o' * 500000)"))
    assert (len(done.out), len(done.err)) == (500_000, 500_000)


def test_a_missing_program_names_its_cure() -> None:
    with pytest.raises(Unavailable) as caught:
        process.run(["docker-that-is-not-there"])
    assert "install docker-that-is-not-there" in caught.value.cure


def test_too_long_is_unavailable_and_the_child_is_gone(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with pytest.raises(Unavailable, match="did not finish"):  # a Python may begin later
        process.run(["sh", "-c", f"echo $$ > {pid_file}; exec sleep 60"], timeout=2)
    assert not is_running(int(pid_file.read_text()))


def test_ctrl_c_also_ends_what_the_child_started(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"sleep 60 & echo $! > {pid_file}; wait"

    def interrupt() -> None:
        wait_for(pid_file)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        process.run(["sh", "-c", code])
    grandchild = int(pid_file.read_text())
    for _ in range(400):
        if not is_running(grandchild):
            return
        time.sleep(0.05)
    pytest.fail("the grandchild still runs")


def test_a_stream_can_be_left_early() -> None:
    with process.stream(python("import sys; sys.stdout.write('x' * 1000000)")) as out:
        assert out.read(3) == b"xxx"


def test_a_stream_that_ends_badly_is_unavailable() -> None:
    failing = python("import sys; print('partly'); sys.exit('no space left')")
    with pytest.raises(Unavailable, match="no space left"), process.stream(failing) as out:
        assert out.read() == b"partly\n"


def test_a_program_that_has_to_succeed_says_why_it_did_not() -> None:
    with pytest.raises(Unavailable) as caught:
        process.succeed(python("import sys; sys.exit('boom')"), cure="do this")
    assert (caught.value.seen, caught.value.cure) == ("boom", "do this")
