"""Resource policies, as far as they let other accounts in: ECR repositories and S3 buckets.

Conditions are not evaluated: a statement that has one, allows nothing to another account.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from modelway.core.json import Json, JsonObject


def allows(document: str | None, *, principal: str, action: str, resource: str) -> bool:
    """Whether a resource policy allows this to a principal of another account; an explicit denial wins."""
    effects = {
        statement.get("Effect")
        for statement in _statements(document)
        if _applies(statement, principal, action, resource)
    }
    return effects == {"Allow"}


def lets_lambda(document: str | None, account: str) -> bool:
    """Whether a repository lets the Lambda functions of another account pull: its service, by their ARNs."""
    statements: Json = json.loads(document or "{}").get("Statement", [])
    return any(
        isinstance(each, Mapping) and _is_for_lambda(each, account)
        for each in (statements if isinstance(statements, list) else [statements])
    )


def _is_for_lambda(statement: JsonObject, account: str) -> bool:
    principal, condition = statement.get("Principal"), json.dumps(statement.get("Condition"))
    service: Json = principal.get("Service") if isinstance(principal, Mapping) else None
    named = "lambda.amazonaws.com" in _texts(service)
    return statement.get("Effect") == "Allow" and named and f":{account}:function:" in condition


def _statements(document: str | None) -> Iterator[JsonObject]:
    if document is None:
        return
    statements: Json = json.loads(document).get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        if isinstance(statement, Mapping) and not (
            "Condition" in statement and statement["Effect"] == "Allow"
        ):
            yield statement


def _applies(statement: JsonObject, principal: str, action: str, resource: str) -> bool:
    return (
        _names(statement.get("Principal"), principal)
        and any(_glob(one, action) for one in _texts(statement.get("Action")))
        and any(_glob(one, resource) for one in _texts(statement.get("Resource", "*")))
    )


def _names(named: Json, principal: str) -> bool:
    """Whether a Principal element means the principal: itself, its role, its account, or everybody."""
    if isinstance(named, Mapping):
        named = named.get("AWS")
    account = principal.split(":")[4]
    role = re.sub(r":sts::(\d+):assumed-role/([^/]+)/.*", r":iam::\1:role/\2", principal)
    meant = {"*", principal, role, account, f"arn:aws:iam::{account}:root"}
    return any(one in meant for one in _texts(named))


def _texts(value: Json) -> Iterator[str]:
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return (one for one in values if isinstance(one, str))


def _glob(pattern: str, text: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(expression, text, re.IGNORECASE) is not None
