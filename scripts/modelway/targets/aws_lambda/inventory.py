"""Reading a function: what it is, its published versions, and what its alias points at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.core.plan import FULL
from modelway.core.record_tags import PREFIX
from modelway.core.version import VersionId
from modelway.targets.aws_lambda.records import Records
from modelway.targets.aws_lambda.settings import ALIAS, MODEL_SHA256

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import (
        AliasConfigurationResponseTypeDef,
        FunctionConfigurationTypeDef,
        GetFunctionResponseTypeDef,
    )

_DESCRIPTION = re.compile(
    r"modelway (?P<id>[0-9a-f]{12})(?: artifact (?P<artifact>[0-9a-f]{64}))?"
    r"(?: url (?P<url>iam|public|none))?(?: release (?P<release>.+))?"
)
_POINTED = re.compile(r"modelway (?P<id>[0-9a-f]{12}) at (?P<percent>\d{1,3})% since (?P<since>\S+)")
_LONGEST = 256
_ADOPTED = f"{PREFIX}adopted"
LATEST = "$LATEST"
"""The place where versions are made, which is none itself."""


def described(version: VersionId, artifact: str | None, release: str, url: str) -> str:
    """A published version's description: which version of ours it is, and the URL its alias is to have."""
    parts = [
        f"modelway {version}",
        f"artifact {artifact}" if artifact else "",
        f"url {url or 'none'}",
        release and f"release {release}",
    ]
    return " ".join(part for part in parts if part)[:_LONGEST]


def pointed(version: VersionId, percent: int, since: str) -> str:
    """The alias's description: Lambda keeps no time of its last change."""
    return f"modelway {version} at {percent}% since {since}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published version."""

    number: str
    """Lambda's own: 1, 2, 3 ..."""
    sha256: str
    """The image's digest, 64 hex digits."""
    role: str
    artifact: str | None
    loads: str | None
    """The weights its containers are told to load, or ``None``; ``artifact`` where nobody may read that."""
    release: str
    adopted: bool = False
    """Somebody else published it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """The alias."""

    revision: str
    shares: Mapping[str, int]
    """Percent by Lambda's version number; what has none is not named."""
    description: str
    first: str
    """The number the alias names; another may have a share of it, or all."""

    @property
    def step(self) -> tuple[VersionId, int, str] | None:
        """The version it was last moved for, to which share, and when; ``None`` where others wrote there."""
        found = _POINTED.fullmatch(self.description)
        return (VersionId(found["id"]), int(found["percent"]), found["since"]) if found else None

    @property
    def held(self) -> str | None:
        """The number that has all traffic although the alias names another, for which we moved it.

        Lambda keeps traffic there until what is provisioned for the alias is ready behind the version it
        names now, and for good where that fails (hashicorp/terraform-provider-aws#48116).
        """
        if self.step is None or self.step[1] != FULL:
            return None
        return next((n for n, share in self.shares.items() if share == FULL and n != self.first), None)


@dataclass(slots=True)
class Inventory:
    """What there is of one function."""

    client: LambdaClient
    function: str
    records: Records | None = None
    """Where it is remembered which published versions were adopted; nothing is adopted without."""
    _numbers: dict[VersionId, str] = field(default_factory=dict)
    _urls: dict[VersionId, str] = field(default_factory=dict)
    _adopted: dict[str, VersionId] | None = None
    """Versions by Lambda's number of somebody else's published version; ``None`` while nobody looked."""

    def find(self) -> GetFunctionResponseTypeDef | None:
        """The function; ``None`` while there is none."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"read the function {self.function}", service="lambda"):
            try:
                return self.client.get_function(FunctionName=self.function)
            except ClientError as error:
                if code(error) == "ResourceNotFoundException":
                    return None
                raise

    def pointer(self) -> Pointer | None:
        """The alias; ``None`` while there is none."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"read the alias {self.function}:{ALIAS}", service="lambda"):
            try:
                return _pointer(self.client.get_alias(FunctionName=self.function, Name=ALIAS))
            except ClientError as error:
                if code(error) == "ResourceNotFoundException":
                    return None
                raise

    def versions(self) -> Mapping[VersionId, Published]:
        """Every published version that is one of ours or was adopted; of two of the same id the newer."""
        found: dict[VersionId, Published] = {}
        adopted = self._known()
        for each in self._listed():
            told = _DESCRIPTION.fullmatch(each.get("Description", ""))
            if each["Version"] in adopted:
                found[adopted[each["Version"]]] = _taken_over(each)
            if told is None or each["Version"] == LATEST:
                continue
            if told["url"]:
                self._urls[VersionId(told["id"])] = told["url"].replace("none", "")
            found[VersionId(told["id"])] = Published(
                number=each["Version"],
                sha256=each["CodeSha256"],
                role=each["Role"],
                artifact=told["artifact"],
                loads=_loads(each, told["artifact"]),
                release=told["release"] or "",
            )
        self._numbers = {id_: each.number for id_, each in found.items()}
        return found

    def remember(self, marks: Mapping[VersionId, Mapping[str, str]]) -> None:
        """Take from what is remembered which published versions were adopted."""
        names = {id_: each[_ADOPTED] for id_, each in marks.items() if _ADOPTED in each}
        self._adopted = {name.rpartition(":")[2]: id_ for id_, name in names.items()}

    def recognise(self, version: VersionId, name: str) -> None:
        """The version is the published one of this name, ``function:number``, from now on."""
        self._adopted = {**self._known(), name.rpartition(":")[2]: version}
        self._numbers.pop(version, None)

    def forget(self, version: VersionId) -> None:
        """It is somebody else's again, and none of ours."""
        self._adopted = {number: id_ for number, id_ in self._known().items() if id_ != version}
        self._numbers.pop(version, None)

    def adopted(self, version: VersionId) -> bool:
        """Whether somebody else published it."""
        return version in self._known().values()

    def _known(self) -> dict[str, VersionId]:
        if self._adopted is None:
            self.remember(self.records.read() if self.records else {})
        return self._adopted or {}

    def strangers(self) -> tuple[str, ...]:
        """The numbers of published versions modelway did not make."""
        others = [each for each in self._listed() if not _DESCRIPTION.fullmatch(each.get("Description", ""))]
        return tuple(each["Version"] for each in others if each["Version"] != LATEST)

    def images(self) -> frozenset[str]:
        """Digests of all versions, whoever published them: of an image, ``CodeSha256`` is its digest."""
        return frozenset(f"sha256:{each['CodeSha256']}" for each in self._listed() if _is_image(each))

    def _listed(self) -> list[FunctionConfigurationTypeDef]:
        """What Lambda lists; nothing while there is no function."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"list the versions of {self.function}", service="lambda"):
            try:
                pages = self.client.get_paginator("list_versions_by_function").paginate(
                    FunctionName=self.function
                )
                return [each for page in pages for each in page["Versions"]]
            except ClientError as error:
                if code(error) == "ResourceNotFoundException":
                    return []
                raise

    def number(self, version: VersionId) -> str:
        """Lambda's number of a version; empty while it is not published."""
        if version not in self._numbers:
            self.versions()
        return self._numbers.get(version, "")

    def url(self, version: VersionId) -> str | None:
        """The function URL it was released with, as a config says it; ``None`` where nobody knows."""
        return self._urls.get(version) if self.number(version) else None


def _taken_over(version: FunctionConfigurationTypeDef) -> Published:
    """A version somebody else published, as one of ours."""
    return Published(
        number=version["Version"],
        sha256=version["CodeSha256"],
        role=version["Role"],
        artifact=None,
        loads=_loads(version, None),
        release="adopted",
        adopted=True,
    )


def _is_image(version: FunctionConfigurationTypeDef) -> bool:
    """Of a zip file, ``CodeSha256`` is in base64."""
    return re.fullmatch(r"[0-9a-f]{64}", version.get("CodeSha256", "")) is not None


def _loads(version: FunctionConfigurationTypeDef, otherwise: str | None) -> str | None:
    """What the version's environment says; Lambda tells an error of one it cannot decrypt for us."""
    told = version.get("Environment", {})
    return otherwise if told.get("Error") else told.get("Variables", {}).get(MODEL_SHA256)


def _pointer(alias: AliasConfigurationResponseTypeDef) -> Pointer:
    routing = alias.get("RoutingConfig") or {}
    others = {n: round(FULL * weight) for n, weight in routing.get("AdditionalVersionWeights", {}).items()}
    first = {alias["FunctionVersion"]: FULL - sum(others.values())}
    return Pointer(
        revision=alias["RevisionId"],
        shares={number: share for number, share in {**first, **others}.items() if share},
        description=alias.get("Description", ""),
        first=alias["FunctionVersion"],
    )
