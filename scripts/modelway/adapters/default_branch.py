"""The repository's default branch as this clone has it, no older than what is checked out."""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelway.adapters import environment, git
from modelway.adapters.config_text import LARGEST
from modelway.core.json import Json
from modelway.errors import NotEvaluated, Unavailable

FOLDER = "model-configs"
SUFFIXES = (".yaml", ".yml")
_LINK = "120000"


class Branch(Protocol):
    """Files of one commit of the branch."""

    @property
    def name(self) -> str:
        """The branch."""

    @property
    def words(self) -> str:
        """The branch and its commit, for people."""

    def text(self, path: str, /) -> str | None:
        """A file's text; ``None`` where the branch has no such file."""

    def naming(self, word: str, /) -> Iterator[tuple[str, str]]:
        """Every YAML file that has a word in it, wherever it lies: its path and its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneBranch:
    """Implements ``Branch`` with objects of the clone."""

    root: Path
    name: str
    commit: str

    @property
    def words(self) -> str:
        """The branch and its commit."""
        return f"{self.name} ({self.commit[:12]})"

    def text(self, path: str, /) -> str | None:
        """A file's text, one link followed."""
        found = self._entry(path)
        if found and found[0] == _LINK:
            aim = self._blob(found[1], path)
            found = self._entry(posixpath.normpath(posixpath.join(posixpath.dirname(path), aim)))
        return self._blob(found[1], path) if found else None

    def naming(self, word: str, /) -> Iterator[tuple[str, str]]:
        """Every YAML file of the commit that has a word in it; links lead to files that are found anyway."""
        patterns = [f":(top)*{suffix}" for suffix in SUFFIXES]
        command = ("grep", "-l", "-z", "-I", "--full-name", "-F", "-e", word, self.commit, "--", *patterns)
        for name in self._ask(*command, nothing=1).split(b"\0")[:-1]:
            path = os.fsdecode(name).removeprefix(f"{self.commit}:")
            text = self.text(path)
            if text is not None:
                yield path, text

    def _entry(self, path: str) -> tuple[str, str] | None:
        """A file's mode and the name of its content."""
        told = self._ask("ls-tree", "-z", "--full-tree", self.commit, "--", path)
        head = os.fsdecode(told.partition(b"\t")[0]).split()
        return (head[0], head[2]) if len(head) > 2 and head[1] == "blob" else None  # noqa: PLR2004

    def _blob(self, name: str, path: str) -> str:
        size = int(self._ask("cat-file", "-s", name))
        if size > LARGEST:
            raise unreadable(path, self.words, f"it has {size:,} bytes; at most {LARGEST:,} are read")
        return decoded(self._ask("cat-file", "blob", name), path, self.words)

    def _ask(self, *arguments: str, nothing: int = 0) -> bytes:
        """What git answers; ``nothing`` is the code by which it says that there is none."""
        answer = git.ask(self.root, *arguments)
        if answer.code not in {0, nothing}:
            cure = "check out with actions/checkout without `filter`, or give GITHUB_TOKEN `contents: read`."
            raise Unavailable(f"git cannot read {self.words} in this clone", seen=answer.tail, cure=cure)
        return answer.raw


def of_clone(root: Path) -> CloneBranch | None:
    """The default branch; ``None`` where this clone does not have it, or perhaps only an old state of it.

    A runner that keeps its workspace keeps branches of earlier fetches. The branch is known to be no older
    than the checkout where its history holds the checkout, or what a pull request is to be merged into.
    """
    event = _event()
    name = _name(root, event)
    found = git.ask(root, "rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{name}^{{commit}}")
    if not name or found.code != 0:
        return None
    commit = found.out.strip()
    known = git.ask(root, "merge-base", "--is-ancestor", _witness(event, name), commit)
    return CloneBranch(root=root, name=name, commit=commit) if known.code == 0 else None


def _name(root: Path, event: Mapping[str, Json]) -> str:
    """The default branch's name: as the event says, or as this clone does."""
    repository = event.get("repository")
    name = repository.get("default_branch") if isinstance(repository, Mapping) else None
    if isinstance(name, str) and name:
        return name
    head = git.ask(root, "symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")
    return head.out.strip().removeprefix("refs/remotes/origin/") if head.code == 0 else ""


def _witness(event: Mapping[str, Json], name: str) -> str:
    """A commit the branch has, if it is not old."""
    for kind, key, where in (("pull_request", "base", "sha"), ("merge_group", "base_sha", "")):
        about = event.get(kind)
        told = about.get(key) if isinstance(about, Mapping) else None
        if isinstance(told, Mapping) and told.get("ref") == name:
            told = told.get(where)
        if isinstance(told, str) and told:
            return told
    return "HEAD"


def _event() -> Mapping[str, Json]:
    """The webhook's payload; empty where there is none."""
    path = environment.get("GITHUB_EVENT_PATH")
    try:
        payload: Json = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    return payload if isinstance(payload, Mapping) else {}


def decoded(data: bytes, path: str, where: str) -> str:
    """UTF-8; raises ``NotEvaluated`` for anything else."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(path, where, str(error)) from error


def unreadable(path: str, where: str, seen: str) -> NotEvaluated:
    """A file on the branch that decides, and says nothing."""
    what = f"{path} of {where} cannot be read, so nobody knows the policy"
    return NotEvaluated(what, seen=seen, cure=f"correct the file on {where.partition(' ')[0]} first.")
