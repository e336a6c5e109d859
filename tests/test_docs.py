"""The documentation is what the program says of itself, and no page of it is lost."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from modelway.targets import TARGETS
from tests.adapters.test_configs import SMALLEST, problems, repository
from tests.test_repository import tracked


def test_the_command_reference_is_what_the_commands_say(root: Path) -> None:
    """Otherwise: PYTHONPATH=scripts python docs/generate_command_reference.py."""
    script = runpy.run_path(str(root / "docs" / "generate_command_reference.py"))
    assert (root / "docs/reference/commands.md").read_text("utf-8") == script["page"]()


def test_the_scan_rules_are_what_the_scanner_looks_for(root: Path) -> None:
    """Otherwise: PYTHONPATH=scripts python docs/generate_scan_rules.py."""
    script = runpy.run_path(str(root / "docs" / "generate_scan_rules.py"))
    assert (root / "docs/reference/scan-rules.md").read_text("utf-8") == script["page"]()


def test_the_workflow_reference_is_what_the_workflows_say(root: Path) -> None:
    """Otherwise: PYTHONPATH=scripts python docs/generate_workflow_reference.py."""
    script = runpy.run_path(str(root / "docs" / "generate_workflow_reference.py"))
    assert (root / "docs/reference/workflows.md").read_text("utf-8") == script["page"]()


def test_the_index_names_every_page(root: Path) -> None:
    docs = root / "docs"
    named = re.findall(r"\]\(([a-z-]+/[^)#]+\.md)", (docs / "README.md").read_text("utf-8"))
    kept = tracked(root, "docs/*/*.md")
    pages = {str(path.relative_to(docs)) for path in kept if path.parent.name != "adr"}
    assert {*named} - {"adr/README.md"} == pages


def test_the_decisions_are_all_listed(root: Path) -> None:
    folder = root / "docs" / "adr"
    listed = re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


@pytest.mark.parametrize("target", TARGETS)
def test_the_page_of_a_target_tells_all_that_one_asks_of_a_platform(root: Path, target: str) -> None:
    page = (root / f"docs/reference/{target}.md").read_text("utf-8")
    headings = " / ".join(re.findall(r"^##+ (.*)$", page, re.MULTILINE))
    asked = (
        "The smallest environment",
        "What it creates",
        "How a version gets the traffic",
        "Going back",
        "Permissions",
        "Limits",
        "cold starts",
        "What drives the cost",
        "What was not seen on AWS",
    )
    assert [words for words in asked if words.lower() not in headings.lower()] == []


@pytest.mark.parametrize("target", TARGETS)
def test_the_smallest_environment_of_a_page_is_valid(root: Path, tmp_path: Path, target: str) -> None:
    page = (root / f"docs/reference/{target}.md").read_text("utf-8")
    shown = re.search(r"^```yaml\n(environments:\n.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert shown
    assert f"target: {target}\n" in shown[1]
    around = SMALLEST.partition("environments:\n")[0]
    assert [str(problem) for problem in problems(repository(tmp_path, around + shown[1]))] == []
