"""Everything modelway made for one service, and taking it away: the service first, then its versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.adapters.cloudwatch import delete_alarms, made_alarms, total
from modelway.adapters.waits import waits
from modelway.core.estate import Thing, made_by_others
from modelway.core.naming import labelled
from modelway.errors import Unavailable
from modelway.ports import Clock
from modelway.targets.ecs.metrics import METRICS, dimensions
from modelway.targets.ecs.observation import Observer

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

_SCALING, _SERVICE, _ALARM, _DEFINITION, _LOGS = "autoscaling", "service", "alarm", "task-definition", "logs"
_POLL, _PATIENCE = (5.0, 15.0), 1800.0
"""Seconds between two looks at a service whose tasks stop, and until that is given up."""
_GONE = frozenset({"ServiceNotFoundException", "ServiceNotActiveException"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """What modelway made for one service; its load balancer and cluster are others'."""

    client: ECSClient
    observer: Observer
    labels: dict[str, str]
    clock: Clock

    @property
    def _service(self) -> str:
        return self.observer.pointer.services.name

    @property
    def _cluster(self) -> str:
        return self.observer.settings.cluster

    def things(self) -> tuple[Thing, ...]:
        """The service with its autoscaling, then alarms, task definitions and the log group."""
        alarms = made_alarms(self.observer.alarms.client, self._service)
        return (
            *self._serving(),
            *(Thing(kind=_ALARM, name=name, words=f"the alarm {name}") for name in alarms),
            *self._definitions(),
            *self._logs(),
        )

    def _serving(self) -> Iterator[Thing]:
        """What has the traffic."""
        service = self.observer.pointer.services.describe(tags=True)
        if service is None:
            return
        what = f"the service {self._service} of the cluster {self._cluster.rpartition('/')[2]}"
        if not labelled({tag["key"]: tag["value"] for tag in service.get("tags", [])}, self.labels):
            delete = f"aws ecs delete-service --force --cluster {self._cluster} --service {self._service}"
            raise made_by_others(what, delete)
        if self.observer.scaling.observe(None):
            words = f"the autoscaling of {what}, with the alarms Application Auto Scaling keeps for it"
            yield Thing(kind=_SCALING, name=self._service, words=words)
        going = service["status"] == "DRAINING"
        yield Thing(kind=_SERVICE, name=self._service, words=f"{what}, with its tasks", going=going)

    def _definitions(self) -> Iterator[Thing]:
        """The active revisions modelway registered; deregistering keeps what they were."""
        inventory = self.observer.pointer.inventory
        for arn in inventory.revisions():
            if labelled(inventory.tags(arn), self.labels):
                name = arn.rpartition("/")[2]
                yield Thing(kind=_DEFINITION, name=arn, words=f"the task definition {name} (deregistered)")

    def _logs(self) -> Iterator[Thing]:
        """The log group, where modelway made it."""
        name = self.observer.surroundings.log_group
        if labelled(self.observer.surroundings.log_group_tags(), self.labels):
            yield Thing(kind=_LOGS, name=name, words=f"the log group {name}, with what is in it")

    def remove(self, thing: Thing, /) -> None:
        """Delete one thing; of the service the end is awaited."""
        deletions: dict[str, Callable[[], object]] = {
            _SCALING: self.observer.scaling.remove,
            _SERVICE: self._delete_service,
            _ALARM: lambda: delete_alarms(self.observer.alarms.client, [thing.name]),
            _DEFINITION: lambda: self.client.deregister_task_definition(taskDefinition=thing.name),
            _LOGS: self.observer.surroundings.delete_log_group,
        }
        with translated(f"delete {thing.words}", service="ecs"):
            deletions[thing.kind]()

    def _delete_service(self) -> None:
        """Ask for its end, unless somebody has, and wait until its tasks are gone."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        began, pauses = self.clock.now(), waits(*_POLL)
        try:
            self.client.delete_service(cluster=self._cluster, service=self._service, force=True)
        except ClientError as error:
            if code(error) not in _GONE:
                raise
        while service := self.observer.pointer.services.describe():
            if self.clock.elapsed(began) > _PATIENCE:
                what = f"the service {self._service} has been {service['status']} for half an hour"
                raise Unavailable(what, cure="Look at its tasks in the ECS console, then run this again.")
            self.clock.sleep(next(pauses))

    def requests(self, seconds: float, /) -> int | None:
        """AWS/ApplicationELB RequestCount of the service's target groups.

        Tasks without a load balancer are asked by ways nobody counts; where none runs, nobody asks them.
        """
        balancer = self.observer.settings.balancer
        if balancer is None:
            service = self.observer.pointer.services.describe()
            return None if service and service["runningCount"] else 0
        places = [dimensions(group, balancer.listener_rule) for group in balancer.target_groups]
        return total(self.observer.alarms.client, self.clock, METRICS.counted, places, seconds)
