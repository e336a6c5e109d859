"""A team's repository: made by ``init``, with one tiny model."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.act.runner import OWN, REF, ROOT
from tests.rehearsal import model_image
from tests.rehearsal.clients import PRODUCTION, REGISTRY, STAGING

CONFIG = "model-configs/tiny.yaml"
WORKFLOW = ".github/workflows/modelway.yml"
RESUME = f"""\
on: workflow_dispatch
permissions: {{}}
jobs:
  resume:
    uses: {OWN}/.github/workflows/promote.yml@{REF}
    permissions: {{contents: read, id-token: write}}
    with: {{config: {CONFIG}, environment: staging, resume: true}}
"""
"""What a team has on a schedule."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """The repository, and the one it is a clone of."""

    root: Path
    origin: Path
    sha256: str
    """Of the model's weights."""
    mirror: str
    """Where OSV's advisories are."""

    def git(self, *arguments: str) -> str:
        """Run git here."""
        who = {
            f"GIT_{who}_{what}": "test@test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), **who}
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def make(self) -> None:
        """The first commit, on main."""
        self.git("init", "--quiet", "--initial-branch=main")
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", self.origin], check=True)
        self.git("remote", "add", "origin", str(self.origin))
        model_image.write_context(self.root / "models/tiny")
        with (self.root / "models/tiny/Dockerfile").open("a") as file:
            file.write("COPY packages /usr/lib/python3/dist-packages\n")
        (self.root / "models/tiny/.dockerignore").write_text("Dockerfile\n")
        self.install("steady")
        self._init()
        (self.root / ".github/workflows/resume.yml").write_text(RESUME)
        (self.root / ".gitignore").write_text(".modelway/\n")
        self.configure()
        self.commit("A tiny model")
        self.git("remote", "set-head", "origin", "main")

    def _init(self) -> None:
        """Let modelway write config and workflow; only the advisories come from somewhere else."""
        command = [sys.executable, "-m", "modelway", "init", "--name", "tiny", "--owner", "ml-platform"]
        command += ["--registry-account", REGISTRY, "--staging-account", STAGING]
        command += ["--production-account", PRODUCTION, "--repository", "acme/models"]
        command += ["--modelway", OWN, "--ref", REF, "--release", "v0.0.1"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
        subprocess.run(command, cwd=self.root, env=environment, check=True, capture_output=True)
        path = self.root / WORKFLOW
        lines = path.read_text().splitlines()
        for name in ("pull-request", "release"):
            place = next(n for n, line in enumerate(lines) if f"/{name}.yml@" in line)
            lines.insert(place + 1, f"    with: {{advisories-url: {self.mirror}}}")
        path.write_text("\n".join(lines) + "\n")

    def configure(self, *, version: str = "1", production: str = "healthy", **more: object) -> None:
        """Change the model's config: settings that make another version, or how it behaves in production."""
        path = self.root / CONFIG
        document = yaml.safe_load(path.read_text()) | more
        document["model_artifact"] = {"uri": "s3://acme-models/tiny/model.tar.gz", "sha256": self.sha256}
        staging, last = document["environments"]["staging"], document["environments"]["production"]
        staging["settings"]["environment"] = {"VERSION": version}
        last["settings"]["environment"] = {"VERSION": version, "BEHAVIOUR": production}
        last.pop("rollout", None)
        path.write_text(yaml.safe_dump(document, sort_keys=False))

    def install(self, package: str) -> None:
        """Put a Python package's metadata into the image."""
        path = self.root / f"models/tiny/packages/{package}-1.0.dist-info/METADATA"
        path.parent.mkdir(parents=True)
        path.write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")

    def commit(self, message: str, *, tag: str = "") -> None:
        """Commit, perhaps tag, and push."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        if tag:
            self.git("tag", tag)
        self.git("push", "--quiet", "--tags", "--force", "origin", "HEAD")

    def branch(self, name: str) -> None:
        """Begin a branch at main."""
        self.git("checkout", "--quiet", "main")
        self.git("checkout", "--quiet", "-b", name)
