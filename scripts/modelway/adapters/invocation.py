"""Where and for whom this process runs: the checkout it stands in, and the workflow's run."""

from __future__ import annotations

from pathlib import Path

from modelway.adapters import environment, git
from modelway.ports import Reporter, Run

WORKSPACE = ".modelway"
"""Folder under the repository's root for files that may be thrown away."""


def look(reporter: Reporter) -> Run:
    """Where and for whom this process runs."""
    checkout = git.look(Path.cwd())
    if checkout.trouble:
        reporter.warn(checkout.trouble)
    return Run(
        root=checkout.root,
        workspace=checkout.root / WORKSPACE,
        ci=environment.get("GITHUB_ACTIONS") == "true",
        source=checkout.source,
        revision=checkout.revision,
        ref=environment.get("GITHUB_REF"),
        workflow=environment.get("GITHUB_WORKFLOW_REF"),
        url=_url(),
    )


def _url() -> str:
    """The workflow run's address; empty on a laptop."""
    server, name, number = (
        environment.get(f"GITHUB_{part}") for part in ("SERVER_URL", "REPOSITORY", "RUN_ID")
    )
    return f"{server}/{name}/actions/runs/{number}" if server and name and number else ""
