"""What finding touched models costs: 2,000 models and a commit of 500 files, against reading their YAML."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import compare, run, verdict

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "model-configs" / "iris-classifier.yaml"
MODELS, FILES = 2_000, 500
READ_ALL = (
    "import pathlib, yaml; [yaml.safe_load(p.read_text()) for p in pathlib.Path('model-configs').iterdir()]"
)


def main() -> int:
    """Measure, print, and say whether the claims hold."""
    with tempfile.TemporaryDirectory(prefix="modelway-bench-") as name:
        folder = Path(name)
        made(folder)
        os.chdir(folder)
        changed = [str(ROOT / "scripts" / "run"), "changed", "--base", "HEAD~1", "--format", "json"]
        told = subprocess.run(changed, capture_output=True, text=True, check=True).stdout
        assert f'"count": {FILES}' in told, told[:500]
        seconds = compare(
            {"changed": lambda: run(changed), "yaml": lambda: run([sys.executable, "-c", READ_ALL])},
            rounds=3,
        )
    ours = seconds["changed"]
    claim = f"changed, {MODELS:,} models, {FILES} files"
    held = [
        verdict(f"{claim} / yaml.safe_load of the configs", ours / seconds["yaml"], at_most=0.2),
        verdict(claim, ours, at_most=2, unit="s"),
    ]
    return 0 if all(held) else 1


def made(folder: Path) -> None:
    """A repository of many models, each with its own context, whose last commit changes a quarter of them."""
    git(folder, "init", "--quiet")
    text = EXAMPLE.read_text("utf-8")
    for number in range(MODELS):
        mine = text.replace("iris-classifier", f"iris-{number}").replace("examples/iris", f"models/{number}")
        write(folder / "model-configs" / f"iris-{number}.yaml", mine)
        write(folder / "models" / str(number) / "Dockerfile", "FROM debian:bookworm-slim\nCOPY . /app\n")
        write(folder / "models" / str(number) / ".dockerignore", f"*.md\n# {number}\n__pycache__\n")
        write(folder / "models" / str(number) / "app.py", "")
    commit(folder)
    for number in range(FILES):
        write(folder / "models" / str(number * MODELS // FILES) / "app.py", f"print({number})\n")
    commit(folder)


def write(path: Path, text: str) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def commit(folder: Path) -> None:
    """Everything as it is."""
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "files")


def git(folder: Path, *arguments: str) -> None:
    """Run git in the folder."""
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)


if __name__ == "__main__":
    sys.exit(main())
