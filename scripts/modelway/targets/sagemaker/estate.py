"""Everything modelway made for one endpoint, and taking it away: the endpoint first, then its versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import translated
from modelway.adapters.cloudwatch import delete_alarms, made_alarms, total
from modelway.adapters.waits import waits
from modelway.core.estate import Thing, made_by_others
from modelway.core.naming import labelled
from modelway.errors import Unavailable
from modelway.ports import Clock
from modelway.targets.sagemaker.metrics import METRICS
from modelway.targets.sagemaker.observation import Observer
from modelway.targets.sagemaker.settings import VARIANT
from modelway.targets.sagemaker.versions import unless_gone

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_SCALING, _ENDPOINT, _ALARM, _MODEL, _CONFIG = "autoscaling", "endpoint", "alarm", "model", "endpoint-config"
_POLL, _PATIENCE = (5.0, 15.0), 1800.0
"""Seconds between two looks at an endpoint that is being deleted, and until that is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """What modelway made for one endpoint."""

    client: SageMakerClient
    observer: Observer
    labels: dict[str, str]
    clock: Clock

    @property
    def _endpoint(self) -> str:
        return self.observer.inventory.endpoint

    def things(self) -> tuple[Thing, ...]:
        """The endpoint with its autoscaling, then alarms, models and endpoint configs."""
        alarms = made_alarms(self.observer.alarms.client, self._endpoint)
        return (
            *self._serving(),
            *(Thing(kind=_ALARM, name=name, words=f"the alarm {name}") for name in alarms),
            *(Thing(kind=_MODEL, name=name, words=f"the model {name}") for name in self._models()),
            *(
                Thing(kind=_CONFIG, name=name, words=f"the endpoint config {name}")
                for name in self._configs()
            ),
        )

    def _serving(self) -> Iterator[Thing]:
        """What has the traffic."""
        endpoint = self.observer.inventory.describe()
        if endpoint is None:
            return
        what = f"the endpoint {self._endpoint}"
        if not self._ours(endpoint["EndpointArn"]):
            raise made_by_others(what, f"aws sagemaker delete-endpoint --endpoint-name {self._endpoint}")
        if self.observer.scaling.observe():
            words = f"the autoscaling of {what}, with the alarms Application Auto Scaling keeps for it"
            yield Thing(kind=_SCALING, name=self._endpoint, words=words)
        going = endpoint["EndpointStatus"] == "Deleting"
        yield Thing(kind=_ENDPOINT, name=self._endpoint, words=what, going=going)

    def _ours(self, arn: str) -> bool:
        """Whether modelway created a thing for this environment."""
        with translated(f"read the tags of {arn}", service="sagemaker"):
            pages = self.client.get_paginator("list_tags").paginate(ResourceArn=arn)
            tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
        return labelled(tags, self.labels)

    def _models(self) -> Iterator[str]:
        """Models of versions, also of such as never got their endpoint config."""
        with translated(f"list the models of {self._endpoint}", service="sagemaker"):
            pages = self.client.get_paginator("list_models").paginate(NameContains=f"{self._endpoint}-")
            found = {one["ModelName"]: one["ModelArn"] for page in pages for one in page["Models"]}
        yield from self._own(found)

    def _configs(self) -> Iterator[str]:
        """Endpoint configs: versions, and what was one until somebody removed its record."""
        with translated(f"list the versions of {self._endpoint}", service="sagemaker"):
            pages = self.client.get_paginator("list_endpoint_configs").paginate(
                NameContains=f"{self._endpoint}-"
            )
            found = {
                one["EndpointConfigName"]: one["EndpointConfigArn"]
                for page in pages
                for one in page["EndpointConfigs"]
            }
        yield from self._own(found)

    def _own(self, found: dict[str, str]) -> Iterator[str]:
        """Those named as versions are and tagged by modelway, of ARNs by name."""
        named = re.compile(re.escape(self._endpoint) + "-[0-9a-f]{12}")
        for name in sorted(found):
            if named.fullmatch(name) and self._ours(found[name]):
                yield name

    def remove(self, thing: Thing, /) -> None:
        """Delete one thing; of the endpoint the end is awaited, since it still uses what comes after it."""
        name = thing.name
        deletions: dict[str, Callable[[], object]] = {
            _SCALING: self.observer.scaling.remove,
            _ENDPOINT: self._delete_endpoint,
            _ALARM: lambda: delete_alarms(self.observer.alarms.client, [name]),
            _MODEL: lambda: unless_gone(lambda: self.client.delete_model(ModelName=name)),
            _CONFIG: lambda: unless_gone(lambda: self.client.delete_endpoint_config(EndpointConfigName=name)),
        }
        with translated(f"delete {thing.words}", service="sagemaker"):
            deletions[thing.kind]()

    def _delete_endpoint(self) -> None:
        """Ask for its end, unless somebody has, and wait for it."""
        began, pauses = self.clock.now(), waits(*_POLL)
        endpoint = self.observer.inventory.describe()
        if endpoint and endpoint["EndpointStatus"] != "Deleting":
            unless_gone(lambda: self.client.delete_endpoint(EndpointName=self._endpoint))
        while endpoint := self.observer.inventory.describe():
            if self.clock.elapsed(began) > _PATIENCE:
                what = f"the endpoint {self._endpoint} has been {endpoint['EndpointStatus']} for half an hour"
                raise Unavailable(what, cure="Look at it in the SageMaker console, then run this again.")
            self.clock.sleep(next(pauses))

    def requests(self, seconds: float, /) -> int:
        """Invocations of the endpoint."""
        place = {"EndpointName": self._endpoint, "VariantName": VARIANT}
        client = self.observer.alarms.client
        return total(client, self.clock, METRICS.counted, [place], seconds)
