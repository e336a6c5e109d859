"""Roles as AWS takes them: policy documents, a CloudFormation template, Terraform in its JSON syntax.

Both templates are applied once in each account, and make there only that account's roles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from modelway.core import trust as trusts
from modelway.core.iam import MANAGED_LIMIT, Statement, Statements, document, size
from modelway.core.json import Json, JsonObject
from modelway.core.roles import Kind, Role
from modelway.core.trust import ISSUER, Repository, Trust

POLICIES = 10
"""Managed policies a role may have (default quota)."""
_OF_ENVIRONMENTS = frozenset({Kind.DEPLOY, Kind.BREAK_GLASS, Kind.RETIRE})
"""Roles no job of a tag or branch may assume: only those an environment's reviewers let pass."""
_RESOURCES_AT_ONCE = 20
"""Resources of a statement that is too long for one policy are told in parts of this many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """One role's documents."""

    role: Role
    policies: tuple[JsonObject, ...]
    """Usually one; more where one would be larger than AWS allows."""
    trust: JsonObject | None
    """``None`` where no repository is named."""


def documents(role: Role, repository: Repository | None) -> Documents:
    """The role's documents."""
    told = (
        trusts.document(trust_of(role, repository), repository, role.account, role.partition)
        if repository
        else None
    )
    policies = tuple(document(part) for part in _parts(role.statements))
    return Documents(role=role, policies=policies, trust=told)


def trust_of(role: Role, repository: Repository) -> Trust:
    """Who may assume it.

    Deploying and retiring: jobs of the environment, which its reviewers have let pass, and nobody else,
    whatever the role is for beside. Breaking the glass: jobs of an environment of its own, with its own
    reviewers. Building and pushing: release tags and the default branch. Reading: all of these, and pull
    requests. Attaching evidence: the deploy roles of environments, and no job. Pruning: as pushing; in an
    environment's account only the prune role of the registry's, and no job.
    """
    claims = trusts.claims_of(role.environments)
    pruned = role.kinds == {Kind.REGISTRY} and role.assumed_by
    if role.kinds != {Kind.EVIDENCE} and not pruned and not role.kinds & _OF_ENVIRONMENTS:
        claims = (*trusts.refs(repository, sorted(role.models)), *claims)
        if Kind.PLAN in role.kinds and Kind.PUSH not in role.kinds:
            claims = (*claims, "pull_request")
    return Trust(claims=claims, principals=tuple(sorted(role.assumed_by)))


def _parts(statements: Statements) -> Iterator[Statements]:
    """Statements in as few policies as AWS's limit allows."""
    part: list[Statement] = []
    for statement in (short for one in statements for short in _short(one)):
        if part and size(document([*part, statement])) > MANAGED_LIMIT:
            yield tuple(part)
            part = []
        part.append(statement)
    yield tuple(part)


def _short(statement: Statement) -> Iterator[Statement]:
    """A statement that fits a policy by itself."""
    if size(document([statement])) <= MANAGED_LIMIT:
        yield statement
        return
    named = statement.resources
    for start in range(0, len(named), _RESOURCES_AT_ONCE):
        yield Statement(
            actions=statement.actions,
            resources=named[start : start + _RESOURCES_AT_ONCE],
            conditions=statement.conditions,
        )


def as_json(all_: Sequence[Documents]) -> JsonObject:
    """All documents, role by role."""
    return {"roles": [_role_json(one) for one in all_]}


def _role_json(one: Documents) -> JsonObject:
    role = one.role
    told: dict[str, Json] = {
        "arn": role.arn,
        "account": role.account,
        "name": role.name,
        "kinds": [kind for kind in Kind if kind in role.kinds],
        "environments": sorted(role.environments),
        "models": sorted(role.models),
        "policies": list(one.policies),
    }
    return told if one.trust is None else told | {"trust": one.trust}


def cloudformation(all_: Sequence[Documents]) -> JsonObject:
    """A template; ``CreateProvider=true`` where the account does not know GitHub's OIDC provider yet."""
    accounts = sorted({one.role.account for one in all_})
    conditions: dict[str, Json] = {
        f"In{account}": {"Fn::Equals": [{"Ref": "AWS::AccountId"}, account]} for account in accounts
    }
    conditions["MakeProvider"] = {"Fn::Equals": [{"Ref": "CreateProvider"}, "true"]}
    resources: dict[str, Json] = {
        "Provider": {
            "Type": "AWS::IAM::OIDCProvider",
            "Condition": "MakeProvider",
            "Properties": {"Url": f"https://{ISSUER}", "ClientIdList": _audiences(all_)},
        }
    }
    for one in all_:
        resources |= _stack_role(one)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Roles of modelway: least privilege, assumed by GitHub Actions through OIDC.",
        "Parameters": {
            "CreateProvider": {"Type": "String", "AllowedValues": ["true", "false"], "Default": "false"}
        },
        "Conditions": conditions,
        "Resources": resources,
    }


def _stack_role(one: Documents) -> dict[str, Json]:
    """A role and its policies in a template."""
    role, name = one.role, _identifier(one.role)
    here = f"In{role.account}"
    made: dict[str, Json] = {
        name: {
            "Type": "AWS::IAM::Role",
            "Condition": here,
            "Properties": {"RoleName": role.name, "AssumeRolePolicyDocument": one.trust},
        }
    }
    for number, policy in enumerate(one.policies, 1):
        made[f"{name}Policy{number}"] = {
            "Type": "AWS::IAM::ManagedPolicy",
            "Condition": here,
            "Properties": {"PolicyDocument": policy, "Roles": [{"Ref": name}]},
        }
    return made


def terraform(all_: Sequence[Documents]) -> JsonObject:
    """A ``.tf.json`` file (developer.hashicorp.com/terraform/language/syntax/json)."""
    caller = "data.aws_caller_identity.here.account_id"
    roles: dict[str, Json] = {}
    policies: dict[str, Json] = {}
    attachments: dict[str, Json] = {}
    for one in all_:
        name = _identifier(one.role)
        count = f'${{{caller} == "{one.role.account}" ? 1 : 0}}'
        roles[name] = {"count": count, "name": one.role.name, "assume_role_policy": _literal(one.trust)}
        for number, policy in enumerate(one.policies, 1):
            key = f"{name}Policy{number}"
            policies[key] = {
                "count": count,
                "name": f"{one.role.name}-{number}",
                "policy": _literal(policy),
            }
            attachments[key] = {
                "count": count,
                "role": f"${{aws_iam_role.{name}[0].name}}",
                "policy_arn": f"${{aws_iam_policy.{key}[0].arn}}",
            }
    provider: JsonObject = {
        "count": "${var.create_provider ? 1 : 0}",
        "url": f"https://{ISSUER}",
        "client_id_list": _audiences(all_),
    }
    words = "Whether the account does not know GitHub's OIDC provider yet."
    return {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "variable": {"create_provider": {"type": "bool", "default": False, "description": words}},
        "data": {"aws_caller_identity": {"here": {}}},
        "resource": {
            "aws_iam_openid_connect_provider": {"github": provider},
            "aws_iam_role": roles,
            "aws_iam_policy": policies,
            "aws_iam_role_policy_attachment": attachments,
        },
    }


def _literal(value: Json) -> str:
    """JSON in a string of Terraform's, where ``${`` and ``%{`` would begin a template."""
    return json.dumps(value, separators=(",", ":")).replace("${", "$${").replace("%{", "%%{")


def _audiences(all_: Iterable[Documents]) -> list[Json]:
    """Whom GitHub's tokens are made out to."""
    china = {one.role.partition == "aws-cn" for one in all_}
    return [
        name for cn, name in ((False, "sts.amazonaws.com"), (True, "sts.amazonaws.com.cn")) if cn in china
    ]


def _identifier(role: Role) -> str:
    """A name for templates: letters and digits only, with the account, because names repeat there."""
    words = re.split(r"[^A-Za-z0-9]+", role.name)
    return f"{''.join(word[:1].upper() + word[1:] for word in words)}{role.account}"
