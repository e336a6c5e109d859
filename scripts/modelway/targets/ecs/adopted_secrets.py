"""The secrets of somebody else's tasks, each at the version that counts now: a config names one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelway.adapters.aws import patient
from modelway.adapters.aws_errors import translated
from modelway.core.adoption import Site
from modelway.core.json import Json
from modelway.errors import NotAllowed

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_ecs.type_defs import SecretTypeDef

_ARN, _CURRENT = 7, "AWSCURRENT"
"""Parts of a secret's ARN, before key, stage and version; the stage where none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Looks for the versions; values are not read."""

    session: boto3.Session
    site: Site
    notes: list[str] = field(default_factory=list)

    def described(self, listed: Sequence[SecretTypeDef]) -> dict[str, Json]:
        """The setting that names them; none where there are none."""
        told: dict[str, Json] = {one["name"]: self._one(one["name"], one["valueFrom"]) for one in listed}
        return {"secrets": told} if told else {}

    def _one(self, name: str, place: str) -> Json:
        parts = place.split(":")
        if parts[2:3] == ["secretsmanager"]:
            return self._secret(name, parts)
        return self._parameter(name, place)

    def _secret(self, name: str, parts: list[str]) -> Json:
        """``arn:json-key:version-stage:version-id``; without an id the one its stage is at."""
        arn, (key, stage, version) = ":".join(parts[:_ARN]), [*parts[_ARN:], "", "", ""][:3]
        if not version:
            stage = stage or _CURRENT
            version = self._staged(arn, stage)
            self.notes.append(
                f"The secret {name} is kept at the version {stage} is at now, {version}: tasks that were "
                "started before it was rotated may still have another."
            )
        told: dict[str, Json] = {"arn": arn, "version": version}
        return told | ({"key": key} if key else {})

    def _staged(self, arn: str, stage: str) -> str:
        client = self.session.client("secretsmanager", config=patient())
        with translated(f"read the versions of {arn}", service="secretsmanager"):
            versions = client.describe_secret(SecretId=arn).get("VersionIdsToStages", {})
        found: str | None = next((each for each, stages in versions.items() if stage in stages), None)
        if found is None:
            what = f"the service {self.site.name} names a secret that has no version {stage}"
            raise NotAllowed(what, seen=arn, cure="Its next task would not start: correct that first.")
        return found

    def _parameter(self, name: str, place: str) -> Json:
        """A parameter by name or ARN: ECS takes its newest version."""
        client = self.session.client("ssm", config=patient())
        with translated(f"read the version of {place}", service="ssm"):
            found = client.get_parameters(Names=[place], WithDecryption=False)["Parameters"]
        if not found:
            what = f"the service {self.site.name} names a parameter that does not exist: {name}"
            raise NotAllowed(what, seen=place, cure="Its next task would not start: correct that first.")
        return {"arn": found[0].get("ARN", ""), "version": str(found[0].get("Version", ""))}
