"""A team's repository: one tiny model, and workflows of a few lines that call modelway's."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.act.runner import OWN, REF
from tests.rehearsal import model_image

_CALLS: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    "pull-request": ({"pull_request": None}, {}),
    "release": ({"push": {"tags": ["*/v*"]}}, {}),
    "rollback": ({"workflow_dispatch": {"inputs": {}}}, {}),
    "promote": ({"workflow_dispatch": {"inputs": {}}}, {}),
    "drift": ({"schedule": [{"cron": "0 6 * * *"}]}, {}),
}
_RIGHTS = {"contents": "read", "id-token": "write", "pull-requests": "write", "issues": "write"}


def settings(**environment: str) -> dict[str, object]:
    """What a version of the model runs with."""
    return {
        "mode": "realtime",
        "instance_type": "ml.m5.large",
        "execution_role": "tiny-endpoint",
        "environment": environment,
    }


def config(sha256: str, *, version: str = "1", production: str = "healthy") -> dict[str, object]:
    """The tiny model's config; how it behaves in production is up to the test."""
    places = {"account": "111111111111", "region": "eu-west-1", "target": "sagemaker"}
    return {
        "schema_version": 1,
        "name": "tiny",
        "owner": "ml-platform",
        "image": {"strategy": "byoc", "context": "models/tiny", "dockerfile": "models/tiny/Dockerfile"},
        "model_artifact": {"uri": "s3://acme-models/tiny/model.tar.gz", "sha256": sha256},
        "registry": {"account": "333333333333", "region": "eu-west-1", "repository": "ml/tiny"},
        "scan": {"fail_on": "high"},
        "contract_tests": [{"name": "it answers", "body": "[1]", "expect": {"status": 200}}],
        "environments": {
            "staging": {**places, "settings": settings(VERSION=version)},
            "production": {
                **places,
                "account": "222222222222",
                "promote_from": "staging",
                "settings": settings(VERSION=version, BEHAVIOUR=production),
            },
        },
    }


def workflow(name: str, more: dict[str, str]) -> str:
    """A few lines that call one of modelway's workflows."""
    on, given = _CALLS[name]
    job = {
        "uses": f"{OWN}/.github/workflows/{name}.yml@{REF}",
        "permissions": _RIGHTS,
        "with": {**given, **more},
    }
    return yaml.safe_dump(
        {"name": name, "on": on, "permissions": {}, "jobs": {"models": job}}, sort_keys=False
    )


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
        identity = {
            f"GIT_{who}_{what}": "test@test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), **identity}
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
        for name in _CALLS:
            more = {"advisories-url": self.mirror} if name in {"pull-request", "release"} else {}
            path = self.root / f".github/workflows/{name}.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(workflow(name, more))
        (self.root / ".gitignore").write_text(".modelway/\n")
        self.write(config(self.sha256))
        self.commit("A tiny model")
        self.git("remote", "set-head", "origin", "main")

    def write(self, document: dict[str, object]) -> None:
        """Change the model's config."""
        path = self.root / "model-configs/tiny.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(document, sort_keys=False))

    def install(self, package: str) -> None:
        """Put a Python package's metadata into the image."""
        path = self.root / f"models/tiny/packages/{package}-1.0.dist-info/METADATA"
        path.parent.mkdir(parents=True)
        path.write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")

    def call(self, name: str, **given: str) -> None:
        """Let the caller of a workflow hand these inputs over."""
        more = {key.replace("_", "-"): value for key, value in given.items()}
        (self.root / f".github/workflows/{name}.yml").write_text(workflow(name, more))

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
