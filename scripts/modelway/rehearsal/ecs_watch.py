"""What a service deployment looks at while it goes on: alarms, whoever stops it, and the cloud's end."""

from __future__ import annotations

import time
from dataclasses import dataclass

from modelway.rehearsal.alarms import alarms_of
from modelway.rehearsal.ecs_model import Deployment, Service
from modelway.rehearsal.ecs_runner import Runner

_LOOK_EVERY = 0.1


class SupersededError(Exception):
    """A newer deployment takes over."""


class GoneError(Exception):
    """The service, or the whole cloud, goes."""


class BackError(Exception):
    """The deployment goes back; its text is the reason."""


class FailedError(Exception):
    """The deployment has failed and stays where it is; its text is the reason."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Waits for one deployment, and raises what speaks against going on."""

    runner: Runner
    service: Service
    deployment: Deployment

    def begin(self) -> None:
        """Begin to look at alarms and failures. An alarm that rings already silences all of them."""
        deployment, strategy = self.deployment, self.deployment.strategy
        if strategy.breaker:
            deployment.breaker_status = "MONITORING"
            deployment.threshold = strategy.breaker.threshold(self.service.desired)
        if strategy.alarms and not self._ringing():
            deployment.alarm_status = "MONITORING"

    def pause(self, seconds: float) -> None:
        """Wait, in AWS's seconds, while nothing speaks against going on."""
        end = time.monotonic() + seconds / self.runner.context.clock_factor
        while True:
            self.check()
            left = end - time.monotonic()
            if left <= 0:
                return
            self.service.gone.wait(min(left, _LOOK_EVERY))

    def check(self) -> None:
        """Raise what speaks against going on."""
        deployment = self.deployment
        if self.service.gone.is_set() or self.runner.stopped.is_set():
            raise GoneError
        if deployment.superseded.is_set():
            raise SupersededError
        if deployment.status == "ROLLBACK_REQUESTED":
            raise BackError("Service deployment rolled back by a request to stop it.")
        if deployment.alarm_status == "MONITORING" and (ringing := self._ringing()):
            deployment.alarm_status, deployment.triggered = "TRIGGERED", ringing
            because = f"alarm(s) {', '.join(ringing)} went off"
            alarms = deployment.strategy.alarms
            self.end(because, rollback=bool(alarms and alarms.rollback))

    def _ringing(self) -> tuple[str, ...]:
        """The deployment's alarms that are in ALARM."""
        known = alarms_of(self.service.account, self.service.region)
        names = self.deployment.strategy.alarms.names if self.deployment.strategy.alarms else ()
        return tuple(name for name in names if name in known and known[name].state_value == "ALARM")

    def end(self, because: str, *, rollback: bool) -> None:
        """Raise the end of a deployment that failed: back where that is wished and possible, or stopped."""
        if rollback and self.service.completed:
            raise BackError(f"Service deployment rolled back because the {because}.")
        raise FailedError(f"Service deployment failed because the {because}.")

    def bake_for_alarms(self) -> None:
        """As long as the slowest alarm takes to go off (alarm periods are compressed already)."""
        known = alarms_of(self.service.account, self.service.region)
        names = self.deployment.strategy.alarms.names if self.deployment.strategy.alarms else ()
        rules = [known[name].rule for name in names if name in known]
        longest = max((rule.period * rule.periods for rule in rules), default=0.0)
        self.pause(longest * self.runner.context.clock_factor)
