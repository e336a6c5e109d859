"""Who may assume a role: jobs of one GitHub repository, by OIDC, and roles of other accounts.

Subjects: docs.github.com "OpenID Connect reference". A job with an environment has the environment as its
subject, whatever its ref. Repositories made or renamed since 2026-07-15 have the immutable form, in which
owner and repository carry their ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelway.core.iam import VERSION, Condition, conditions_json, equals
from modelway.core.json import Json, JsonObject

ISSUER = "token.actions.githubusercontent.com"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The GitHub repository whose jobs are trusted."""

    name: str
    """``ORG/REPO``."""
    repository_id: str = ""
    owner_id: str = ""
    default_branch: str = "main"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            msg = f"not ORG/REPO: {self.name!r}"
            raise ValueError(msg)
        for number in (self.repository_id, self.owner_id):
            if number and not (number.isascii() and number.isdecimal()):
                msg = f"not an id of GitHub's, which is a number: {number!r}"
                raise ValueError(msg)
        if any(sign in self.default_branch for sign in "*?${"):
            msg = f"not a branch: {self.default_branch!r}"
            raise ValueError(msg)

    def subjects(self, rest: str) -> tuple[str, ...]:
        """A subject in every form the repository may have."""
        plain = f"repo:{self.name}:{rest}"
        if not (self.repository_id and self.owner_id):
            return (plain,)
        owner, _, name = self.name.partition("/")
        return (plain, f"repo:{owner}@{self.owner_id}/{name}@{self.repository_id}:{rest}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom a role trusts."""

    claims: tuple[str, ...]
    """What follows the repository in a subject: ``environment:production``, ``ref:refs/tags/*``."""
    principals: tuple[str, ...] = ()
    """ARNs of roles in other accounts."""


def claims_of(environments: Iterable[str]) -> tuple[str, ...]:
    """Jobs of these environments, which their reviewers have let pass."""
    return tuple(f"environment:{name}" for name in sorted(environments))


def refs(repository: Repository, models: Sequence[str]) -> tuple[str, ...]:
    """Release tags of these models, and the default branch."""
    tags = (f"ref:refs/tags/{model}/v*" for model in sorted(models))
    return (f"ref:refs/heads/{repository.default_branch}", *tags)


def document(trust: Trust, repository: Repository, account: str, partition: str) -> JsonObject:
    """The trust policy; each list of values is one any of which must match, never ``ForAllValues``."""
    statements: list[Json] = [_github(trust, repository, account, partition)] if trust.claims else []
    if trust.principals:
        statements.append(_roles(trust.principals))
    return {"Version": VERSION, "Statement": statements}


def _github(trust: Trust, repository: Repository, account: str, partition: str) -> JsonObject:
    """Jobs of the repository."""
    subjects = tuple(subject for claim in trust.claims for subject in repository.subjects(claim))
    exact = tuple(subject for subject in subjects if "*" not in subject)
    operator = "StringEquals" if exact == subjects else "StringLike"
    audience = "sts.amazonaws.com.cn" if partition == "aws-cn" else "sts.amazonaws.com"
    conditions = [
        equals(f"{ISSUER}:aud", audience),
        Condition(operator=operator, key=f"{ISSUER}:sub", values=subjects),
    ]
    if repository.repository_id:
        conditions.append(equals(f"{ISSUER}:repository_id", repository.repository_id))
    return {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:{partition}:iam::{account}:oidc-provider/{ISSUER}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": conditions_json(conditions),
    }


def _roles(principals: Sequence[str]) -> JsonObject:
    """Roles of other accounts, by condition: as principals they would have to exist first."""
    parts = [arn.split(":") for arn in principals]
    roots: list[Json] = [
        f"arn:{part}:iam::{number}:root" for part, number in sorted({(p[1], p[4]) for p in parts})
    ]
    named = Condition(operator="ArnEquals", key="aws:PrincipalArn", values=tuple(sorted(principals)))
    return {
        "Effect": "Allow",
        "Principal": {"AWS": roots},
        "Action": "sts:AssumeRole",
        "Condition": conditions_json([named]),
    }
