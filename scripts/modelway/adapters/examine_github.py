"""What ``doctor`` looks at on GitHub: environments, their reviewers, how OIDC subjects are made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from modelway.core.access import glass_environment
from modelway.core.config import ModelConfig
from modelway.core.diagnosis import Diagnosis, Examination, missing, ok
from modelway.core.hosting import HostedEnvironment, HostedRepository
from modelway.errors import Failure, Unavailable
from modelway.ports import CodeHost

T = TypeVar("T")
_AREA = "GitHub"


class _Once:
    """Answers asked for once, whoever needs them first."""

    def __init__(self, opened: Callable[[], CodeHost]) -> None:
        self._opened, self._lock = opened, threading.Lock()
        self._answers: dict[str, object] = {}

    def repository(self) -> HostedRepository:
        return self._answer("repository", lambda host: host.repository())

    def environments(self) -> tuple[HostedEnvironment, ...]:
        return self._answer("environments", lambda host: host.environments())

    def host(self) -> CodeHost:
        return self._answer("host", lambda host: host)

    def _answer(self, name: str, ask: Callable[[CodeHost], T]) -> T:
        with self._lock:
            if name not in self._answers:
                try:
                    self._answers[name] = ask(self._opened())
                except Failure as failure:
                    self._answers[name] = failure
            answer = self._answers[name]
        if isinstance(answer, Failure):
            raise answer
        return answer  # type: ignore[return-value]  # what ask returned under this name


def examinations(configs: Sequence[ModelConfig], opened: Callable[[], CodeHost]) -> Iterator[Examination]:
    """The repository, each environment once, and OIDC."""
    once = _Once(opened)
    yield Examination(area=_AREA, subject="repository", look=lambda: ok(once.repository().name))
    names: dict[str, bool] = {}
    for config in configs:
        for place in config.environments.values():
            names[place.name] = names.get(place.name, False) or place.promote_from is not None
            if place.break_glass_role:
                names[glass_environment(place.name)] = True
    for name, guarded in names.items():
        yield Examination(
            area=_AREA,
            subject=f"environment {name}",
            look=partial(_environment, once, name, needs_reviewers=guarded),
        )
    if names:
        yield Examination(area=_AREA, subject="OIDC subject", look=lambda: _subject(once))


def _environment(once: _Once, name: str, *, needs_reviewers: bool) -> Diagnosis:
    """There, and where something is promoted to, somebody has to approve."""
    path = f"repos/{once.repository().name}/environments/{name}"
    found = next((one for one in once.environments() if one.name == name), None)
    if found is None:
        return missing("it does not exist", f"gh api --method PUT {path}")
    if not needs_reviewers:
        return ok("there")
    if found.reviewers:
        return ok(f"{found.reviewers} required reviewer{'s' * (found.reviewers > 1)}")
    return _without_reviewers(once.repository(), path)


def _without_reviewers(repository: HostedRepository, path: str) -> Diagnosis:
    """Nobody has to approve: because nobody was named, or because the plan has no reviewers."""
    listed = (
        'let production wait for somebody on a list: `production: ""` for release.yml, and promote.yml by'
        " workflow_dispatch by its list of people (docs/how-to/start-a-repository.md)"
    )
    command = f'gh api --method PUT {path} --input - <<<\'{{"reviewers": [{{"type": "Team", "id": ID}}]}}\''
    match repository.reviewers_possible:
        case True:
            return missing("it has no required reviewers: nobody approves a release", command)
        case False:
            plan = f"GitHub {repository.plan.capitalize()}"
            seen = f"{plan} has no required reviewers for private repositories: nobody approves a release"
            return missing(seen, f"{listed}; or use GitHub Enterprise, or a public repository")
        case None:
            seen = "it has no required reviewers, and this token may not see whether the plan has any"
            raise Unavailable(seen, cure=f"{command}; where GitHub refuses that (422), {listed}")


def _subject(once: _Once) -> Diagnosis:
    """Made as the trust policies of ``iam`` expect it."""
    name = once.repository().name
    found = once.host().subject()
    if found.default:
        form = {True: "with ids", False: "with names"}.get(found.immutable is True, "")
        told = f", {form}" if found.immutable is not None else "; `iam` prints trust for both its forms"
        return ok(f"GitHub's own{told}")
    cure = f"gh api --method PUT repos/{name}/actions/oidc/customization/sub -F use_default=true"
    return missing(f"it is made of {', '.join(found.claims)}: the trust policies of `iam` do not match", cure)
