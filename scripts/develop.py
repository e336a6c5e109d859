"""What those who change modelway run: ``scripts/run test | lint | lock | sweep | bench NAME``.

CI runs the same (``.ci/run``). Runs in the ``dev`` environment that ``scripts/run`` makes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.prefix) / "bin"
_NOTHING_TO_RUN = 5
"""pytest's exit code where a part has no tests."""
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
    return tasks[argv[0]](argv[1:])


def test(arguments: Sequence[str]) -> int:
    """All tests, or those the arguments of pytest name; gets a Docker engine where none runs.

    All of them are shared out among two processes: many wait, and one process uses one processor.
    ``tests/sharing.py`` says which stay together; ``-n2`` does the same with some tests.
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
    """Every check that runs nothing of modelway; all run, so that one look shows all that is wrong."""
    checks = _checks()
    for name in [name for name, argv in checks.items() if not (BIN / argv[0]).exists()]:
        _say(f"skipped {name}: {checks.pop(name)[0]} has no wheel for this machine")
    chosen = {name: argv for name, argv in checks.items() if not arguments or name in arguments}
    if not chosen:
        _say(f"there are no checks but {', '.join(checks)}")
        return 2
    if not (ROOT / ".github/workflows").is_dir():
        _say("skipped zizmor: there are no workflows yet")
    failed = [name for name, argv in chosen.items() if not _check(name, argv)]
    _say(f"failed: {', '.join(failed)}" if failed else f"all {len(chosen)} checks passed")
    return 1 if failed else 0


def lock(arguments: Sequence[str]) -> int:
    """Compile the requirement files anew: hashes for every platform, no index addresses in them.

    Releases younger than a week are left out, so that a release that gets withdrawn passes us by.
    ``--upgrade`` takes newer releases than the ones locked now.
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
    """One benchmark by name; without a name, the list of them."""
    tools = {"child", "cloud", "crowd", "kept", "measure", "ml_image", "rates", "recording", "tools"}
    found = sorted({path.stem for path in (ROOT / "benchmarks").glob("*.py")} - tools)
    if not arguments or arguments[0] not in found:
        _say(f"scripts/run bench NAME, where NAME is one of: {', '.join(found)}")
        return 2
    paths = (ROOT / "benchmarks", ROOT / "scripts", ROOT)  # the last for the cloud of the sweeps
    environment = {**os.environ, "PYTHONPATH": ":".join(map(str, paths))}
    return _call([sys.executable, f"benchmarks/{arguments[0]}.py", *arguments[1:]], env=environment)


def sweep(arguments: Sequence[str]) -> int:
    """Disturb releases at every call, then write ``docs/reference/reliability.md``; hours.

    Arguments are pytest's, as ``-k ecs``: what they choose is swept, the rest of the page stays as it is.
    ``--sampled`` disturbs only the calls ``.ci/run`` does; nothing is written where something did not hold.
    """
    chosen = [argument for argument in arguments if argument != "--sampled"]
    depth = [] if "--sampled" in arguments else ["--full"]
    folder = ROOT / ".modelway" / "sweep"
    shutil.rmtree(folder, ignore_errors=True)
    parts = os.cpu_count() or 1
    command = [sys.executable, "-m", "pytest", "tests/sweeps", "-q", *depth, f"--sweep-results={folder}"]
    running = [
        subprocess.Popen([*command, f"--shard={n}/{parts}", *chosen], cwd=ROOT) for n in range(1, parts + 1)
    ]
    codes = [process.wait() for process in running]
    if any(code not in {0, _NOTHING_TO_RUN} for code in codes):
        return max(codes)
    return _call([sys.executable, "docs/generate_reliability.py", str(folder)])


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


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
