"""How much is kept running: provisioned concurrency of the alias, and autoscaling of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.adapters.waits import waits
from modelway.core.config import Capacity
from modelway.core.plan import Blame, Setback
from modelway.errors import Failure, Unavailable, Unhealthy
from modelway.ports import Clock
from modelway.targets.aws_lambda.reasons import refused
from modelway.targets.aws_lambda.settings import ALIAS
from modelway.targets.shared.autoscaling import Scalable, as_configured

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_application_autoscaling.type_defs import TargetTrackingMetricDataQueryTypeDef
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import GetProvisionedConcurrencyConfigResponseTypeDef

POLL, PATIENCE = (5.0, 15.0), 1800.0
_NO_ROOM = (
    "See the account's quota of concurrent executions, or lower capacity, then run this again; the version "
    "is not marked as failed."
)
_DOES_NOT_START = "See its log lines: it answered when asked, and does not start where it is kept ready."


def blame(reason: str) -> Blame:
    """Whose fault it is: of a version that ends at its start Lambda says ``FUNCTION_ERROR_INIT_FAILURE``."""
    return Blame.VERSION if "FUNCTION_ERROR" in reason else Blame.PLATFORM


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """What is provisioned for one function's alias: it stays with the alias from release to release."""

    client: LambdaClient
    scaling: ApplicationAutoScalingClient
    function: str
    clock: Clock

    @property
    def _alias(self) -> Scalable:
        return Scalable(
            client=self.scaling,
            namespace="lambda",
            dimension="lambda:function:ProvisionedConcurrency",
            resource=f"function:{self.function}:{ALIAS}",
            policy="modelway-invocations-per-instance",
        )

    def observe(self, wanted: Capacity) -> Capacity:
        """What there is, in the config's terms; what could not be provisioned is not there."""
        found = self._provisioned()
        there = found["RequestedProvisionedConcurrentExecutions"] if found else 0
        there = 0 if found and found["Status"] == "FAILED" else there
        return as_configured(there, self._alias.observe(), wanted)

    def unsaid(self) -> tuple[str, ...]:
        """Somebody's policies of autoscaling: no config says what they follow."""
        return tuple(name for name in self._alias.unsaid(lambda _: False) if name != self._alias.policy)

    def _provisioned(self) -> GetProvisionedConcurrencyConfigResponseTypeDef | None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated("read provisioned concurrency", service="lambda"):
            try:
                return self.client.get_provisioned_concurrency_config(
                    FunctionName=self.function, Qualifier=ALIAS
                )
            except ClientError as error:
                if code(error) in {
                    "ProvisionedConcurrencyConfigNotFoundException",
                    "ResourceNotFoundException",
                }:
                    return None
                raise

    def set(self, wanted: Capacity) -> None:
        """Provision, and follow the load or stop following it; waits until the environments are ready."""
        bounds, found = wanted.autoscaling, self._provisioned()
        failed = found is not None and found["Status"] == "FAILED"
        now = found["RequestedProvisionedConcurrentExecutions"] if found and not failed else 0
        if bounds is None and self._alias.observe():
            self._alias.remove()
        count = min(max(now or wanted.instances, bounds.min), bounds.max) if bounds else wanted.instances
        if count == 0 and found:
            self._end()
        elif count != now:
            self._provision(count)
        if count:
            self.await_ready()
        if bounds:
            self._alias.set(bounds, self._metrics())

    def _end(self) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated("end provisioned concurrency", service="lambda"):
            try:
                self.client.delete_provisioned_concurrency_config(FunctionName=self.function, Qualifier=ALIAS)
            except ClientError as error:
                raise refused(error, self.client.meta.region_name) from error

    def _provision(self, count: int) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"provision {count} environments of {self.function}", service="lambda"):
            try:
                self.client.put_provisioned_concurrency_config(
                    FunctionName=self.function, Qualifier=ALIAS, ProvisionedConcurrentExecutions=count
                )
            except ClientError as error:
                raise refused(error, self.client.meta.region_name) from error

    def await_ready(self, held: Callable[[], bool] = lambda: False) -> None:
        """Wait until what is provisioned is ready, also after the alias moved; nothing where none is.

        ``held`` says whether Lambda keeps the traffic where it was meanwhile. Raises ``Unhealthy`` where
        the version does not start, ``Unavailable`` where Lambda gave up for another reason.
        """
        pauses = waits(*POLL, within=PATIENCE)
        while (found := self._provisioned()) is not None and (found["Status"] != "READY" or held()):
            pause = next(pauses, None)
            if found["Status"] == "FAILED" or pause is None:
                reason = found.get("StatusReason", "") or f"It is {found['Status']} after half an hour."
                raise self._given_up(reason, held=held())
            self.clock.sleep(pause)

    def _given_up(self, reason: str, *, held: bool) -> Failure:
        """What it means that the environments do not get ready."""
        what = f"Lambda did not make the provisioned concurrency of {self.function}:{ALIAS} ready"
        if held and blame(reason) is Blame.VERSION:
            return Unhealthy(what, seen=reason, cure=_DOES_NOT_START)
        serves = "The version before serves, with all traffic." if held else "It serves, with cold starts."
        return Unavailable(what, seen=f"{reason}\n{serves}", cure=_NO_ROOM)

    def endless(self) -> Unavailable:
        """The failure where the traffic stays where it was, and Lambda says of nothing that it failed."""
        routing = f"aws lambda get-alias --function-name {self.function} --name {ALIAS}"
        what = f"Lambda has kept the traffic of {self.function}:{ALIAS} where it was for half an hour"
        cure = f"Look at its routing: {routing}. To stay with that version: scripts/run deploy --abort"
        return Unavailable(what, cure=cure)

    def setback(self) -> Setback | None:
        """Why an alias whose traffic is held does not get it; ``None`` while it still may."""
        found = self._provisioned()
        if found and found["Status"] != "FAILED":
            return None
        told = found.get("StatusReason") if found else "nothing is provisioned any more"
        reason = f"{self.function}:{ALIAS} keeps all traffic at the version before: {told or 'FAILED'}"
        whose = blame(reason)
        return Setback(
            blame=whose, reason=reason, cure=_DOES_NOT_START if whose is Blame.VERSION else _NO_ROOM
        )

    def _metrics(self) -> list[TargetTrackingMetricDataQueryTypeDef]:
        """Invocations a minute for each provisioned environment.

        Lambda publishes how many environments are in use and which share that is, not how many there are.
        """

        def query(id_: str, name: str, stat: str) -> TargetTrackingMetricDataQueryTypeDef:
            dimensions = {"FunctionName": self.function, "Resource": f"{self.function}:{ALIAS}"}
            return {
                "Id": id_,
                "ReturnData": False,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": name,
                        "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                    },
                    "Stat": stat,
                },
            }

        return [
            query("asked", "Invocations", "Sum"),
            query("used", "ProvisionedConcurrentExecutions", "Maximum"),
            query("share", "ProvisionedConcurrencyUtilization", "Maximum"),
            {"Id": "each", "Expression": "IF(used > 0, asked * share / used, 0)", "ReturnData": True},
        ]
