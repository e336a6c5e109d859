"""Everything modelway made for one function, and taking it away: the function first, its marks last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.adapters.cloudwatch import delete_alarms, made_alarms, total
from modelway.core.config import Capacity
from modelway.core.estate import Thing, made_by_others
from modelway.core.naming import labelled
from modelway.core.version import VersionId
from modelway.errors import Differs
from modelway.ports import Clock
from modelway.targets.aws_lambda.metrics import METRICS
from modelway.targets.aws_lambda.observation import Observer
from modelway.targets.aws_lambda.records import folder
from modelway.targets.aws_lambda.settings import ALIAS

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_CONCURRENCY, _FUNCTION, _ALARM, _MARKS = "concurrency", "function", "alarm", "marks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """What modelway made for one function."""

    client: LambdaClient
    observer: Observer
    labels: dict[str, str]
    clock: Clock

    @property
    def _function(self) -> str:
        return self.observer.inventory.function

    def things(self) -> tuple[Thing, ...]:
        """What is provisioned, the function with all that is in it, alarms, and the marks of its versions."""
        alarms = made_alarms(self.observer.alarms.client, self._function)
        marks = sorted(self.observer.records.read())
        return (
            *self._serving(),
            *(Thing(kind=_ALARM, name=name, words=f"the alarm {name}") for name in alarms),
            *(Thing(kind=_MARKS, name=id_, words=f"the parameters {self._path(id_)}/*") for id_ in marks),
        )

    def _path(self, version: str) -> str:
        return f"{folder(self._function)}/{version}"

    def _serving(self) -> Iterator[Thing]:
        """What has the traffic; refused where others published versions or aliases of it."""
        function = self.observer.inventory.find()
        if function is None:
            return
        what = f"the function {self._function}"
        if not labelled(function.get("Tags", {}), self.labels):
            raise made_by_others(what, f"aws lambda delete-function --function-name {self._function}")
        self._refuse_strangers(what)
        there = self.observer.concurrency.observe(self.observer.environment.capacity)
        if there != Capacity(instances=0):
            words = f"the provisioned concurrency of {what}, with its autoscaling"
            yield Thing(kind=_CONCURRENCY, name=self._function, words=words)
        versions = self.observer.inventory.versions().values()
        numbers = ", ".join(sorted((each.number for each in versions), key=int)) or "none"
        words = f"{what}, with its alias {ALIAS}, its URL and its versions ({numbers})"
        yield Thing(kind=_FUNCTION, name=self._function, words=words)

    def _refuse_strangers(self, what: str) -> None:
        """A function is deleted as a whole: nobody else's version or alias may be in it."""
        with translated(f"list the aliases of {what}", service="lambda"):
            pages = self.client.get_paginator("list_aliases").paginate(FunctionName=self._function)
            aliases = [each["Name"] for page in pages for each in page["Aliases"]]
        others = [f"version {number}" for number in self.observer.inventory.strangers()]
        others += [f"alias {name}" for name in aliases if name != ALIAS]
        if others:
            cure = "Ask whoever made them. Delete them, then run this again."
            raise Differs(f"{what} holds what modelway did not make", seen=", ".join(others), cure=cure)

    def remove(self, thing: Thing, /) -> None:
        """Delete one thing."""
        deletions: dict[str, Callable[[], object]] = {
            _CONCURRENCY: lambda: self.observer.concurrency.set(Capacity(instances=0)),
            _FUNCTION: self._delete_function,
            _ALARM: lambda: delete_alarms(self.observer.alarms.client, [thing.name]),
            _MARKS: lambda: self.observer.records.forget(VersionId(thing.name)),
        }
        deletions[thing.kind]()

    def _delete_function(self) -> None:
        """All of it at once: versions, aliases, URLs and who may call them."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"delete the function {self._function}", service="lambda"):
            try:
                self.client.delete_function(FunctionName=self._function)
            except ClientError as error:
                if code(error) != "ResourceNotFoundException":
                    raise

    def requests(self, seconds: float, /) -> int:
        """Invocations of the function, whatever it was called by."""
        place = {"FunctionName": self._function}
        return total(self.observer.alarms.client, self.clock, METRICS.counted, [place], seconds)
