"""Which models a change touches: pure, from what each config builds on and the paths that differ."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from modelway.core.json import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one model is made from."""

    config: str
    """The config's path."""
    model: str
    files: frozenset[str] = frozenset()
    """Single files: Dockerfile, requirements, bodies of contract tests."""
    folders: frozenset[str] = frozenset()
    """All below counts: the folder of the schema, say."""
    context: str | None = None
    """The build context: all below counts but what ``ignore`` keeps from the build."""
    ignore: str = ""
    """The ``.dockerignore``'s text."""
    bases: frozenset[str] = frozenset()
    """Repositories the image is built on, without tag and digest."""
    repositories: frozenset[str] = frozenset()
    """What the model's own image is called, so that others may build on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A model that a change touches, and why."""

    config: str
    model: str
    reason: str


Sent = Callable[[str, Sequence[str]], Sequence[str]]
"""Which paths of a context a ``.dockerignore``'s text lets through."""


def touched(scopes: Sequence[Scope], paths: Sequence[str], sent: Sent) -> tuple[Touched, ...]:
    """Every touched model, in the order of the scopes; a renamed file is two of the paths."""
    reasons = _Reasons.of(scopes).direct(paths, sent)
    _spread(scopes, reasons)
    return tuple(
        Touched(config=scope.config, model=scope.model, reason=reasons[scope.config])
        for scope in scopes
        if scope.config in reasons
    )


@dataclass(slots=True, kw_only=True)
class _Reasons:
    """Scopes by what they are made from, so that a path is looked up and not searched for."""

    files: dict[str, list[Scope]] = field(default_factory=lambda: defaultdict(list))
    folders: dict[str, list[Scope]] = field(default_factory=lambda: defaultdict(list))
    contexts: dict[str, list[Scope]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, scopes: Iterable[Scope]) -> _Reasons:
        """Index the scopes."""
        index = cls()
        for scope in scopes:
            for name in (scope.config, *map(posixpath.normpath, scope.files)):
                index.files[name].append(scope)
            for name in scope.folders:
                index.folders[posixpath.normpath(name)].append(scope)
            if scope.context is not None:
                index.contexts[posixpath.normpath(scope.context)].append(scope)
        return index

    def direct(self, paths: Sequence[str], sent: Sent) -> dict[str, str]:
        """Config to the first path that touches it."""
        reasons: dict[str, str] = {}
        below: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            for scope in self.files.get(path, ()):
                reasons.setdefault(scope.config, path)
            for folder in _above(path):
                for scope in self.folders.get(folder, ()):
                    reasons.setdefault(scope.config, path)
                if folder in self.contexts:
                    below[folder].append(path)
        for folder, inside in below.items():
            self._in_context(folder, inside, sent, reasons)
        return reasons

    def _in_context(self, folder: str, inside: Sequence[str], sent: Sent, reasons: dict[str, str]) -> None:
        """Contexts are filtered once for each ``.dockerignore``, whoever shares them."""
        kept: dict[str, str | None] = {}
        for scope in self.contexts[folder]:
            if scope.config in reasons:
                continue
            if scope.ignore not in kept:
                relative = [_inside(folder, path) for path in inside]
                let = sent(scope.ignore, relative) if scope.ignore else relative
                kept[scope.ignore] = next(iter(let), None)
            found = kept[scope.ignore]
            if found is not None:
                reasons[scope.config] = posixpath.normpath(posixpath.join(folder, found))


def _inside(folder: str, path: str) -> str:
    """A path as the build context sees it; ``.`` is the context itself, as where it is a submodule."""
    return path if folder == "." else path[len(folder) + 1 :] or "."


def _above(path: str) -> Iterator[str]:
    """The path itself and every folder it lies in, up to ``.``; a changed submodule is such a path."""
    while path:
        yield path
        path = posixpath.dirname(path)
    yield "."


def _spread(scopes: Sequence[Scope], reasons: dict[str, str]) -> None:
    """Models built on the image of a touched model are touched, and those built on theirs."""
    built_on: dict[str, list[Scope]] = defaultdict(list)
    for scope in scopes:
        for base in scope.bases:
            built_on[base].append(scope)
    if not built_on:
        return
    waiting = [scope for scope in scopes if scope.config in reasons]
    while waiting:
        changed = waiting.pop()
        for repository in changed.repositories:
            for scope in built_on.get(repository, ()):
                if scope.config not in reasons:
                    reasons[scope.config] = f"its base image is built by {changed.config}"
                    waiting.append(scope)


def matrix(found: Sequence[Touched]) -> JsonObject:
    """What ``strategy.matrix`` of a job takes."""
    include: list[Json] = [{"config": one.config, "model": one.model} for one in found]
    return {"include": include}


def batches(found: Sequence[Touched], size: int) -> list[Json]:
    """Matrices of at most ``size`` jobs each, in order."""
    return [matrix(found[start : start + size]) for start in range(0, len(found), size)]


def deleted(before: Mapping[str, str], scopes: Sequence[Scope]) -> tuple[tuple[str, str], ...]:
    """Configs that are gone, with their models: those no config defines any more."""
    models = {scope.model for scope in scopes}
    return tuple((config, model) for config, model in sorted(before.items()) if model not in models)
