"""What a model's ECR repository must be like: its tags, lifecycle and who may pull."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from modelway.core.inputs import TAG_PREFIX
from modelway.core.json import Json, JsonObject
from modelway.core.version import VersionId

PUSHING = "push-"
"""Tags under which an engine pushes before the image has its final manifest."""
POINTER = "env-"
"""Tags of what an environment runs or may go back to: the lifecycle policy never expires it."""
DATA = "data-"
"""Tags of files kept beside the images, as the index of advisories; each has the time it was put there."""
MUTABILITY = "IMMUTABLE_WITH_EXCLUSION"
MOVABLE = (f"{PUSHING}*", f"{POINTER}*", "sha256-*")
"""Tags that may be overwritten; ``sha256-*`` are those cosign keeps signatures under."""

_PEOPLE = "ModelwayEnvironments"
_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
_FOREVER = 9999
_FILES = 10


def pointer(model: str, environment: str, version: VersionId) -> str:
    """The tag that keeps a version's image for an environment: one for each version, so it never moves."""
    return f"{POINTER}{model}-{environment}-{version}"


def lifecycle(keep_releases: int) -> JsonObject:
    """The lifecycle policy: what an `env-*` tag names stays, old releases go, left-overs of pushes go first.

    An image that matches the tags of one rule is never expired by a rule of lower priority
    (docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html), so the first rule, which
    never expires anything, protects whatever carries an environment's tag. There is no rule for untagged
    images: attached evidence is untagged, and ECR removes it with the image it belongs to.
    """
    rules: list[Json] = [
        _rule(1, "what an environment runs stays", POINTER, "imageCountMoreThan", _FOREVER),
        _rule(
            2, f"the newest {keep_releases} releases stay", TAG_PREFIX, "imageCountMoreThan", keep_releases
        ),
        _rule(3, "left-overs of pushes go after a day", PUSHING, "sinceImagePushed", 1),
        _rule(4, f"the newest {_FILES} files of data stay", DATA, "imageCountMoreThan", _FILES),
    ]
    return {"rules": rules}


def _rule(priority: int, description: str, prefix: str, count_type: str, count: int) -> JsonObject:
    selection: dict[str, Json] = {
        "tagStatus": "tagged",
        "tagPrefixList": [prefix],
        "countType": count_type,
        "countNumber": count,
    }
    if count_type == "sinceImagePushed":
        selection["countUnit"] = "days"
    return {
        "rulePriority": priority,
        "description": description,
        "selection": selection,
        "action": {"type": "expire"},
    }


def pull_policy(partition: str, pullers: Sequence[str]) -> JsonObject:
    """The repository policy: accounts that run the model may pull, and so may SageMaker and Lambda for them.

    Lambda pulls again by itself when a function was idle (its guide, gettingstarted-images, cross-account).
    """
    accounts = sorted(set(pullers))
    roots: list[Json] = [f"arn:{partition}:iam::{account}:root" for account in accounts]
    service: dict[str, Json] = {
        "Sid": "ModelwaySageMaker",
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": _PULL,
        "Condition": {"StringEquals": {"aws:SourceAccount": accounts}},
    }
    functions: list[Json] = [f"arn:{partition}:lambda:*:{account}:function:*" for account in accounts]
    again: dict[str, Json] = {
        "Sid": "ModelwayLambda",
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": _PULL,
        "Condition": {"StringLike": {"aws:SourceArn": functions}},
    }
    people: dict[str, Json] = {
        "Sid": _PEOPLE,
        "Effect": "Allow",
        "Principal": {"AWS": roots},
        "Action": _PULL,
    }
    return {"Version": "2012-10-17", "Statement": [people, service, again]}


def barred(policy: JsonObject, partition: str, accounts: Sequence[str]) -> tuple[str, ...]:
    """Accounts that a repository policy does not let pull, judged by what modelway itself writes."""
    allowed: set[str] = set()
    for statement in _statements(policy):
        actions = statement.get("Action")
        named = {actions} if isinstance(actions, str) else {*(actions if isinstance(actions, list) else [])}
        principal = statement.get("Principal")
        if statement.get("Effect") == "Allow" and ({"ecr:*", "*"} & named or set(_PULL) <= named):
            allowed |= _accounts(principal)
    wanted = {account: {account, f"arn:{partition}:iam::{account}:root", "*"} for account in accounts}
    return tuple(account for account, names in wanted.items() if not names & allowed)


def _accounts(principal: Json) -> set[str]:
    """Whom a statement names."""
    told = principal.get("AWS") if isinstance(principal, Mapping) else principal
    listed = told if isinstance(told, list) else [told]
    return {one for one in listed if isinstance(one, str)}


def pullers(policy: JsonObject) -> frozenset[str]:
    """The accounts that modelway's own statement lets pull: those of every model that shares it."""
    named = [_accounts(each.get("Principal")) for each in _statements(policy) if each.get("Sid") == _PEOPLE]
    return frozenset(found[0] for one in named for arn in one if (found := _ACCOUNT.search(arn)))


def merged(existing: JsonObject | None, wanted: JsonObject) -> JsonObject:
    """Our statements in place of older ones of ours; everybody else's are kept."""
    ours = [dict(s) for s in _statements(wanted)]
    names = {s.get("Sid") for s in ours}
    others: list[Json] = [s for s in _statements(existing or {}) if s.get("Sid") not in names]
    return {**(existing or {}), "Version": "2012-10-17", "Statement": [*others, *ours]}


def same_policy(one: Json, other: Json) -> bool:
    """Whether two policies mean the same: AWS turns one-item lists into their item, and reorders."""
    return _plain(one) == _plain(other)


def _plain(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in sorted(value.items())}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = sorted((_plain(item) for item in value), key=repr)
        return items[0] if len(items) == 1 else items
    return value


def _statements(policy: JsonObject) -> list[Mapping[str, Json]]:
    listed = policy.get("Statement")
    entries = listed if isinstance(listed, list) else [listed]
    return [entry for entry in entries if isinstance(entry, Mapping)]
