"""What is checked of the settings of more than one target: tags, and secrets by their version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from modelway.core.config import Environment
from modelway.core.json import Json
from modelway.core.problem import Flaw

_LEAST_VERSION_ID = 32
"""Characters of Secrets Manager's version ids (GetSecretValue, ``VersionId``)."""


def setting(environment: Environment, *path: str) -> Json:
    """A setting, or nothing."""
    value: Json = environment.settings
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def wrong(environment: Environment, path: Sequence[str | int], message: str, cure: str) -> Flaw:
    """A flaw of a setting."""
    return Flaw(path=("environments", environment.name, "settings", *path), message=message, cure=cure)


def wrong_key(environment: Environment, path: Sequence[str | int], message: str, cure: str) -> Flaw:
    """A flaw of a setting that should not be there, whatever its value."""
    keys = ("environments", environment.name, "settings", *path)
    return Flaw(path=keys, message=message, cure=cure, spot="key")


def tags(environment: Environment) -> Iterator[Flaw]:
    """Tags that are not ours to set."""
    given = environment.settings.get("tags")
    for key in given if isinstance(given, Mapping) else ():
        if key.lower().startswith(("aws:", "modelway:")) or key == "owner":
            message = f"tag {key!r} is set by {'AWS' if key.lower().startswith('aws:') else 'modelway'}"
            yield wrong_key(environment, ("tags", key), message, "Use another name.")


def secrets(environment: Environment) -> Iterator[Flaw]:
    """A variable has one value; a version is one thing, not the newest of whatever there is."""
    given, variables = environment.settings.get("secrets"), environment.settings.get("environment")
    for name, secret in given.items() if isinstance(given, Mapping) else ():
        if isinstance(variables, Mapping) and name in variables:
            message = f"variable {name} is given as a value and as a secret"
            yield wrong(environment, ("secrets", name), message, "Keep one of them.")
        if isinstance(secret, Mapping):
            yield from _version(environment, name, str(secret.get("arn")), str(secret.get("version")))


def _version(environment: Environment, name: str, arn: str, version: str) -> Iterator[Flaw]:
    """Parameters count their versions; secrets give theirs long ids, beside the labels that move."""
    path = ("secrets", name, "version")
    if ":ssm:" in arn:
        if not version.isdecimal():
            message = f"{version!r} is no version of a parameter: those are numbers"
            cure = f"aws ssm get-parameter --name {arn.partition(':parameter')[2]} shows it as Version."
            yield wrong(environment, path, message, cure)
    elif len(version) < _LEAST_VERSION_ID:
        message = (
            f"{version!r} is no version id of a secret: those have {_LEAST_VERSION_ID} characters or more"
        )
        cure = (
            "Write the id, not a label, which moves: aws secretsmanager list-secret-version-ids shows both."
        )
        yield wrong(environment, path, message, cure)
