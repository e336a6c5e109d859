"""The values of a container's secrets, as ECS resolves them when a task starts.

docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html (and -ssm-paramstore)
"""

from __future__ import annotations

import json

from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends

_SECRET_PARTS = 7
"""``arn:aws:secretsmanager:region:account:secret:name``, before key, stage and version."""


class SecretError(Exception):
    """A secret that cannot be had; its text is ECS's."""


def value(reference: str, account: str, region: str) -> str:
    """What ``valueFrom`` stands for; raises ``SecretError``."""
    if reference.startswith("arn:") and reference.split(":")[2] == "secretsmanager":
        return _secret(reference)
    return _parameter(reference, account, region)


def _secret(reference: str) -> str:
    """``SECRET_ARN[:json-key:version-stage:version-id]``."""
    parts = reference.split(":")
    arn, rest = ":".join(parts[:_SECRET_PARTS]), [*parts[_SECRET_PARTS:], "", "", ""]
    key, stage, version = rest[:3]
    backend = secretsmanager_backends[parts[4]][parts[3]]
    try:
        found = backend.get_secret_value(arn, version or None, stage or None)  # type: ignore[arg-type]  # moto's own calls do so
    except Exception as error:
        msg = (
            "unable to retrieve secret from asm: service call has been retried 1 time(s): "
            f"failed to fetch secret {reference} from secrets manager: {error}"
        )
        raise SecretError(msg) from error
    text = str(found.get("SecretString", ""))
    if not key:
        return text
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError) as error:
        msg = f"retrieved secret from Secrets Manager did not contain json key {key}"
        raise SecretError(msg) from error


def _parameter(reference: str, account: str, region: str) -> str:
    """A parameter's name or ARN, with ``:version`` or without."""
    names = [reference]
    if reference.startswith("arn:"):
        _, _, _, region, account, resource = reference.split(":", 5)
        name = resource.removeprefix("parameter/")
        names = [f"/{name}", name]  # an ARN does not tell whether the name begins with a slash
    found = ssm_backends[account][region].get_parameters(names)
    if not found:
        msg = (
            "unable to retrieve secrets from ssm: service call has been retried 1 time(s): "
            f"invalid parameters: {reference}"
        )
        raise SecretError(msg)
    return str(next(iter(found.values())).response_object(decrypt=True)["Value"])
