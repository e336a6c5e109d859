"""The role of an emergency: it is nobody else's, and nobody who releases on ordinary days may assume it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from modelway.core.access import glass_environment
from modelway.core.config import Environment, ModelConfig
from modelway.core.json import Json, JsonObject
from modelway.core.naming import role_arn
from modelway.core.trust import ISSUER

_ASSUMES = {"sts:assumerole", "sts:assumerolewithwebidentity", "sts:*", "*"}


def others(config: ModelConfig) -> dict[str, str]:
    """What names every other role of the config, by its ARN."""
    spec = config.registry
    named = [
        (spec.account, spec.region, getattr(spec, key), f"registry.{key}")
        for key in ("read_role", "push_role", "evidence_role", "prune_role")
    ]
    named += [
        (each.account, each.region, getattr(each, key), f"environments.{each.name}.{key}")
        for each in config.environments.values()
        for key in ("plan_role", "deploy_role", "retire_role")
    ]
    return {role_arn(role, account, region): key for account, region, role, key in reversed(named)}


def shared(config: ModelConfig, place: Environment) -> str:
    """What else names an environment's break-glass role; empty where nothing does."""
    role = place.break_glass_role
    return others(config).get(role_arn(role, place.account, place.region), "") if role else ""


def open_to(policy: JsonObject, config: ModelConfig, place: Environment) -> tuple[str, ...]:
    """Whom a trust policy lets in beside people and the jobs of the role's own environment, in words."""
    return tuple(dict.fromkeys(one for said in _allowing(policy) for one in _strangers(said, config, place)))


def lets_in(policy: JsonObject) -> bool:
    """Whether anybody may assume it: jobs of GitHub's, or people of an account."""
    return any(_subjects(said) if _federated(said) else _aws(said) for said in _allowing(policy))


def _allowing(policy: JsonObject) -> Iterator[Mapping[str, Json]]:
    """Statements that let somebody assume the role."""
    for said in _listed(policy.get("Statement")):
        if isinstance(said, Mapping) and said.get("Effect") == "Allow":
            actions = {str(one).lower() for one in _listed(said.get("Action"))}
            if actions & _ASSUMES:
                yield said


def _strangers(said: Mapping[str, Json], config: ModelConfig, place: Environment) -> Iterator[str]:
    """Whom one statement lets in who should not be."""
    wanted = f":environment:{glass_environment(place.name)}"
    if _federated(said):
        subjects = _subjects(said)
        if not subjects:
            yield "any job of GitHub's, of whatever repository: no condition names a subject"
        for subject in subjects:
            if not subject.endswith(wanted) or "*" in subject:
                yield f"jobs whose subject is {subject}"
    ordinary = others(config)
    named = {*_aws(said), *_conditioned(said)}
    for arn in sorted(named):
        if arn == "*" and not _conditioned(said):
            yield "anybody at all"
        elif role := ordinary.get(re.sub(r":sts:(.*):assumed-role/([^/]+)/.*", r":iam:\1:role/\2", arn)):
            yield f"{arn}, which is {role}"


def _federated(said: Mapping[str, Json]) -> bool:
    """Whether it is about jobs of GitHub's."""
    principal = said.get("Principal")
    names = _listed(principal.get("Federated")) if isinstance(principal, Mapping) else []
    return any(str(name).endswith(ISSUER) for name in names)


def _aws(said: Mapping[str, Json]) -> tuple[str, ...]:
    """Accounts and roles it names."""
    principal = said.get("Principal")
    listed = _listed(principal.get("AWS")) if isinstance(principal, Mapping) else _listed(principal)
    return tuple(str(one) for one in listed)


def _subjects(said: Mapping[str, Json]) -> tuple[str, ...]:
    """The subjects of OIDC it wants."""
    return _wanted(said, f"{ISSUER}:sub")


def _conditioned(said: Mapping[str, Json]) -> tuple[str, ...]:
    """The principals it wants by a condition."""
    return _wanted(said, "aws:principalarn")


def _wanted(said: Mapping[str, Json], key: str) -> tuple[str, ...]:
    """The values any condition that demands a likeness has for a key."""
    found: list[str] = []
    conditions = said.get("Condition")
    for operator, about in conditions.items() if isinstance(conditions, Mapping) else ():
        if isinstance(about, Mapping) and re.search(r"(StringEquals|StringLike|ArnEquals|ArnLike)", operator):
            found += [
                str(one) for name, told in about.items() if name.lower() == key for one in _listed(told)
            ]
    return tuple(found)


def _listed(value: Json | None) -> Sequence[Json]:
    """AWS writes a list of one as its item."""
    if value is None:
        return ()
    return value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
