"""What one set of roles may do that another may not: action by action, resource by resource."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from modelway.core.iam import Statement, Statements, merged
from modelway.core.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChange:
    """One role that would change."""

    role: Role
    """As it would be; as it was, where nothing needs it any more."""
    added: Statements = ()
    removed: Statements = ()
    new: bool = False
    """Whether there was no such role."""
    gone: bool = False


def changes(before: Iterable[Role], after: Iterable[Role]) -> tuple[RoleChange, ...]:
    """Roles whose permissions differ, in order."""
    old, new = ({role.arn: role for role in each} for each in (before, after))
    found = []
    for arn in dict.fromkeys((*new, *old)):
        had = _single(old[arn].statements) if arn in old else frozenset()
        has = _single(new[arn].statements) if arn in new else frozenset()
        if had != has:
            found.append(
                RoleChange(
                    role=new.get(arn) or old[arn],
                    added=merged(has - had),
                    removed=merged(had - has),
                    new=arn not in old,
                    gone=arn not in new,
                )
            )
    return tuple(found)


def _single(statements: Iterable[Statement]) -> frozenset[Statement]:
    """One action on one resource each."""
    return frozenset(
        Statement(actions=(action,), resources=(resource,), conditions=statement.conditions)
        for statement in statements
        for action in statement.actions
        for resource in statement.resources
    )
