"""What those who change modelway run: ``scripts/run test | lint | lock | sweep | bench NAME``.

CI runs the same (``.ci/run``). Runs in the ``dev`` environment that ``scripts/run`` makes. The docstring of a
task is its ``--help``.
"""

from __future__ import annotations

import argparse
import inspect
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.prefix) / "bin"
_NOTHING_TO_RUN = 5
"""pytest's exit code where a part has no tests."""
_WRONG_WORD = 2
SETS = ("run", "rehearsal", "dev", "uv")


def main(argv: Sequence[str]) -> int:
    """Run one of the tasks; returns its exit code."""
    tasks: Mapping[str, Callable[[Sequence[str]], int]] = {
        "test": test,
        "lint": lint,
        "lock": lock,
        "bench": bench,
        "sweep": sweep,
    }
    task, arguments = tasks[argv[0]], argv[1:]
    # A benchmark's own options stand behind its name.
    asking = arguments[:1] if task is bench else arguments
    if {"-h", "--help"} & {*asking}:
        sys.stdout.write(f"{inspect.getdoc(task)}\n")
        return 0
    return task(arguments)


def test(arguments: Sequence[str]) -> int:
    """Run all tests, or those that pytest's arguments name.

      scripts/run test [--no-install] [PYTEST'S ARGUMENTS]
      scripts/run test tests/core -q
      scripts/run test -n2 -m "not docker"      shared out among two processes, as all of them are
      scripts/run test -m act                   a consumer's repository under act: three minutes

    Gets a Docker engine where none runs, unless --no-install forbids it; what lacks something skips and says
    why. tests/sharing.py says which tests stay together. pytest tells of its own options: -m pytest --help,
    by the environment's Python (~/.cache/modelway/env-dev-*/bin/python).
    """
    install = "0" if os.environ.get("MODELWAY_NO_INSTALL") else "1"
    chosen = [argument for argument in arguments if argument != "--no-install"]
    if not chosen and _nothing_is_missing():
        chosen = ["-n2"]
    environment = {**os.environ, "MODELWAY_TEST_INSTALL": install}
    return _call([sys.executable, "-m", "pytest", *chosen], env=environment)


def _nothing_is_missing() -> bool:
    """Whether the tests find an engine and a registry: of two processes one would stop what both use."""
    docker = shutil.which("docker")
    if not (docker and shutil.which("docker-registry")):
        return False
    return subprocess.run([docker, "version"], check=False, capture_output=True).returncode == 0


def lint(arguments: Sequence[str]) -> int:
    """Run every check that runs nothing of modelway, or those named.

      scripts/run lint [NAME ...]
      scripts/run lint ruff mypy

    Names are ruff, format, mypy, imports, shellcheck, schemas, configs and zizmor. The others run also after
    one has failed, so that one look shows all that is wrong. Nothing is corrected: for that, ruff check --fix
    and ruff format are in the environment (~/.cache/modelway/env-dev-*/bin).
    """
    checks = _checks()
    if unknown := [name for name in arguments if name not in checks]:
        return _no_such("check", unknown[0], checks)
    for name in [name for name, argv in checks.items() if not (BIN / argv[0]).exists()]:
        _say(f"skipped {name}: {checks.pop(name)[0]} has no wheel for this machine")
    chosen = {name: argv for name, argv in checks.items() if not arguments or name in arguments}
    if not (ROOT / ".github/workflows").is_dir():
        _say("skipped zizmor: there are no workflows yet")
    failed = [name for name, argv in chosen.items() if not _check(name, argv)]
    _say(f"failed: {', '.join(failed)}" if failed else f"all {len(chosen)} checks passed")
    return 1 if failed else 0


def lock(arguments: Sequence[str]) -> int:
    """Compile requirements/*.in to the locked *.txt, with hashes for every platform and no index addresses.

      scripts/run lock [--upgrade] [ARGUMENTS OF uv pip compile]

    --upgrade takes newer releases than the ones locked now. Those younger than a week are always left out, so
    that a release that gets withdrawn passes us by.
    """
    environment = {**os.environ, "UV_CUSTOM_COMPILE_COMMAND": "scripts/run lock"}
    options = ["--universal", "--python-version=3.11", "--generate-hashes", "--no-emit-index-url"]
    options += ["--exclude-newer=7 days", *arguments]
    for name in SETS:
        command = [str(BIN / "uv"), "pip", "compile", "--quiet", *options, f"{name}.in", "-o", f"{name}.txt"]
        code = _call(command, cwd=ROOT / "requirements", env=environment)
        if code:
            return code
    return 0


def bench(arguments: Sequence[str]) -> int:
    """Run one benchmark, which fails where its claim does not hold.

      scripts/run bench NAME [ITS OWN ARGUMENTS]
      scripts/run bench                         lists the names

    What each claims, and what was seen of it, stands in benchmarks/README.md.
    """
    tools = {"child", "cloud", "crowd", "kept", "measure", "ml_image", "rates", "recording", "tools"}
    found = sorted({path.stem for path in (ROOT / "benchmarks").glob("*.py")} - tools)
    if not arguments:
        _say(f"scripts/run bench NAME, where NAME is one of: {', '.join(found)}")
        return _WRONG_WORD
    if arguments[0] not in found:
        return _no_such("benchmark", arguments[0], found)
    paths = (ROOT / "benchmarks", ROOT / "scripts", ROOT)  # the last for the cloud of the sweeps
    environment = {**os.environ, "PYTHONPATH": ":".join(map(str, paths))}
    return _call([sys.executable, f"benchmarks/{arguments[0]}.py", *arguments[1:]], env=environment)


def sweep(arguments: Sequence[str]) -> int:
    """Disturb releases at each of their AWS calls, then write docs/reference/reliability.md.

      scripts/run sweep [--sampled] [--shard I/N] [PYTEST'S ARGUMENTS]
      scripts/run sweep -k lambda               one target; -k "ecs and canary" one of its strategies
      scripts/run sweep -k false_greens         what must never end green
      scripts/run sweep -k load                 what users notice meanwhile
      scripts/run sweep --sampled               disturbs only the calls that .ci/run does
      scripts/run sweep --shard 2/4             the second of four parts

    A release is killed before a call or after its effect, or the call fails; then the same command runs again
    and has to end as if nothing had been. All of it takes hours, in a process for each processor: some
    7,800 calls are disturbed in some 3,500 releases, as a fault that passes shares one with seven others. It
    can be done in parts, on any day: --shard 1/40 is three cells, -k sagemaker-rolling-timeout is one.

    Results are written to .modelway/sweep, which is emptied first. Where everything held, the page and its
    numbers (reliability.json) get the new ones; what was not swept stays as it was. Else nothing is written.
    """
    parser = argparse.ArgumentParser("scripts/run sweep", add_help=False, allow_abbrev=False)
    parser.add_argument("--sampled", action="store_true")
    parser.add_argument("--shard", type=_part, default=(1, 1), metavar="I/N")
    options, chosen = parser.parse_known_args(arguments)
    folder = ROOT / ".modelway" / "sweep"
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "pytest", "tests/sweeps", "-q", f"--sweep-results={folder}"]
    command += [*([] if options.sampled else ["--full"]), *chosen]
    running = [
        subprocess.Popen([*command, f"--shard={n}/{parts}"], cwd=ROOT)
        for n, parts in _shared_out(options.shard, os.cpu_count() or 1)
    ]
    codes = [process.wait() for process in running]
    if any(code not in {0, _NOTHING_TO_RUN} for code in codes):
        return max(codes)
    return _call([sys.executable, "docs/generate_reliability.py", str(folder)])


def _part(text: str) -> tuple[int, int]:
    """I and N of ``I/N``."""
    number, _, parts = text.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N, as 2/4")
    return int(number), int(parts)


def _shared_out(part: tuple[int, int], processes: int) -> list[tuple[int, int]]:
    """A part as so many smaller ones: every N-th of the work is of the I-th part."""
    number, parts = part
    return [(number + parts * n, parts * processes) for n in range(processes)]


def _checks() -> dict[str, list[str]]:
    """Name and command of each check."""
    schema = "schemas/model-config.schema.json"
    checks = {
        "ruff": ["ruff", "check"],
        "format": ["ruff", "format", "--check"],
        "mypy": ["mypy"],
        "imports": ["lint-imports", "--no-cache"],
        "shellcheck": ["shellcheck", "scripts/run", ".ci/run"],
        "schemas": ["check-jsonschema", "--check-metaschema", *_files("schemas", "*.json")],
        "configs": ["check-jsonschema", "--schemafile", schema, *_files("model-configs", "*.yaml")],
    }
    if (ROOT / ".github/workflows").is_dir():
        actions = ["actions"] if (ROOT / "actions").is_dir() else []
        checks["zizmor"] = ["zizmor", "--offline", "--persona=auditor", ".github", *actions]
    return checks


def _files(folder: str, pattern: str) -> list[str]:
    """Files of a folder, by their names from the root."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob(pattern))


def _check(name: str, argv: Sequence[str]) -> bool:
    """Run a check; its output is shown only if it fails."""
    started = time.monotonic()
    done = subprocess.run(
        [str(BIN / argv[0]), *argv[1:]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    _say(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {name:<10} {time.monotonic() - started:5.1f} s")
    if done.returncode:
        sys.stderr.write(f"{done.stdout}\n")
    return done.returncode == 0


def _call(argv: Sequence[str], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> int:
    """Run a program on this terminal."""
    return subprocess.run(argv, cwd=cwd, env=env, check=False).returncode


def _no_such(what: str, seen: str, known: Iterable[str]) -> int:
    """An error in three parts, and its exit code."""
    _say(f"error: there is no such {what}\n  Seen: {seen}\n  To fix: take one of {', '.join(known)}.")
    return _WRONG_WORD


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
