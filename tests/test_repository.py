"""What holds for the repository as a whole: its words agree, and it names no machine."""

from __future__ import annotations

import ast
import re
import subprocess
from datetime import date
from pathlib import Path

import pytest

from modelway import errors
from modelway.adapters.configs import Configs
from modelway.commands import VERBS
from modelway.core.problem import Level


def tracked(root: Path, *patterns: str) -> list[Path]:
    """Files git keeps, or those of a tree that is not git's."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", *patterns], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git working copy, or one git does not trust")
    return [root / name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


# In pieces, so that this file is not its own first finding.
FORBIDDEN = [
    *(".".join(parts) for parts in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org")]),
    *(".".join(parts) for parts in [("deb", "debian", "org"), ("security", "debian", "org")]),
    *("/".join(parts) for parts in [("", "home", "runner", "work"), ("", "Users", "")]),
]


@pytest.mark.parametrize("word", FORBIDDEN)
def test_no_file_names_a_package_index_or_a_home(root: Path, word: str) -> None:
    found = [
        f"{path.relative_to(root)}:{number}"
        for path in tracked(root)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if word in line
    ]
    assert found == []


def test_the_readme_and_help_know_the_same_commands(root: Path) -> None:
    table = re.findall(r"^\| `([a-z-]+)[^`]*`", (root / "README.md").read_text(), re.MULTILINE)
    assert table == list(VERBS)


def test_every_command_is_a_module_and_every_module_a_command(root: Path) -> None:
    modules = {path.stem for path in (root / "scripts/modelway/commands").glob("*.py")}
    helpers = {"__init__", "action", "options"}
    assert {module for module, _ in VERBS.values()} == modules - helpers


def test_links_in_documents_lead_somewhere(root: Path) -> None:
    broken = [
        f"{path.relative_to(root)}: {target}"
        for path in tracked(root, "*.md")
        for target in re.findall(r"\]\((?![a-z]+:|#)([^)#\s]+)", path.read_text())
        if not (path.parent / target).exists()
    ]
    assert broken == []


def modules(root: Path) -> list[Path]:
    return sorted((root / "scripts" / "modelway").rglob("*.py"))


def test_a_module_fits_into_a_head(root: Path) -> None:
    """At most 350 lines a file; half of them should have fewer than 130."""
    lengths = {str(path.relative_to(root)): len(path.read_text().splitlines()) for path in modules(root)}
    assert {name: length for name, length in lengths.items() if length > 350} == {}


def test_a_function_fits_on_a_screen(root: Path) -> None:
    """At most 45 lines a function, its docstring included."""
    long = {}
    for path in modules(root):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > 45:
                    long[f"{path.relative_to(root)}:{node.name}"] = length
    assert long == {}


def test_the_requirement_files_are_locked_by_hashes_and_name_no_index(root: Path) -> None:
    for name in ("run", "rehearsal", "dev"):
        text = (root / "requirements" / f"{name}.txt").read_text()
        blocks = [block for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE) if "==" in block]
        assert len(blocks) > 10
        assert all("--hash=sha256:" in block for block in blocks)
        assert "index-url" not in text
        assert not re.search(r"[a-z]+://", text)


def test_each_requirement_set_holds_the_one_below_it(root: Path) -> None:
    pins = {
        name: set(
            re.findall(
                r"^([a-z0-9._-]+==\S+)", (root / "requirements" / f"{name}.txt").read_text(), re.MULTILINE
            )
        )
        for name in ("run", "rehearsal", "dev")
    }
    assert pins["run"] <= pins["rehearsal"] <= pins["dev"]


def test_the_readmes_smallest_config_is_valid(root: Path, tmp_path: Path) -> None:
    text = re.findall(r"```yaml\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)[0]
    for path in ("examples/iris/Dockerfile", "model-configs/iris.yaml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "examples/iris/Dockerfile").write_text("FROM scratch\n")
    config = tmp_path / "model-configs/iris.yaml"
    config.write_text(text)
    _, problems = Configs(tmp_path, today=lambda: date(2026, 1, 1)).read(config)
    assert [str(problem) for problem in problems if problem.level is Level.ERROR] == []


def test_the_readme_tells_every_exit_code(root: Path) -> None:
    told = {int(code) for code in re.findall(r"\| (\d+) (?=\|)", (root / "README.md").read_text())}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert told == {0, 130} | {kind.exit_code for kind in kinds if issubclass(kind, errors.Failure)}
