"""Lambda's functions and versions: made of an image of this ECR, changed one at a time, published."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from moto.iam.models import iam_backends

from modelway.core.json import Json, JsonObject
from modelway.rehearsal import policies
from modelway.rehearsal.context import Context
from modelway.rehearsal.endpoints import Answer
from modelway.rehearsal.lambda_environments import Environments
from modelway.rehearsal.lambda_state import (
    LATEST,
    UPDATE_SECONDS,
    Function,
    Place,
    Settings,
    Version,
    check_revision,
    conflict,
    find,
    functions_of,
    invalid,
    parse_name,
)
from modelway.rehearsal.launches import Found, find_image
from modelway.rehearsal.refusals import RequestRefused
from modelway.rehearsal.wire import not_rehearsed

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/(?:.*/)?(?P<name>[\w+=,.@-]+)")
_RUNNABLE = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
    }
)
_PLATFORMS = {"amd64": "x86_64", "arm64": "arm64"}
_KEPT = (
    *("Description", "Timeout", "MemorySize", "VpcConfig", "Environment", "KMSKeyArn", "TracingConfig"),
    *("ImageConfig", "EphemeralStorage", "LoggingConfig"),
)
"""Parameters of the configuration."""
_UNREHEARSED = ("DeadLetterConfig", "FileSystemConfigs", "CapacityProviderConfig", "DurableConfig", "Layers")
_LARGEST_ENVIRONMENT = 4096
_MOST_TAGS = 50


@dataclass(frozen=True, slots=True)
class FunctionOperations:
    """One method an operation; what they return is the operation's output."""

    context: Context
    environments: Environments

    NAMES = (
        *("create_function", "get_function", "get_function_configuration", "delete_function"),
        *("update_function_code", "update_function_configuration", "list_functions"),
        *("publish_version", "list_versions_by_function"),
    )

    def create_function(self, place: Place, asked: JsonObject) -> Answer:
        """CreateFunction of an image."""
        name, _ = parse_name(asked.get("FunctionName"))
        if name in functions_of(place):
            raise conflict(f"Function already exist: {name}")
        if asked.get("PackageType") != "Image" or any(asked.get(key) for key in _UNREHEARSED):
            raise not_rehearsed("lambda", "CreateFunction", "only of images, without file systems or queues")
        tags = asked.get("Tags")
        given = {key: str(value) for key, value in tags.items()} if isinstance(tags, Mapping) else {}
        check_tags(given)
        settings = self._settings(place, asked, None)
        function = Function(
            account=place.account,
            region=place.region,
            name=name,
            latest=self._version(LATEST, settings, _text(asked, "Description")),
            tags=given,
        )
        functions_of(place)[name] = function
        return self._publish(function, asked) if asked.get("Publish") else describe(function, function.latest)

    def update_function_code(self, place: Place, asked: JsonObject) -> Answer:
        """UpdateFunctionCode: another image."""
        function, _ = find(place, asked)
        with function.lock:
            _refuse_while_changing(function)
            check_revision(asked.get("RevisionId"), function.latest.shown_revision, "GetFunction")
            changed: JsonObject = {
                **function.latest.settings.config,
                "Role": function.latest.settings.role,
                "Code": {"ImageUri": asked.get("ImageUri")},
                "Architectures": asked.get("Architectures") or [function.latest.settings.architecture],
            }
            settings = self._settings(place, changed, function.latest.settings)
            if asked.get("DryRun"):
                return describe(function, function.latest)
            function.latest.change(settings)
            published = asked.get("Publish")
            return self._publish(function, asked) if published else describe(function, function.latest)

    def update_function_configuration(self, place: Place, asked: JsonObject) -> Answer:
        """UpdateFunctionConfiguration: what is not named stays."""
        function, _ = find(place, asked)
        with function.lock:
            _refuse_while_changing(function)
            check_revision(asked.get("RevisionId"), function.latest.shown_revision, "GetFunction")
            old = function.latest.settings
            kept = {**old.config, **{key: asked[key] for key in _KEPT if asked.get(key) is not None}}
            role = str(asked.get("Role") or old.role)
            _check_role(place, role)
            _check_config(kept)
            function.latest.change(replace(old, config=kept, role=role))
            function.latest.description = _text(kept, "Description")
            return describe(function, function.latest)

    def _settings(self, place: Place, asked: JsonObject, old: Settings | None) -> Settings:
        """What the function is to be, refusing what Lambda refuses."""
        role = str(asked.get("Role"))
        if old is None:
            _check_role(place, role)
        config = {key: asked[key] for key in _KEPT if asked.get(key) is not None}
        _check_config(config)
        code = asked.get("Code")
        image = str(code.get("ImageUri")) if isinstance(code, Mapping) else ""
        found = self._image(place, image)
        architectures = asked.get("Architectures")
        wanted = str(architectures[0]) if isinstance(architectures, list) and architectures else "x86_64"
        return Settings(
            role=role,
            image=image,
            resolved=found.resolved,
            pull=found.pull,
            sha256=str(found.image.image_digest).removeprefix("sha256:"),
            size=found.image.image_size_in_bytes or 0,
            architecture=wanted,
            config=config,
        )

    def _image(self, place: Place, name: str) -> Found:
        """An image Lambda may pull and can run; raises its refusals."""
        try:
            found = find_image(self.context, name)
        except RequestRefused as error:
            raise invalid(f"Source image {name} is not valid. Provide a valid source image.") from error
        if found is None:
            raise invalid(f"Source image {name} does not exist. Provide a valid source image.")
        repository = found.repository
        media = found.image.image_manifest_media_type or str(
            json.loads(found.image.image_manifest).get("mediaType")
        )
        if repository.region_name != place.region:
            raise invalid(f"Source image {name} is in another region than the function.")
        if media not in _RUNNABLE:
            message = "The image manifest, config or layer media type for the source image"
            raise invalid(f"{message} {name} is not supported.")
        foreign = repository.account_id != place.account
        if foreign and not policies.lets_lambda(repository.policy, place.account):
            message = (
                "Lambda does not have permission to access the ECR image. Check the ECR permissions. "
                f"(repository {repository.arn})"
            )
            raise RequestRefused("AccessDeniedException", message)
        return found

    def get_function(self, place: Place, asked: JsonObject) -> Answer:
        """GetFunction."""
        function, qualifier = find(place, asked)
        version = function.target(qualifier)
        settings = version.settings
        said: Answer = {
            "Configuration": describe(function, version, qualifier),
            "Code": {
                "RepositoryType": "ECR",
                "ImageUri": settings.image,
                "ResolvedImageUri": settings.resolved,
            },
        }
        return said | ({"Tags": dict(function.tags)} if function.tags else {})

    def get_function_configuration(self, place: Place, asked: JsonObject) -> Answer:
        """GetFunctionConfiguration."""
        function, qualifier = find(place, asked)
        return describe(function, function.target(qualifier), qualifier)

    def list_functions(self, place: Place, asked: JsonObject) -> Answer:
        """ListFunctions, on one page."""
        del asked
        return {"Functions": [describe(each, each.latest) for each in functions_of(place).values()]}

    def delete_function(self, place: Place, asked: JsonObject) -> Answer:
        """DeleteFunction: one version, or all of it."""
        function, qualifier = find(place, asked)
        with function.lock:
            if qualifier is None:
                del functions_of(place)[function.name]
                self.environments.stop(function)
                return {"StatusCode": 204}
            function.version(qualifier)
            named = [a.name for a in function.aliases.values() if qualifier in {a.version, *a.weights}]
            if qualifier == LATEST:
                raise invalid("$LATEST version cannot be deleted without deleting the function.")
            if named:
                what = f"[{', '.join(named)}]"
                raise conflict(f"Unable to delete version because the following aliases reference it: {what}")
            del function.published[qualifier]
            function.provisioned.pop(qualifier, None)
        self.environments.stop(function, qualifier)
        return {"StatusCode": 204}

    def publish_version(self, place: Place, asked: JsonObject) -> Answer:
        """PublishVersion: nothing new where nothing changed since the last one."""
        function, _ = find(place, asked)
        with function.lock:
            _refuse_while_changing(function)
            check_revision(asked.get("RevisionId"), function.latest.shown_revision, "GetFunction")
            wanted, now = asked.get("CodeSha256"), function.latest.settings.sha256
            if wanted and wanted != now:
                raise invalid(
                    f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({now})."
                )
            return self._publish(function, asked)

    def _publish(self, function: Function, asked: JsonObject) -> Answer:
        last = function.published.get(str(function.counted))
        if last and last.settings == function.latest.settings:
            return describe(function, last)
        function.counted += 1
        number = str(function.counted)
        description = _text(asked, "Description") or function.latest.description
        version = self._version(number, function.latest.settings, description)
        function.published[number] = version
        return describe(function, version)

    def _version(self, number: str, settings: Settings, description: str) -> Version:
        """One that is being made from now on."""
        takes = UPDATE_SECONDS / self.context.clock_factor
        return Version(number=number, settings=settings, description=description, takes=takes)

    def list_versions_by_function(self, place: Place, asked: JsonObject) -> Answer:
        """ListVersionsByFunction: $LATEST first, a page at a time."""
        function, _ = find(place, asked)
        with function.lock:
            all_ = [function.latest, *function.published.values()]
        first, size = int(str(asked.get("Marker") or 0)), min(int(str(asked.get("MaxItems") or 50)), 50)
        page = [describe(function, each) for each in all_[first : first + size]]
        following: Answer = {"NextMarker": str(first + size)} if first + size < len(all_) else {}
        return {"Versions": page, **following}


def describe(function: Function, version: Version, qualifier: str | None = None) -> Answer:
    """As FunctionConfiguration, all of one moment: a change may end while it is written."""
    settings, config, ready = version.settings, version.settings.config, version.ready
    pending = version.born and not ready
    ending = "" if version.number == LATEST and qualifier is None else f":{qualifier or version.number}"
    said: Answer = {
        "FunctionName": function.name,
        "FunctionArn": f"{function.arn}{ending}",
        "Role": settings.role,
        "CodeSize": settings.size,
        "CodeSha256": settings.sha256,
        "Description": version.description,
        "Timeout": settings.timeout,
        "MemorySize": settings.memory,
        "LastModified": version.modified,
        "Version": version.number,
        "TracingConfig": config.get("TracingConfig") or {"Mode": "PassThrough"},
        "RevisionId": version.revision_when(ready=ready),
        "State": "Pending" if pending else "Active",
        "LastUpdateStatus": "Successful" if ready else "InProgress",
        "PackageType": "Image",
        "Architectures": [settings.architecture],
        "EphemeralStorage": {"Size": settings.storage},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.name}"},
    }
    if pending:
        said |= {"StateReason": "The function is being created.", "StateReasonCode": "Creating"}
    if settings.variables:
        said["Environment"] = {"Variables": dict(settings.variables)}
    if settings.image_config:
        said["ImageConfigResponse"] = {"ImageConfig": dict(settings.image_config)}
    said |= {key: config[key] for key in ("VpcConfig", "KMSKeyArn") if config.get(key)}
    return said


def check_tags(tags: Mapping[str, str]) -> None:
    """No more than a function may have."""
    if len(tags) > _MOST_TAGS:
        raise invalid(f"A function may have {_MOST_TAGS} tags, not {len(tags)}.")


def _refuse_while_changing(function: Function) -> None:
    if not function.latest.ready:
        message = "The operation cannot be performed at this time. An update is in progress for resource:"
        raise conflict(f"{message} {function.arn}")


def _check_role(place: Place, role: str) -> None:
    found = _ROLE.fullmatch(role)
    if found is None:
        message = f"1 validation error detected: Value '{role}' at 'role' failed to satisfy constraint"
        raise RequestRefused("ValidationException", message)
    if found["account"] != place.account:
        raise RequestRefused("AccessDeniedException", "Cross-account pass role is not allowed.")
    roles = iam_backends[place.account]["aws"].roles.values()
    trust = next((each.assume_role_policy_document for each in roles if each.name == found["name"]), None)
    if trust is None or "lambda.amazonaws.com" not in json.dumps(trust):
        raise invalid("The role defined for the function cannot be assumed by Lambda.")


def _check_config(config: JsonObject) -> None:
    environment = config.get("Environment")
    variables: Json = environment.get("Variables") if isinstance(environment, Mapping) else None
    size = sum(len(k) + len(str(v)) for k, v in variables.items()) if isinstance(variables, Mapping) else 0
    if size > _LARGEST_ENVIRONMENT:
        message = "Lambda was unable to configure your environment variables because the environment"
        raise invalid(f"{message} variables you have provided exceeded the 4KB limit: {size}")


def _text(asked: JsonObject, name: str) -> str:
    return str(asked.get(name) or "")
