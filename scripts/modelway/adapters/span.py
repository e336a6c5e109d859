"""Which commits to compare: as named, as the workflow's event says, or as the branch suggests.

Events: docs.github.com "Webhook events and payloads" (push, merge_group) and "Variables"
(``GITHUB_BASE_REF``, ``GITHUB_EVENT_NAME``, ``GITHUB_EVENT_PATH``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelway.adapters import environment, git
from modelway.core.json import Json
from modelway.core.span import Span
from modelway.errors import Malformed, Unavailable

_WHOLE = "actions/checkout with `fetch-depth: 0`; in a clone of your own: git fetch --unshallow"
_DEFAULTS = (
    "refs/remotes/upstream/HEAD",
    "refs/remotes/origin/HEAD",
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
)
"""Where a change goes: a fork's own remote is called ``upstream`` by convention."""


def resolve(root: Path, base: str | None, head: str | None) -> Span:
    """The two commits; raises ``Malformed`` for unknown names, ``Unavailable`` in shallow clones."""
    place, to = _Place(root), commit(root, head)
    if base:
        return place.forked(to, place.commit(base, "--base"), f"since {base}")
    if environment.get("GITHUB_ACTIONS") == "true":
        return _of_event(place, to)
    return _of_branch(place, to)


def commit(root: Path, name: str | None) -> str:
    """The commit a name means, HEAD without one; raises ``Malformed``."""
    return _Place(root).commit(name or "HEAD", "--head")


def _of_event(place: _Place, head: str) -> Span:
    """What the workflow's event is about."""
    event = _event()
    if branch := environment.get("GITHUB_BASE_REF"):
        return place.forked(head, place.branch(branch), f"since the pull request left {branch}")
    group = event.get("merge_group")
    before = group.get("base_sha") if isinstance(group, Mapping) else event.get("before")
    if isinstance(before, str) and before.strip("0"):
        known = place.find(before)
        if known:
            return Span(base=known, head=head, words=f"since {before[:12]}, what the event says was there")
        place.refuse_shallow(f"the commit before the push, {before[:12]},")
        # After a forced push nobody has the commit any more.
    return _of_default(place, head, _default_branch(event))


def _of_default(place: _Place, head: str, branch: str) -> Span:
    """A new branch, a tag, a manual run: what the default branch does not have; all, on that itself."""
    name = place.known_branch(branch) if branch else place.default()
    base = place.merge_base(name, head) if name else None
    if base is None or base == head:
        return Span(base=place.nothing(), head=head, words="all there is: nothing to compare with")
    return Span(base=base, head=head, words=f"since it left {branch or 'the default branch'}")


def _of_branch(place: _Place, head: str) -> Span:
    """On a laptop: since this left the branch it will go to."""
    name = place.default()
    if name is None:
        raise Malformed(
            "there is no remote default branch to compare with",
            seen="Looked for the remote's HEAD, main and master at origin.",
            cure="say what to compare with: --base REF; or: git remote set-head origin --auto",
        )
    return place.forked(head, name, "since it left the remote's default branch")


@dataclass(frozen=True, slots=True)
class _Place:
    """A clone, asked about commits."""

    root: Path

    def find(self, name: str) -> str | None:
        """The commit a name means here."""
        found = git.ask(
            self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        )
        return found.out.strip() if found.code == 0 else None

    def commit(self, name: str, option: str) -> str:
        """The commit a person named; raises ``Malformed``."""
        found = self.find(name)
        if found:
            return found
        inside = git.ask(self.root, "rev-parse", "--git-dir")
        if inside.code != 0:
            cure = "run it inside the clone of a repository."
            raise Malformed("git knows no repository here", seen=inside.tail, cure=cure)
        self.refuse_shallow(f"{option} {name}")
        cure = "name a branch, a tag or a commit that this clone has; git fetch may bring it."
        raise Malformed(f"{option}: git knows no commit {name!r}", cure=cure)

    def branch(self, name: str) -> str:
        """The base branch of a pull request."""
        found = self.known_branch(name)
        if found:
            return found
        what = f"the base branch {name} is not in this clone"
        raise Unavailable(what, seen=f"Looked for origin/{name}.", cure=f"fetch all of it: {_WHOLE}")

    def known_branch(self, name: str) -> str | None:
        """A branch by its name at origin, or its name here."""
        return self.find(f"refs/remotes/origin/{name}") or self.find(f"refs/heads/{name}")

    def default(self) -> str | None:
        """The remote's default branch, as far as this clone knows."""
        return next(filter(None, map(self.find, _DEFAULTS)), None)

    def forked(self, head: str, other: str, words: str) -> Span:
        """From where ``head`` left another commit's history."""
        base = self.merge_base(other, head)
        if base is None:
            self.refuse_shallow("the commit where the two histories part")
            what = f"{head[:12]} and {other[:12]} have no common history"
            raise Malformed(what, cure="name another commit to compare with: --base REF")
        return Span(base=base, head=head, words=words)

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor."""
        found = git.ask(self.root, "merge-base", one, other)
        return found.out.strip() if found.code == 0 else None

    def nothing(self) -> str:
        """The empty tree, in whichever hash the repository uses."""
        return git.ask(self.root, "hash-object", "-t", "tree", "--stdin", stdin=b"").out.strip()

    def refuse_shallow(self, missing: str) -> None:
        """Raise ``Unavailable`` where what is missing may only not have been fetched."""
        if git.ask(self.root, "rev-parse", "--is-shallow-repository").out.strip() != "true":
            return
        what = f"this clone is shallow, and {missing} is not in it"
        raise Unavailable(what, seen="Nobody can tell what changed without it.", cure=f"fetch all: {_WHOLE}")


def _event() -> Mapping[str, Json]:
    """The webhook's payload; empty where there is none."""
    path = environment.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    try:
        payload: Json = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        cure = "it is the runner that writes this file; run the job again."
        raise Unavailable("GITHUB_EVENT_PATH cannot be read", seen=str(error), cure=cure) from error
    return payload if isinstance(payload, Mapping) else {}


def _default_branch(event: Mapping[str, Json]) -> str:
    """The repository's default branch, as the event says."""
    repository = event.get("repository")
    name = repository.get("default_branch") if isinstance(repository, Mapping) else ""
    return name if isinstance(name, str) else ""
