"""Making and deleting versions: the function is changed, waited for, and published as it is then.

``$LATEST`` is only the place where versions are made; nobody is sent there. One change at a time: what
another release changes meanwhile is noticed by what is there before it is published, and by its revision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast

from modelway.adapters.aws_errors import code, translated
from modelway.adapters.waits import waits
from modelway.core.config import Environment, ModelConfig
from modelway.core.naming import labels, role_arn
from modelway.core.version import Version, VersionId
from modelway.errors import Differs, Unavailable
from modelway.ports import ArtifactStore, Clock
from modelway.targets.aws_lambda import settings as settings_
from modelway.targets.aws_lambda.inventory import Inventory, described
from modelway.targets.aws_lambda.reasons import not_ready, refused
from modelway.targets.aws_lambda.settings import ARCHITECTURES, Settings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.literals import ArchitectureType
    from mypy_boto3_lambda.type_defs import (
        EnvironmentTypeDef,
        EphemeralStorageTypeDef,
        FunctionConfigurationTypeDef,
        GetFunctionResponseTypeDef,
        ImageConfigTypeDef,
        VpcConfigTypeDef,
    )

_POLL, _PATIENCE = (2.0, 10.0), 600.0
"""Seconds between two looks at a change, and until it is given up; botocore's waiter gives up after 300."""
_AGAIN = 5
"""Tries where a role was made a moment ago: IAM is eventually consistent."""
_BUSY = 30
"""Tries where another change of the function is under way."""
_REVISIONS = 5
"""Tries where Lambda itself gives the function another revision."""
_PASSING = frozenset(
    {
        *("RevisionId", "LastModified", "State", "StateReason", "StateReasonCode"),
        *("LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"),
    }
)
"""What changes about a function while it stays what it is."""


class _Configuration(TypedDict):
    """What creating a function and configuring it have in common."""

    FunctionName: str
    Role: str
    Description: str
    Timeout: int
    MemorySize: int
    EphemeralStorage: EphemeralStorageTypeDef
    Environment: EnvironmentTypeDef
    VpcConfig: VpcConfigTypeDef
    KMSKeyArn: str
    ImageConfig: ImageConfigTypeDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions of one function."""

    config: ModelConfig
    environment: Environment
    client: LambdaClient
    inventory: Inventory
    artifacts: ArtifactStore
    clock: Clock

    @property
    def labels(self) -> dict[str, str]:
        """Tags on everything made here."""
        return labels(self.config, self.environment)

    @property
    def _function(self) -> str:
        return self.inventory.function

    def make(self, version: Version, release: str) -> str:
        """Publish the version and wait until it can be asked; its number."""
        settings = settings_.parse(version.settings)
        artifact = version.artifact.sha256.hex if version.artifact else None
        description = described(version.id, artifact, release, settings.function_url)
        if self.inventory.find() is None:
            self._create(version, settings, description)
        else:
            self._change(version, settings, description)
        number = self._publish(version, description)
        self._prove(version, number, self._ready(number))
        self.inventory.versions()
        return number

    def _create(self, version: Version, settings: Settings, description: str) -> None:
        """The function itself, with its first configuration."""
        common = self._configuration(version, settings, description)

        def create() -> None:
            self.client.create_function(
                **common,
                PackageType="Image",
                Code={"ImageUri": str(version.image)},
                Architectures=[self._architecture()],
                Tags={**settings.tags, **self.labels},
            )

        with translated(f"create the function {self._function}", service="lambda"):
            self._again(create, ignored={"ResourceConflictException"})

    def _change(self, version: Version, settings: Settings, description: str) -> None:
        """The function as this version wants it: tags, configuration, then the image."""
        self._tag(settings)
        request = self._configuration(version, settings, description)
        with translated(f"configure the function {self._function}", service="lambda"):
            self._again(lambda: self.client.update_function_configuration(**request))
        self._ready("$LATEST")
        with translated(f"give the function {self._function} its image", service="lambda"):
            self._again(
                lambda: self.client.update_function_code(
                    FunctionName=self._function,
                    ImageUri=str(version.image),
                    Architectures=[self._architecture()],
                )
            )

    def _tag(self, settings: Settings) -> None:
        """Tags belong to the function, not to its versions."""
        found = self.inventory.find()
        wanted = {**settings.tags, **self.labels}
        if found and wanted.items() - found.get("Tags", {}).items():
            with translated(f"tag the function {self._function}", service="lambda"):
                self.client.tag_resource(Resource=found["Configuration"]["FunctionArn"], Tags=wanted)

    def _architecture(self) -> ArchitectureType:
        return cast("ArchitectureType", ARCHITECTURES[self.config.image.platform])

    def _configuration(self, version: Version, settings: Settings, description: str) -> _Configuration:
        """Everything but the image; what is not wanted is said to be empty, or it would stay."""
        place = self.environment
        uri = self.artifacts.target_uri(version.artifact) if version.artifact else None
        return {
            "FunctionName": self._function,
            "Role": role_arn(settings.execution_role, place.account, place.region),
            "Description": description,
            "Timeout": settings.timeout,
            "MemorySize": settings.memory_mb,
            "EphemeralStorage": {"Size": settings.ephemeral_storage_mb},
            "Environment": {"Variables": settings_.variables(settings, version, uri)},
            "VpcConfig": settings_.vpc(settings),
            "KMSKeyArn": settings.kms_key,
            "ImageConfig": settings_.image_config(settings),
        }

    def _publish(self, version: Version, description: str) -> str:
        """Publish what ``$LATEST`` is, which has to be what this version wants; its number.

        Lambda gives a function another revision after it said that a change is over (aws/aws-sdk#377).
        So a revision that is refused is read again, and is still ours where all else is as it was.
        """
        latest = self._ready("$LATEST")["Configuration"]
        if (latest["CodeSha256"], latest.get("Description")) != (version.image.digest.hex, description):
            raise self._changed_meanwhile(f"$LATEST is {latest.get('Description') or 'without description'}")
        tries = 0
        while True:
            tries += 1
            number, seen = self._published(version, description, latest["RevisionId"])
            if number:
                return number
            before, latest = latest, self._ready("$LATEST")["Configuration"]
            if tries == _REVISIONS or content(latest) != content(before):
                raise self._changed_meanwhile(seen)

    def _published(self, version: Version, description: str, revision: str) -> tuple[str, str]:
        """The number of what was published at this revision; or none, and why ``$LATEST`` is not at it."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"publish version {version.id} of {self._function}", service="lambda"):
            try:
                made = self.client.publish_version(
                    FunctionName=self._function,
                    CodeSha256=version.image.digest.hex,
                    RevisionId=revision,
                    Description=description,
                )
            except ClientError as error:
                if code(error) not in {"PreconditionFailedException", "ResourceConflictException"}:
                    raise refused(error, self.client.meta.region_name) from error
                return "", str(error)
        return made["Version"], ""

    def _changed_meanwhile(self, seen: str) -> Differs:
        what = f"somebody else changed the function {self._function} meanwhile"
        return Differs(what, seen=seen, cure="Let the other release end, then run this again.")

    def _again(self, call: Callable[[], object], *, ignored: frozenset[str] | set[str] = frozenset()) -> None:
        """Do something that may have to wait for a role, or for a change that is under way."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        roles, busy, pauses = _AGAIN, _BUSY, waits(*_POLL)
        while True:
            try:
                call()
            except ClientError as error:
                if code(error) in ignored:
                    return
                waits_for_role = "cannot be assumed by Lambda" in str(error)
                waits_for_change = code(error) == "ResourceConflictException"
                roles, busy = roles - waits_for_role, busy - waits_for_change
                if not (waits_for_role and roles) and not (waits_for_change and busy):
                    raise refused(error, self.client.meta.region_name) from error
                self.clock.sleep(next(pauses))
            else:
                return

    def _ready(self, qualifier: str) -> GetFunctionResponseTypeDef:
        """Wait for the end of a change; raises what Lambda says of one that failed.

        An account may ask GetFunction 100 times a second, and all else together 15 times (Lambda quotas).
        """
        for pause in waits(*_POLL, within=_PATIENCE):
            with translated(f"read the function {self._function}:{qualifier}", service="lambda"):
                found = self.client.get_function(FunctionName=self._function, Qualifier=qualifier)
            now = found["Configuration"]
            if failure := not_ready(now):
                raise failure
            if now.get("State") != "Pending" and now.get("LastUpdateStatus") != "InProgress":
                return found
            self.clock.sleep(pause)
        what = f"the function {self._function}:{qualifier} has been changing for ten minutes"
        raise Unavailable(what, cure="Look at it in the Lambda console, then run this again.")

    def _prove(self, version: Version, number: str, found: GetFunctionResponseTypeDef) -> None:
        """The proof of the one digest: what Lambda resolved is what was asked for."""
        resolved = found["Code"].get("ResolvedImageUri", "")
        if not resolved.endswith(f"@{version.image.digest}"):
            what = f"version {number} of {self._function} runs another image than version {version.id}"
            cure = "Somebody changed the function while it was published; release again."
            raise Differs(what, seen=f"expected {version.image.digest}, got {resolved}", cure=cure)

    def delete(self, version: VersionId) -> None:
        """Delete a published version; what is gone already is no error."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        number = self.inventory.number(version)
        if not number:
            return
        if self.inventory.adopted(version):  # somebody else published it, and may delete it
            self.inventory.forget(version)
            return
        with translated(f"delete version {number} of {self._function}", service="lambda"):
            try:
                self.client.delete_function(FunctionName=self._function, Qualifier=number)
            except ClientError as error:
                if code(error) != "ResourceNotFoundException":
                    raise refused(error, self.client.meta.region_name) from error
        self.inventory.versions()


def content(told: FunctionConfigurationTypeDef) -> dict[str, object]:
    """What a version published now would be: all that is told of the function but what passes."""
    return {key: value for key, value in told.items() if key not in _PASSING}
