"""The user's repository: its configs, its commits, and GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from modelway.core.changes import Scope
    from modelway.core.config import ModelConfig
    from modelway.core.hosting import HostedEnvironment, HostedRepository, Subject
    from modelway.core.problem import Problem
    from modelway.core.scan_spec import Organisation
    from modelway.core.span import Span
    from modelway.core.verdict import Approval


class Configs(Protocol):
    """Reads model configs from the repository."""

    def find(self, paths: Sequence[str], /) -> tuple[Path, ...]:
        """Config files under the paths; under ``model-configs/`` when none is given."""

    def read(self, path: Path, /) -> tuple[ModelConfig | None, tuple[Problem, ...]]:
        """Parse and check one file: the config unless there are errors, and every problem."""

    def load(self, path: Path, /) -> ModelConfig:
        """Parse and check one file; raises ``Malformed`` listing every error."""

    def organisation(self) -> tuple[Organisation | None, tuple[Problem, ...]]:
        """The organisation's policy as it lies here, unless there is none or it has errors."""


class History(Protocol):
    """The repository's commits."""

    def span(self, base: str | None, head: str | None, /) -> Span:
        """The two commits to compare: as named, or as the workflow's event or the branch suggests.

        Raises ``Malformed`` for a name git does not know, ``Unavailable`` where a clone is too shallow.
        """

    def commit(self, name: str | None, /) -> str:
        """The commit a name means, HEAD without one; raises ``Malformed``."""

    def paths(self, span: Span, /) -> tuple[str, ...]:
        """Every path that differs; a renamed file is two of them."""

    def scopes(self, commit: str, /) -> tuple[Scope, ...]:
        """What each config of a commit is made from."""

    def models(self, commit: str, paths: Iterable[str], /) -> Mapping[str, str]:
        """Those of the paths that are configs in a commit, and their models."""

    def configs(self, commit: str, /) -> Mapping[str, ModelConfig | None]:
        """Every config of a commit by its path; ``None`` where it has errors."""

    def sent(self, ignore: str, paths: Sequence[str], /) -> Sequence[str]:
        """Which paths of a build context a ``.dockerignore``'s text lets through."""


class CodeHost(Protocol):
    """GitHub, as far as it is asked about this repository."""

    def pull_request(self) -> int | None:
        """The number of the pull request this workflow runs for."""

    def comment(self, pull_request: int, marker: str, markdown: str, /) -> str | None:
        """Write the comment that begins with the marker, or update our own; its address.

        ``None`` where the token may only read, as a fork's.
        """

    def issue(self, marker: str, title: str, markdown: str, /) -> str | None:
        """Open the issue whose text begins with the marker, or update our own open one; its address.

        ``None`` where the token may only read.
        """

    def close_issue(self, marker: str, words: str, /) -> str | None:
        """Say why, and close our own open issue that begins with the marker; ``None`` where there is none."""

    def repository(self) -> HostedRepository:
        """The repository, and its owner's plan where the token may ask."""

    def environments(self) -> tuple[HostedEnvironment, ...]:
        """Its environments and their reviewers."""

    def subject(self) -> Subject:
        """How its jobs are named in OIDC tokens."""

    def approval(self, environment: str, /) -> Approval | None:
        """Who started this workflow run and approved it for the environment; ``None`` outside one."""
