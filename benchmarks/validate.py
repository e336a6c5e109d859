"""What checking configs costs: one file against bare imports, ten thousand against check-jsonschema."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from measure import compare, run, verdict

ROOT = Path(__file__).resolve().parent.parent
MANY = 10_000
SCHEMA = ROOT / "schemas" / "model-config.schema.json"
EXAMPLE = ROOT / "model-configs" / "iris-classifier.yaml"


def main() -> int:
    """Measure, print, and say whether the claims hold; an argument sets how many files are many."""
    many = int(sys.argv[1]) if sys.argv[1:] else MANY
    # A config lies in the repository: outside of it, it is refused.
    workspace = ROOT / ".modelway"
    workspace.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace, prefix="bench-") as folder:
        held = [one_file(), *many_files(Path(folder), many), *bad_files(Path(folder))]
    return 0 if all(held) else 1


def one_file() -> bool:
    """One config, warm, against importing what it could be checked with."""
    seconds = compare(
        {
            "validate": lambda: run([str(ROOT / "scripts" / "run"), "validate", str(EXAMPLE)]),
            "imports": lambda: run([sys.executable, "-c", "import yaml, jsonschema"]),
        },
        rounds=20,
    )
    ratio = seconds["validate"] / seconds["imports"]
    return verdict("validate one config / python -c 'import yaml, jsonschema'", ratio, at_most=1.5)


def many_files(folder: Path, many: int) -> list[bool]:
    """Thousands of configs: time against check-jsonschema's, memory against one tenth of them."""
    validate = [str(ROOT / "scripts" / "run"), "validate"]
    few, configs = written(folder / "few", many // 10), written(folder / "all", many)
    little, _ = measured([*validate, str(few[0].parent)])
    memory, ours = measured([*validate, str(configs[0].parent)])
    # check-jsonschema takes no folders; 10,000 short names stay below Linux's 2 MiB of arguments.
    names = [str(path.relative_to(ROOT)) for path in configs]
    check = str(Path(sys.prefix) / "bin" / "check-jsonschema")
    _, theirs = measured([check, "--schemafile", str(SCHEMA), *names])
    print(f"       {many:,} configs: {ours:.1f} s here, {theirs:.1f} s with check-jsonschema")
    return [
        verdict(f"validate {many:,} configs / check-jsonschema", ours / theirs, at_most=0.2),
        verdict("memory for all configs / memory for a tenth of them", memory / little, at_most=1.2),
    ]


def bad_files(folder: Path) -> list[bool]:
    """A billion laughs and 50 MB: refused as fast as a good file is read."""
    laughs, huge = folder / "laughs.yaml", folder / "huge.yaml"
    lines = (f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    laughs.write_text("a0: &a0 [x]\n" + "".join(lines))
    huge.write_bytes(b"#" * 50 * 1024 * 1024)
    rivals = {path.name: partial(tried, path) for path in (EXAMPLE, laughs, huge)}
    seconds = compare(rivals, rounds=5)
    return [
        verdict(
            f"validate {path.name} / a good config", seconds[path.name] / seconds[EXAMPLE.name], at_most=1.5
        )
        for path in (laughs, huge)
    ]


def tried(path: Path) -> None:
    """Validate a file, whatever comes of it."""
    subprocess.run([str(ROOT / "scripts" / "run"), "validate", str(path)], capture_output=True, check=False)


def measured(argv: Sequence[str]) -> tuple[int, float]:
    """Largest resident memory in kB, and seconds, of a program that has to succeed."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(argv, stdout=output, stderr=output, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.stderr.buffer.write(output.read(4000))
            message = f"{argv[0]} ended with {process.returncode}"
            raise SystemExit(message)
    return usage.ru_maxrss, time.perf_counter() - started


def written(folder: Path, many: int) -> list[Path]:
    """Copies of the example, each another model."""
    folder.mkdir()
    text = EXAMPLE.read_text("utf-8")
    paths = []
    for number in range(many):
        path = folder / f"{number}.yaml"
        path.write_text(text.replace("name: iris-classifier", f"name: iris-{number}", 1), "utf-8")
        paths.append(path)
    return paths


if __name__ == "__main__":
    sys.exit(main())
