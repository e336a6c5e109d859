# ruff: noqa: INP001  (a script of its own, in no package)
"""Writes docs/reference/workflows.md: ``PYTHONPATH=scripts python docs/generate_workflow_reference.py``.

Every workflow that other repositories call becomes a section; a test compares the page.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "workflows.md"
HEAD = """\
# The workflows

Written by `docs/generate_workflow_reference.py` from `.github/workflows/`. A repository calls them as
`uses: OWNER/modelway/.github/workflows/NAME.yml@SHA # vX.Y.Z` ([quick start](../how-to/quick-start-team.md));
GitHub takes the actions inside them from the same commit. What has not been seen on GitHub itself is
[listed](github.md).

The caller's job grants the permissions; each job inside takes only those it needs. Roles are named by the
configs; the variables `MODELWAY_BUILD_ROLE`, `MODELWAY_PUSH_ROLE` and `MODELWAY_DEPLOY_ROLE`, of the
repository or of an environment, name others.
"""
PUBLIC = ("pull-request", "release", "promote", "rollback", "drift", "rescan", "registry")


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(line for name in PUBLIC for line in _workflow(name))])


def _workflow(name: str) -> Iterator[str]:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    comment = itertools.takewhile(lambda line: line.startswith("# "), text.splitlines())
    document = yaml.safe_load(text)
    call = document[True]["workflow_call"]  # YAML 1.1 reads the key `on` as true
    yield f"## {name}\n"
    yield from (line.removeprefix("# ") for line in comment)
    wanted = {right for job in document["jobs"].values() for right in _rights(job)}
    yield f"\nPermissions the caller grants: {', '.join(f'`{right}`' for right in sorted(wanted))}\n"
    yield "| input | required | default | meaning |\n| --- | --- | --- | --- |"
    for key, told in call["inputs"].items():
        needed = "yes" if told.get("required") else ""
        default = f"`{json.dumps(told['default'])}`" if told.get("default", "") != "" else ""
        yield f"| `{key}` | {needed} | {default} | {_cell(told['description'])} |"
    yield "\n| output | meaning |\n| --- | --- |"
    for key, told in call["outputs"].items():
        yield f"| `{key}` | {_cell(told['description'])} |"
    yield ""


def _rights(job: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    return (f"{name}: {how}" for name, how in job["permissions"].items())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
