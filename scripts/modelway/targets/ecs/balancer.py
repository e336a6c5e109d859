"""Where a listener is asked: the load balancer's name, the listener's port, the host its rule looks for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.adapters.http import Address
from modelway.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_elbv2.type_defs import RuleConditionOutputTypeDef

_MISSING = {
    "ListenerNotFound": "listener",
    "LoadBalancerNotFound": "load balancer",
    "RuleNotFound": "listener rule",
    "TargetGroupNotFound": "target group",
}


@dataclass(slots=True)
class Listeners:
    """Listeners of an Application Load Balancer, each read once."""

    client: ElasticLoadBalancingv2Client
    region: str
    _addresses: dict[str, Address] = field(default_factory=dict)

    def address(self, rule: str, path: str) -> Address:
        """Where whatever a rule forwards to is asked."""
        if rule not in self._addresses:
            with translated(f"look at the listener rule {rule}", service="elasticloadbalancing"):
                self._addresses[rule] = self._look(rule)
        found = self._addresses[rule]
        return replace(found, url=found.url + path)

    def _look(self, rule: str) -> Address:
        """Three reads: the rule's conditions, the listener's port, the load balancer's name."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        listener = rule.replace(":listener-rule/", ":listener/").rpartition("/")[0]
        try:
            found = self.client.describe_rules(RuleArns=[rule])["Rules"][0]
            heard = self.client.describe_listeners(ListenerArns=[listener])["Listeners"][0]
            balancer = self.client.describe_load_balancers(LoadBalancerArns=[heard["LoadBalancerArn"]])
        except ClientError as error:
            raise missing(error, rule, self.region) from error
        host = host_of(found.get("Conditions", []), rule)
        scheme, port = heard["Protocol"].lower(), heard["Port"]
        name = balancer["LoadBalancers"][0]["DNSName"]
        return Address(url=f"{scheme}://{name}:{port}", host=host)


def host_of(conditions: list[RuleConditionOutputTypeDef], rule: str) -> str:
    """The host a rule looks for, if it looks for any; raises ``Malformed`` where nobody can tell which."""
    hosts = [
        host
        for condition in conditions
        if condition.get("Field") == "host-header"
        for host in (condition.get("HostHeaderConfig") or {}).get("Values", condition.get("Values", []))
    ]
    if hosts and not (plain := [host for host in hosts if not {"*", "?"} & set(host)]):
        raise Malformed(
            f"the listener rule {rule} looks for hosts by a pattern",
            seen=f"It looks for {', '.join(hosts)}.",
            cure="Write the address to ask in settings.url.",
        )
    return plain[0] if hosts else ""


def missing(error: ClientError, arn: str, region: str) -> Exception:
    """The failure where there is no such thing; other errors stay what they are."""
    kind = _MISSING.get(code(error))
    if kind is None:
        return error
    what = f"the {kind} {arn} does not exist in {region}"
    cure = "Create it, or correct settings.load_balancer: aws elbv2 describe-rules shows what there is."
    return Unavailable(what, seen=str(error), cure=cure)


def under(url: str, path: str) -> Address:
    """The address somebody wrote down."""
    return Address(url=url.rstrip("/") + path)
