"""What git knows of two commits: which paths differ, and what the files of a commit say."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from modelway.adapters import context, git, organisation, scopes, span
from modelway.adapters.scopes import Text
from modelway.core.changes import Scope
from modelway.core.config import ModelConfig
from modelway.core.span import Span
from modelway.errors import Unavailable

FOLDER = "model-configs"
_SUFFIXES = (".yaml", ".yml")
_LINK = "120000"
"""Git's mode of symbolic links."""


@dataclass(frozen=True, slots=True)
class GitHistory:
    """The commits of one repository."""

    root: Path
    parse: Callable[[str, str], ModelConfig | None]
    """A config of a path and its text; ``None`` where it has errors."""

    def span(self, base: str | None, head: str | None, /) -> Span:
        """The two commits to compare; without names, what the workflow or the branch suggests."""
        return span.resolve(self.root, base, head)

    def commit(self, name: str | None, /) -> str:
        """The commit a name means, HEAD without one."""
        return span.commit(self.root, name)

    def paths(self, between: Span, /) -> tuple[str, ...]:
        """Every path that differs. Plumbing, so that nobody's settings matter.

        Without looking for renames: a renamed file is then both of its paths, which is what is wanted.
        """
        told = self._ask("diff-tree", "-r", "-z", "--name-only", "--no-renames", between.base, between.head)
        return tuple(map(os.fsdecode, told.split(b"\0")[:-1]))

    def scopes(self, commit: str, /) -> tuple[Scope, ...]:
        """What each config of a commit is made from."""
        tree = self._tree(commit)
        texts = partial(self._texts, tree)
        return scopes.read(self._configs(tree), tree.keys(), texts, shared=self._policy(tree))

    def models(self, commit: str, paths: Iterable[str], /) -> Mapping[str, str]:
        """Those of the paths that are configs in a commit, and their models."""
        wanted = set(paths)
        found = (config for config in self._configs(self._tree(commit)) if config.path in wanted)
        return {config.path: scopes.model(config.path, config.text) for config in found}

    def configs(self, commit: str, /) -> Mapping[str, ModelConfig | None]:
        """Every config of a commit; ``None`` where it has errors."""
        found = self._configs(self._tree(commit))
        return {config.path: self.parse(config.path, config.text) for config in found}

    def sent(self, ignore: str, paths: Sequence[str], /) -> Sequence[str]:
        """Which paths of a build context a ``.dockerignore`` lets through."""
        return context.sent(ignore, paths)

    def _configs(self, tree: Mapping[str, str]) -> tuple[Text, ...]:
        """The config files of a tree, in order, links followed; hidden ones left out, as by ``validate``."""
        below = (path for path in tree if path.startswith(f"{FOLDER}/") and path.endswith(_SUFFIXES))
        paths = sorted(path for path in below if not any(part.startswith(".") for part in path.split("/")))
        linked = self._texts(tree, [path for path in paths if tree[path].startswith(_LINK)])
        real = {path: _aim(path, linked[path]) if path in linked else path for path in paths}
        texts = self._texts(tree, real.values())
        return tuple(
            Text(path=path, real=real[path], text=texts[real[path]]) for path in paths if real[path] in texts
        )

    def _policy(self, tree: Mapping[str, str]) -> frozenset[str]:
        """The organisation's policy, which judges every model, and the file it is a link to."""
        path = organisation.inside(self.root)
        if path is None:
            return frozenset()
        linked = self._texts(tree, [path]) if tree.get(path, "").startswith(_LINK) else {}
        return frozenset({path, *(_aim(path, aim) for aim in linked.values())})

    def _tree(self, commit: str) -> Mapping[str, str]:
        """Every file and link of a commit: its mode and the name of its content."""
        lines = self._ask("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]
        entries = (os.fsdecode(line).partition("\t") for line in lines)
        heads = {path: head.split() for head, _, path in entries}
        return {path: f"{head[0]} {head[2]}" for path, head in heads.items() if head[1] == "blob"}

    def _texts(self, tree: Mapping[str, str], paths: Iterable[str]) -> dict[str, str]:
        """The texts of files, all read by one process; what the tree does not have is left out."""
        wanted = {path: tree[path].split()[1] for path in paths if path in tree}
        names = list(dict.fromkeys(wanted.values()))
        if not names:
            return {}
        told = memoryview(self._ask("cat-file", "--batch", stdin="\n".join([*names, ""]).encode()))
        texts: dict[str, str] = {}
        for name in names:
            end = bytes(told[:128]).index(b"\n")
            size = int(bytes(told[:end]).split()[2])
            texts[name] = bytes(told[end + 1 : end + 1 + size]).decode("utf-8-sig", errors="replace")
            told = told[end + 1 + size + 1 :]
        return {path: texts[name] for path, name in wanted.items()}

    def _ask(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        """What git answers; raises ``Unavailable`` where it does not."""
        answer = git.ask(self.root, *arguments, stdin=stdin)
        if answer.code != 0:
            what = f"git {arguments[0]} failed"
            raise Unavailable(
                what, seen=answer.tail, cure="see that this is a whole clone of the repository."
            )
        return answer.raw


def _aim(path: str, link: str) -> str:
    """The file that a link is about."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
