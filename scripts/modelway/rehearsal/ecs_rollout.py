"""One service deployment, from its first stage to its end or back.

docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from moto.core.utils import utcnow

from modelway.rehearsal import ecs_traffic
from modelway.rehearsal.ecs_model import Deployment, Service, Waiting
from modelway.rehearsal.ecs_roles import TaskError
from modelway.rehearsal.ecs_runner import Runner
from modelway.rehearsal.ecs_tasks import Revision
from modelway.rehearsal.ecs_units import NoRoomError, Unit
from modelway.rehearsal.ecs_watch import BackError, FailedError, GoneError, SupersededError, Watch

_LOOK_EVERY = 0.1
_WHOLE = 100.0
_RETRY_SECONDS = 15
"""Between attempts to start tasks, in AWS's seconds: order of magnitude."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One deployment of one service, in its own thread."""

    watch: Watch

    @property
    def runner(self) -> Runner:
        """Starts and stops."""
        return self.watch.runner

    @property
    def service(self) -> Service:
        """What is deployed."""
        return self.watch.service

    @property
    def deployment(self) -> Deployment:
        """How it is deployed."""
        return self.watch.deployment

    def run(self) -> None:
        """Everything, to one of the final states."""
        service, deployment = self.service, self.deployment
        try:
            self._walk()
        except BackError as why:
            self._back(str(why))
        except FailedError as why:
            deployment.move("STOPPED", str(why))
            service.say(f"(deployment {deployment.identity}) deployment failed: {why}")
        except SupersededError:
            self._give_way()
        except GoneError:
            pass
        finally:
            deployment.done.set()

    def _walk(self) -> None:
        service, deployment = self.service, self.deployment
        self._reconcile()
        deployment.move("IN_PROGRESS")
        self.watch.begin()
        blue = service.unit(service.completed)
        self._stage("PRE_SCALE_UP")
        self._scale_up()
        self._stage("POST_SCALE_UP")
        if deployment.strategy.shifts:
            self._shift(blue)
        self._finish(blue)

    def _reconcile(self) -> None:
        """Let a deployment that is superseded come to its end first."""
        earlier = [each for each in self.service.deployments if each is not self.deployment]
        for each in earlier:
            if not each.done.is_set():
                self.deployment.enter("RECONCILE_SERVICE")
                each.done.wait()
        self._choose_groups()
        if len(self.deployment.sources) > 1:
            self.deployment.move("IN_PROGRESS")
            self._stage("RECONCILE_SERVICE")

    def _choose_groups(self) -> None:
        """Take the target groups nobody has: what served may be another revision by now."""
        deployment, service = self.deployment, self.service
        groups = ecs_traffic.choose_groups(
            deployment.target.settings, service.completed, shifts=deployment.strategy.shifts
        )
        if groups != deployment.target.target_groups:
            deployment.target = replace(deployment.target, target_groups=groups)
            service.primary = deployment.target

    def _stage(self, stage: str) -> None:
        """Enter a stage, and wait for whoever is to continue it."""
        if self.deployment.strategy.shifts and stage != "PRE_PRODUCTION_TRAFFIC_SHIFT":
            self.deployment.enter(stage)  # botocore's model has no such value of lifecycleStage
        hooks = [hook for hook in self.deployment.strategy.hooks if stage in hook.stages]
        factor = self.runner.context.clock_factor
        waiting = [self.deployment.expect(hook.timeout / factor, hook.action) for hook in hooks]
        for each in waiting:
            self._await(each)

    def _await(self, hook: Waiting) -> None:
        while hook.status == "AWAITING_ACTION":
            self.watch.check()
            if utcnow() >= hook.expires:
                hook.status = "TIMED_OUT"
                if hook.timeout_action == "ROLLBACK":
                    raise BackError("Service deployment rolled back because a lifecycle hook timed out.")
            self.service.gone.wait(_LOOK_EVERY)
        if hook.status == "FAILED":
            raise BackError("Service deployment rolled back because a lifecycle hook failed.")

    def _scale_up(self) -> None:
        """Start the tasks, again and again until they are healthy or the circuit breaker trips."""
        deployment, service = self.deployment, self.service
        if deployment.strategy.shifts:
            deployment.enter("SCALE_UP")
        while True:
            try:
                self.runner.start(service, deployment.target, deployment.identity, self.watch.check)
            except NoRoomError as error:
                service.say(f"{error}.")
            except TaskError as error:
                service.say(f"(deployment {deployment.identity}) tasks failed: {error}")
            else:
                return
            deployment.failed_tasks += max(1, service.desired)
            breaker = deployment.strategy.breaker
            if breaker and deployment.failed_tasks >= deployment.threshold:
                deployment.breaker_status = "TRIGGERED"
                service.say(f"(deployment {deployment.identity}) deployment failed: tasks failed to start.")
                self.watch.end("circuit breaker threshold was exceeded", rollback=breaker.rollback)
            self.watch.pause(_RETRY_SECONDS)

    def _shift(self, blue: Unit | None) -> None:
        """Test traffic, then production traffic step by step."""
        strategy = self.deployment.strategy
        self._stage("TEST_TRAFFIC_SHIFT")
        self._route("test", _WHOLE)
        self._stage("POST_TEST_TRAFFIC_SHIFT")
        steps = strategy.steps if blue else strategy.steps[-1:]
        for step in steps:
            self._stage("PRE_PRODUCTION_TRAFFIC_SHIFT")
            self._stage("PRODUCTION_TRAFFIC_SHIFT")
            self._route("production", step.percent)
            self.watch.pause(step.bake)
        self._stage("POST_PRODUCTION_TRAFFIC_SHIFT")
        self.deployment.enter("BAKE_TIME")
        if blue:
            self.watch.pause(strategy.bake)

    def _finish(self, blue: Unit | None) -> None:
        """Stop what served before; a rolling update bakes as long as its alarms need to notice."""
        deployment, service = self.deployment, self.service
        if deployment.strategy.shifts:
            deployment.enter("CLEAN_UP")
        self.watch.check()
        for unit in [each for each in service.units.values() if each.revision is not deployment.target]:
            self.runner.stop(service, unit.revision)
        if not deployment.strategy.shifts and blue and deployment.alarm_status == "MONITORING":
            self.watch.bake_for_alarms()
        if deployment.alarm_status == "MONITORING":
            deployment.alarm_status = "MONITORING_COMPLETE"
        if deployment.breaker_status == "MONITORING":
            deployment.breaker_status = "MONITORING_COMPLETE"
        with service.lock:
            service.completed = deployment.target
            deployment.move("SUCCESSFUL")
        service.say(f"(deployment {deployment.identity}) deployment completed.")
        service.say("has reached a steady state.")

    def _back(self, why: str) -> None:
        """Back to the last revision that was deployed, as fast as it goes."""
        deployment, service = self.deployment, self.service
        back = service.completed
        deployment.rollback = {"reason": why, "startedAt": utcnow()}
        if back:
            deployment.rollback["serviceRevisionArn"] = back.arn
        deployment.move("ROLLBACK_IN_PROGRESS", why)
        try:
            if back and service.unit(back) is None:
                self.runner.start_until_healthy(service, back, deployment.identity)
        except GoneError:
            return
        self._route("production", 0.0 if back else _WHOLE)
        self._route("test", 0.0 if back else _WHOLE)
        self.runner.stop(service, deployment.target)
        with service.lock:
            if back:
                self.runner.return_to(service, back)
            deployment.move("ROLLBACK_SUCCESSFUL" if back else "ROLLBACK_FAILED", why)
        service.say(f"(deployment {deployment.identity}) deployment failed: {why}")

    def _give_way(self) -> None:
        """Leave the service to a newer deployment, with the traffic where it was before this one."""
        deployment, service = self.deployment, self.service
        if service.unit(service.completed):
            self._route("production", 0.0)
            self._route("test", 0.0)
            self.runner.stop(service, deployment.target)
        deployment.move("STOPPED", "Service deployment stopped because a newer service deployment started.")

    def _route(self, kind: str, percent: float) -> None:
        """Give the new revision this much of one kind of traffic."""
        target, source = self.deployment.target, self.service.completed
        shares = _shares(target, source, percent)
        if kind == "production":
            self.deployment.production = shares
        else:
            self.deployment.test = shares
        if not self.deployment.strategy.shifts:
            return
        entries = ecs_traffic.balanced(target.settings)
        for index, entry in enumerate(entries):
            rule = entry.production if kind == "production" else entry.test
            mine = target.target_groups[index]
            by_group = dict.fromkeys(entry.groups, 0.0) | {mine: percent}
            for other in (group for group in entry.groups if group != mine):
                by_group[other] = round(_WHOLE - percent, 1)
            ecs_traffic.route(self.service.account, self.service.region, rule, by_group)


def _shares(target: Revision, source: Revision | None, percent: float) -> dict[str, float]:
    others = {source.arn: round(_WHOLE - percent, 1)} if source else {}
    return others | {target.arn: percent}
