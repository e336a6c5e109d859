"""What an environment remembers of its versions: a parameter of Systems Manager for each mark.

Only functions have tags on Lambda, fifty of them, and a version never changes: neither can hold what is
learned of a version later. docs/adr has what else was weighed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.core.record import Mark
from modelway.core.record_tags import PREFIX, changed_tags
from modelway.core.version import VersionId

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

_TOGETHER = 10
"""Parameters one DeleteParameters takes."""


def folder(function: str) -> str:
    """Where a function's marks lie."""
    return f"/modelway/{function}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The marks of one function's versions, under ``/modelway/<function>/<id>/<mark>``."""

    client: SSMClient
    function: str

    def _path(self, version: VersionId, key: str) -> str:
        return f"{folder(self.function)}/{version}/{key.removeprefix(PREFIX)}"

    def read(self) -> Mapping[VersionId, Mapping[str, str]]:
        """The marks of every version, as tags."""
        found: dict[VersionId, dict[str, str]] = defaultdict(dict)
        with translated(f"read what is remembered of {self.function}", service="ssm"):
            pages = self.client.get_paginator("get_parameters_by_path").paginate(
                Path=folder(self.function), Recursive=True
            )
            for parameter in (each for page in pages for each in page["Parameters"]):
                _, version, key = parameter["Name"].rsplit("/", 2)
                found[VersionId(version)][f"{PREFIX}{key}"] = parameter["Value"]
        return found

    def write(self, version: VersionId, mark: Mark, labels: Mapping[str, str]) -> None:
        """Remember a mark; the parameter's tags are given once, when it is made."""
        changed, removed = changed_tags(mark)
        for key, value in changed.items():
            with translated(f"remember {key} of version {version}", service="ssm"):
                self._put(self._path(version, key), value, labels)
        self._delete([self._path(version, key) for key in removed])

    def _put(self, name: str, value: str, labels: Mapping[str, str]) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        try:
            tags = [{"Key": key, "Value": label} for key, label in labels.items()]
            self.client.put_parameter(Name=name, Value=value, Type="String", Tags=tags)  # type: ignore[arg-type]
        except ClientError as error:
            if code(error) != "ParameterAlreadyExists":
                raise
            self.client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def forget(self, version: VersionId) -> None:
        """Delete every mark of a version."""
        marks = self.read().get(version, {})
        self._delete([self._path(version, key) for key in marks])

    def _delete(self, names: list[str]) -> None:
        """What is gone already is no error."""
        for first in range(0, len(names), _TOGETHER):
            with translated(f"forget marks of {self.function}", service="ssm"):
                self.client.delete_parameters(Names=names[first : first + _TOGETHER])
