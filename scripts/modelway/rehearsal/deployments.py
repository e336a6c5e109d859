"""Deployments of endpoints, each in its own thread: create, update behind guardrails, roll back, delete."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from threading import Event, Thread

from moto.cloudwatch.models import cloudwatch_backends
from moto.sagemaker.models import SageMakerModelBackend

from modelway.core.json import JsonObject
from modelway.rehearsal.context import Context
from modelway.rehearsal.endpoints import Endpoint, Pending, Variant, images_of
from modelway.rehearsal.fleet import Fleet, Server, StartError, start
from modelway.rehearsal.guardrails import Timeline
from modelway.rehearsal.launches import launch
from modelway.rehearsal.limits import Limits
from modelway.rehearsal.streams import Source, Streams, group_of

_WHOLE = Fraction(1)
_LOOK_EVERY = 0.1
_STOP_SECONDS = 10
_SCALE_SECONDS = 60
"""What a change of capacity or weight takes, and a rollback's shift, in AWS's seconds: order of magnitude."""


class TakenBackError(Exception):
    """The update goes back to the old fleet; its text is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The endpoint config an endpoint is to have, resolved."""

    config: str
    production: Sequence[JsonObject]
    """The variants as the config has them."""
    variants: list[Variant]
    """The variants as they will be, capacity retained or not."""
    deployment: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployer:
    """Moves endpoints of all accounts."""

    context: Context
    limits: Limits
    streams: Streams
    _endpoints: list[Endpoint] = field(default_factory=list)
    _threads: list[Thread] = field(default_factory=list)
    _stopped: Event = field(default_factory=Event)

    def stop(self) -> None:
        """Start no more containers, and wait for what is being started: the cloud removes containers next."""
        self._stopped.set()
        for endpoint in self._endpoints:
            endpoint.gone.set()
        end = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def create(self, backend: SageMakerModelBackend, endpoint: Endpoint, wish: Wish) -> None:
        """Start the first fleet; ``InService`` or ``Failed`` at the end."""
        self._endpoints.append(endpoint)
        self._run(lambda: self._create(backend, endpoint, wish))

    def update(
        self, backend: SageMakerModelBackend, endpoint: Endpoint, wish: Wish, timeline: Timeline
    ) -> None:
        """Move to another config; ``InService`` at the end, on the one or the other."""
        endpoint.was_updated = True
        endpoint.pending = Pending(config=wish.config, variants=wish.variants)
        endpoint.move("Updating")
        self._run(lambda: self._update(backend, endpoint, wish, timeline))

    def scale(self, endpoint: Endpoint, change: Callable[[], None]) -> None:
        """Change weights or capacity; nothing is started, one container stands for all instances."""
        endpoint.move("Updating")

        def work() -> None:
            self._pause(endpoint, _SCALE_SECONDS)
            with endpoint.lock:
                change()
            endpoint.move("InService")

        self._run(work)

    def delete(self, endpoint: Endpoint, forget: Callable[[], None]) -> None:
        """Remove the containers, then the endpoint."""
        endpoint.move("Deleting")
        endpoint.gone.set()

        def work() -> None:
            for fleet in endpoint.fleets:
                fleet.remove()
            endpoint.route()
            forget()

        self._run(work)

    def _create(self, backend: SageMakerModelBackend, endpoint: Endpoint, wish: Wish) -> None:
        try:
            fleet = self._start(backend, endpoint, wish)
        except StartError as error:
            endpoint.move("Failed", str(error))
            return
        endpoint.route((fleet, _WHOLE))
        endpoint.move("InService")

    def _update(
        self, backend: SageMakerModelBackend, endpoint: Endpoint, wish: Wish, timeline: Timeline
    ) -> None:
        old, began = endpoint.fleets, time.monotonic()
        try:
            new = self._start(backend, endpoint, wish)
        except StartError as error:
            self._take_back(endpoint, None, str(error))
            return
        if endpoint.pending:
            endpoint.pending.images = images_of(new.servers)
        provisioning = time.monotonic() - began
        try:
            self._shift(endpoint, old[0], new, timeline, provisioning)
        except TakenBackError as error:
            endpoint.route((old[0], _WHOLE))
            self._take_back(endpoint, new, str(error))
            return
        self._pause(endpoint, timeline.termination_wait)
        self._settle(endpoint, new, wish)
        for fleet in old:
            fleet.remove()

    def _shift(
        self, endpoint: Endpoint, old: Fleet, new: Fleet, timeline: Timeline, provisioning: float
    ) -> None:
        """Give the new fleet its shares one after the other; raises ``TakenBackError``."""
        spent = provisioning
        for step in timeline.steps:
            endpoint.baking("ActivatingTraffic")
            rest = () if step.share == _WHOLE else ((old, _WHOLE - step.share),)
            endpoint.route((new, step.share), *rest)
            endpoint.baking("Baking")
            self._bake(endpoint, timeline.alarms, step.wait)
            spent += step.wait
            if spent > timeline.limit:
                msg = f"The update exceeded MaximumExecutionTimeoutInSeconds ({timeline.limit})."
                raise TakenBackError(msg)

    def _bake(self, endpoint: Endpoint, alarms: tuple[str, ...], seconds: int) -> None:
        """Wait while alarms are quiet; raises ``TakenBackError``. Looked at once where there is no wait."""
        end = time.monotonic() + seconds / self.context.clock_factor
        while True:
            known = cloudwatch_backends[endpoint.account][endpoint.region].alarms
            ringing = [name for name in alarms if name in known and known[name].state_value == "ALARM"]
            if ringing:
                msg = (
                    "Endpoint update was rolled back because of CloudWatch alarm(s) in ALARM state: "
                    f"{', '.join(ringing)}."
                )
                raise TakenBackError(msg)
            left = end - time.monotonic()
            if left <= 0 or endpoint.gone.wait(min(left, _LOOK_EVERY)):
                return

    def _settle(self, endpoint: Endpoint, new: Fleet, wish: Wish) -> None:
        with endpoint.lock:
            endpoint.route((new, _WHOLE))
            endpoint.endpoint_config_name = wish.config
            endpoint.variants = wish.variants
            endpoint.pending = None
            endpoint.last_deployment = wish.deployment
            endpoint.move("InService")

    def _take_back(self, endpoint: Endpoint, new: Fleet | None, reason: str) -> None:
        endpoint.move("RollingBack", reason)
        if new:
            new.remove()
        self._pause(endpoint, _SCALE_SECONDS)
        with endpoint.lock:
            endpoint.pending = None
            endpoint.move("InService", None if self.limits.silent_rollback else reason)

    def _start(self, backend: SageMakerModelBackend, endpoint: Endpoint, wish: Wish) -> Fleet:
        """Start a container a variant and wait until all are healthy; raises ``StartError``."""
        self._reserve(wish.variants)
        servers: list[Server] = []
        try:
            for variant in wish.production:
                server = self._start_one(backend, variant)
                servers.append(server)
                group = group_of(endpoint.endpoint_name)
                source = Source(account=endpoint.account, region=endpoint.region, group=group)
                self.streams.add(source, server)
            for server in servers:
                server.await_healthy(endpoint.gone)
        except BaseException:
            Fleet(wish.config, tuple(servers)).remove()
            raise
        return Fleet(wish.config, tuple(servers))

    def _start_one(self, backend: SageMakerModelBackend, variant: JsonObject) -> Server:
        if self._stopped.is_set():
            msg = "The rehearsal cloud stops."
            raise StartError(msg)
        return start(self.context, launch(self.context, self.limits, backend, variant))

    def _reserve(self, variants: Sequence[Variant]) -> None:
        for variant in variants:
            there = self.limits.capacity.get(variant.instance_type or "")
            if there is not None and (variant.instances or 0) > there:
                msg = (
                    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity "
                    "error. Please retry using a different ML instance type or after some time."
                )
                raise StartError(msg)

    def _pause(self, endpoint: Endpoint, seconds: float) -> None:
        endpoint.gone.wait(seconds / self.context.clock_factor)

    def _run(self, work: Callable[[], None]) -> None:
        thread = Thread(target=work, name="deployment", daemon=True)
        self._threads[:] = [each for each in self._threads if each.is_alive()]
        self._threads.append(thread)
        thread.start()
