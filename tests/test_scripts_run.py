"""``scripts/run`` makes the environment once, whatever happens meanwhile, and runs modelway alone in it.

The interpreter that installs is played by a shell script, so that nothing is fetched.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

INTERPRETER = """#!/bin/sh
# Plays a Python: answers what scripts/run asks one, and writes down that it was asked.
case "$*" in
  *version_info*) exit 0 ;;
  *ensurepip*) test ! -e "{home}/no-venv" ;;
  *"--target"*)
    test -e "{home}/uv" || exit 1
    for FOLDER; do test "$PREVIOUS" != --target || break; PREVIOUS=$FOLDER; done
    mkdir -p "$FOLDER/bin" && cp "{home}/uv" "$FOLDER/bin/uv" ;;
  *"-m venv"*)
    echo "venv" >> "{home}/log"
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  *"-m pip"*)
    echo "pip" >> "{home}/log"
    test ! -e "{home}/hang" || {{ touch "{home}/hanging"; sleep 60; }}
    sleep 0.3
    test ! -e "{home}/fail" || {{ echo "no matching distribution" >&2; exit 1; }} ;;
  *) echo "ran $*"; echo "PYTHONPATH=$PYTHONPATH PYTHONHOME=$PYTHONHOME" ;;
esac
"""


class Machine:
    """A machine with nothing on it but a shell and an interpreter that does as it is told."""

    def __init__(self, root: Path, home: Path) -> None:
        self.script, self.home = root / "scripts" / "run", home
        self.cache = home / "cache" / "modelway"
        python = home / "python"
        python.write_text(INTERPRETER.format(home=home))
        python.chmod(0o755)
        tools = home / "tools"
        tools.mkdir()
        for tool in ("bash", "sh", "cat", "env", "dirname", "readlink", "sha256sum", "mkdir"):
            (tools / tool).symlink_to(f"/usr/bin/{tool}")
        for tool in ("mktemp", "flock", "rm", "mv", "ln", "find", "cp", "sleep", "touch"):
            (tools / tool).symlink_to(f"/usr/bin/{tool}")
        self.environment = {
            "PATH": str(tools),
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "MODELWAY_PYTHON": str(python),
            "XDG_CONFIG_DIRS": str(home / "xdg"),
        }

    def start(self, *argv: str, script: Path | None = None, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [script or self.script, *argv],
            env={**self.environment, **more},
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *argv: str, script: Path | None = None, **more: str) -> tuple[int, str, str]:
        child = self.start(*argv, script=script, **more)
        out, err = child.communicate(timeout=60)
        return child.returncode, out, err

    @property
    def log(self) -> list[str]:
        """What the interpreter was asked to make."""
        log = self.home / "log"
        return log.read_text().split() if log.exists() else []

    @property
    def folders(self) -> list[Path]:
        """Folders of environments, whole or half-made."""
        return sorted(self.cache.glob("env-*.d-*"))

    def give_uv_by_pip(self) -> None:
        """Let pip install a uv that writes down what it is asked."""
        make = f'mkdir -p "$7/bin"; cp {self.home}/python "$7/bin/"'
        script = f'echo "uv-$1" >> {self.home}/log; if [ "$1" = venv ]; then {make}; fi'
        (self.home / "uv").write_text(f"#!/bin/sh\n{script}\n")
        (self.home / "uv").chmod(0o755)

    def give(self, name: str, script: str) -> None:
        """Put one more program on the machine."""
        tool = self.home / "tools" / name
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)


@pytest.fixture
def machine(root: Path, tmp_path: Path) -> Machine:
    return Machine(root, tmp_path)


def test_the_first_run_makes_the_environment_and_says_so(machine: Machine) -> None:
    code, out, err = machine.run("validate", "a.yaml")
    assert (code, out.splitlines()[0]) == (0, "ran -m modelway validate a.yaml")
    assert "installing the locked Python packages (requirements/run.txt)" in err
    assert machine.log == ["venv", "pip"]


def test_the_second_run_is_quiet_and_makes_nothing(machine: Machine) -> None:
    machine.run("validate")
    code, _, err = machine.run("validate")
    assert (code, err, machine.log) == (0, "", ["venv", "pip"])


def test_commands_rehearsal_and_tests_have_sets_of_their_own(machine: Machine, root: Path) -> None:
    for verb in ("validate", "rehearse", "lint"):
        machine.run(verb)
    for name in ("run", "rehearsal", "dev"):
        digest = hashlib.sha256((root / "requirements" / f"{name}.txt").read_bytes()).hexdigest()
        assert list(machine.cache.glob(f"env-{name}-{digest[:12]}*"))


def test_two_at_once_make_one_environment(machine: Machine) -> None:
    children = [machine.start("validate") for _ in range(3)]
    for child in children:
        child.communicate(timeout=60)
    assert [child.returncode for child in children] == [0, 0, 0]
    assert machine.log == ["venv", "pip"]


@pytest.fixture
def killed(machine: Machine) -> Machine:
    """A machine on which the first run was killed while it installed."""
    (machine.home / "hang").touch()
    child = machine.start("validate")
    for _ in range(1200):
        if (machine.home / "hanging").exists():
            break
        time.sleep(0.05)
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate(timeout=60)
    (machine.home / "hang").unlink()
    return machine


def test_after_a_kill_the_next_run_starts_anew_and_removes_the_half_made(killed: Machine) -> None:
    (half_made,) = killed.folders
    assert killed.run("validate")[0] == 0
    assert half_made not in killed.folders
    assert len(killed.folders) == 1


def test_what_cannot_be_installed_is_unavailable_and_leaves_nothing(machine: Machine) -> None:
    (machine.home / "fail").touch()
    code, _, err = machine.run("validate")
    assert code == 8
    assert "no matching distribution" in err
    assert "To fix: check network, proxy" in err
    assert machine.folders == []
    (machine.home / "fail").unlink()
    assert machine.run("validate")[0] == 0


def test_help_needs_no_environment(machine: Machine) -> None:
    assert machine.run("--help")[1].splitlines()[0] == "ran -m modelway --help"
    assert machine.log == []


def test_the_callers_python_settings_do_not_reach_modelway(machine: Machine, root: Path) -> None:
    _, out, _ = machine.run("validate", PYTHONPATH="/evil", PYTHONHOME="/evil", PYTHONSTARTUP="/evil")
    assert f"PYTHONPATH={root}/scripts PYTHONHOME=\n" in out


def test_a_link_to_it_works_from_anywhere(machine: Machine) -> None:
    (machine.home / "bin").mkdir()
    link = machine.home / "bin" / "modelway"
    link.symlink_to(os.path.relpath(machine.script, machine.home / "bin"))
    assert machine.run("validate", script=link)[0] == 0


def test_arguments_arrive_as_they_were_given(machine: Machine) -> None:
    assert machine.run("validate", "a b", "", "*")[1].splitlines()[0] == "ran -m modelway validate a b  *"


def test_uv_is_used_where_it_is_there(machine: Machine) -> None:
    make = f'mkdir -p "$7/bin"; cp {machine.home}/python "$7/bin/"'
    machine.give("uv", f'echo "uv-$1" >> {machine.home}/log; if [ "$1" = venv ]; then {make}; fi')
    assert machine.run("validate")[0] == 0
    assert machine.log == ["uv-venv", "uv-pip"]


def test_where_there_is_no_uv_one_is_got_used_and_thrown_away(machine: Machine) -> None:
    machine.give_uv_by_pip()
    assert machine.run("validate")[0] == 0
    assert machine.log == ["uv-venv", "uv-pip"]
    assert list(machine.cache.glob("env-run-*/bin/python"))
    assert not list(machine.cache.glob("env-run-*/uv"))


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ("[global]\nindex-url = https://index.example\n", ["venv", "pip"]),
        ("[global]\nextra-index-url=https://index.example\n", ["venv", "pip"]),
        ("# mine\n[global]\nbreak-system-packages = true\ncert = /ca.pem\n", ["uv-venv", "uv-pip"]),
    ],
)
def test_pips_own_index_is_asked_by_pip_alone(machine: Machine, settings: str, asked: list[str]) -> None:
    """uv does not read pip's settings, and would go somewhere else."""
    machine.give_uv_by_pip()
    conf = machine.home / ".config" / "pip" / "pip.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(settings)
    assert machine.run("validate")[0] == 0
    assert machine.log == asked


def test_pips_variables_count_too(machine: Machine) -> None:
    machine.give_uv_by_pip()
    assert machine.run("validate", PIP_INDEX_URL="https://index.example")[0] == 0
    assert machine.log == ["venv", "pip"]


@pytest.fixture
def bare(machine: Machine) -> Machine:
    """A Debian whose Python has no venv."""
    (machine.home / "no-venv").touch()
    machine.give("apt-get", f'echo "apt-get-$1" >> {machine.home}/log; rm -f {machine.home}/no-venv')
    return machine


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_on_a_bare_debian_root_installs_what_is_missing_and_says_so(bare: Machine) -> None:
    code, _, err = bare.run("validate")
    assert code == 0
    assert bare.log == ["apt-get-update", "apt-get-install", "venv", "pip"]
    assert "installing python3-venv with apt-get" in err


@pytest.mark.parametrize("how", ["option", "before", "variable"])
def test_nothing_is_installed_by_apt_where_that_is_forbidden(bare: Machine, how: str) -> None:
    match how:
        case "option":
            code, _, err = bare.run("validate", "--no-install")
        case "before":
            code, _, err = bare.run("--no-install", "validate")
        case _:
            code, _, err = bare.run("validate", MODELWAY_NO_INSTALL="1")
    assert code == 8
    assert "To fix: sudo apt-get update && sudo apt-get install" in err
    assert bare.log == []


def test_only_rehearse_is_told_to_install_nothing(machine: Machine) -> None:
    assert machine.run("rehearse", "--no-install", "a")[1].startswith(
        "ran -m modelway rehearse a --no-install\n"
    )
    assert machine.run("validate", "--no-install", "a")[1].startswith("ran -m modelway validate a\n")


def test_without_a_python_that_is_new_enough_it_says_so(machine: Machine) -> None:
    code, _, err = machine.run("validate", MODELWAY_PYTHON="/nonexistent/python", MODELWAY_NO_INSTALL="1")
    assert code == 8
    assert "Python 3.11 or newer is needed" in err


def test_warm_it_starts_nothing_but_what_names_the_environment(root: Path, tmp_path: Path) -> None:
    """That is what its 30 ms are, which benchmarks/ measure: any other program is not found here."""
    digest = hashlib.sha256((root / "requirements" / "run.txt").read_bytes()).hexdigest()[:12]
    python = tmp_path / "modelway" / f"env-run-{digest}" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!{sys.executable}\nprint('ran')\n")
    python.chmod(0o755)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "bash").symlink_to("/usr/bin/bash")
    (tools / "sha256sum").write_text('#!/bin/sh\necho once >&2\nexec /usr/bin/sha256sum "$@"\n')
    (tools / "sha256sum").chmod(0o755)
    done = subprocess.run(
        [root / "scripts" / "run", "--version"],
        env={"PATH": str(tools), "XDG_CACHE_HOME": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("ran\n", "once\n")


def test_in_a_workflow_what_is_missing_is_an_annotation_and_a_result(machine: Machine) -> None:
    outputs = machine.home / "outputs"
    code, _, err = machine.run(
        "validate",
        MODELWAY_PYTHON="/nonexistent/python",
        MODELWAY_NO_INSTALL="1",
        GITHUB_ACTIONS="true",
        GITHUB_OUTPUT=str(outputs),
    )
    assert code == 8
    assert err.splitlines()[-1].startswith("::error::Python 3.11 or newer is needed%0ANothing was installed")
    assert outputs.read_text() == "result=unavailable\n"


def test_in_a_workflow_environments_lie_in_the_runners_tool_cache(machine: Machine) -> None:
    tools = machine.home / "hosted"
    tools.mkdir()
    machine.run("validate", GITHUB_ACTIONS="true", RUNNER_TOOL_CACHE=str(tools))
    assert list(tools.glob("modelway/env-run-*"))
    assert not machine.cache.exists()


def test_without_a_tool_cache_they_lie_in_the_jobs_own_folder(machine: Machine) -> None:
    job = machine.home / "temp"
    job.mkdir()
    machine.run("validate", GITHUB_ACTIONS="true", RUNNER_TOOL_CACHE="/nonexistent", RUNNER_TEMP=str(job))
    assert list(job.glob("modelway/env-run-*"))


def test_the_folder_of_environments_can_be_named(machine: Machine) -> None:
    machine.run("validate", GITHUB_ACTIONS="true", MODELWAY_CACHE=str(machine.home / "here"))
    assert list((machine.home / "here").glob("env-run-*"))


@pytest.mark.parametrize(
    ("system", "kind"), [("msys", "x86_64"), ("darwin23", "aarch64"), ("linux-gnu", "i686")]
)
def test_other_machines_get_one_clear_error(machine: Machine, system: str, kind: str) -> None:
    code, _, err = machine.run("validate", GITHUB_ACTIONS="true", OSTYPE=system, HOSTTYPE=kind)
    assert code == 8
    assert err.count("::error::") == 1
    assert f"modelway runs on Linux, x64 or arm64%0AThis is {system} on {kind}." in err
