"""Subnets, security groups and load balancers with the very ids a config names, as an account has them.

AWS chooses such ids itself, so its API has no words for this: ``POST /_rehearse/network`` does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.security_groups import SecurityGroup
from moto.elbv2.models import (
    ELBv2Backend,
    FakeAction,
    FakeListener,
    FakeListenerRule,
    FakeLoadBalancer,
    FakeTargetGroup,
    elbv2_backends,
)

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.elb_doors import Doors
from modelway.rehearsal.elb_rules import forward

_PORT = 8080
"""Of the first listener of a load balancer; the next ones follow. No listener needs privileges so."""
_CHECK = {"healthcheck_protocol": "HTTP", "healthcheck_path": "/ping", "matcher": {"HttpCode": "200"}}
_RULE_PARTS = 6
"""``listener-rule/app/<name>/<load balancer>/<listener>/<rule>``."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Makes what a config counts on; what is there already stays."""

    doors: Doors

    def prepare(self, asked: JsonObject) -> Json:
        """Answer the control; raises ``ValueError`` for what no load balancer has."""
        account, region = str(asked["account"]), str(asked["region"])
        ec2, elb = ec2_backends[account][region], elbv2_backends[account][region]
        vpc = _vpc(ec2)
        _make_subnets(account, region, _texts(asked.get("subnets")))
        for identity in _texts(asked.get("security_groups")):
            if ec2.get_security_group_from_id(identity) is None:
                ec2.groups[vpc][identity] = SecurityGroup(  # type: ignore[abstract]  # moto makes its own so
                    ec2, identity, identity, identity, vpc_id=vpc
                )
        groups = _texts(asked.get("target_groups"))
        for arn in groups:
            if arn not in elb.target_groups:
                elb.target_groups[arn] = _target_group(arn, vpc)
        for arn in _texts(asked.get("rules")):
            self._rule(elb, arn, groups)
        return {"vpc": vpc}

    def _rule(self, elb: ELBv2Backend, arn: str, groups: Sequence[str]) -> None:
        """A rule, its listener and its load balancer; all requests go to the first of the groups."""
        stem, _, path = arn.partition(":listener-rule/")
        parts = ["listener-rule", *path.split("/")]
        if len(parts) != _RULE_PARTS or not groups:
            msg = f"{arn} is no rule of an application load balancer, or there is no target group for it"
            raise ValueError(msg)
        balancer = f"{stem}:loadbalancer/{'/'.join(parts[1:4])}"
        listener = f"{stem}:listener/{'/'.join(parts[1:5])}"
        if balancer not in elb.load_balancers:
            elb.load_balancers[balancer] = self._load_balancer(elb, balancer, parts[2])
        listeners = elb.load_balancers[balancer].listeners
        if listener not in listeners:
            listeners[listener] = _listener(balancer, listener, _PORT + len(listeners))
            self.doors.open(elb, listeners[listener])
        heard = listeners[listener]
        if arn not in heard.rules:
            shares = dict.fromkeys(groups, 0) | {groups[0]: 1}
            conditions = [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}]
            action = FakeAction(dict(forward(shares)))
            rule = FakeListenerRule(  # type: ignore[abstract]  # moto makes its own so
                listener, arn, conditions, len(heard.rules), [action]
            )
            heard.register(arn, rule)
        for group in groups:
            elb.target_groups[group].load_balancer_arns.append(balancer)

    def _load_balancer(self, elb: ELBv2Backend, arn: str, name: str) -> FakeLoadBalancer:
        subnets = [subnet for zone in elb.ec2_backend.subnets.values() for subnet in zone.values()]
        return FakeLoadBalancer(  # type: ignore[abstract]  # moto makes its own so
            name=name,
            security_groups=[],
            subnets=subnets[:2],
            vpc_id=_vpc(elb.ec2_backend),
            arn=arn,
            dns_name=self.doors.free_address(),
            state="active",
        )


def _target_group(arn: str, vpc: str) -> FakeTargetGroup:
    _, _, _, region, account, resource = arn.split(":", 5)
    made = FakeTargetGroup(  # type: ignore[abstract]  # moto makes its own so
        name=resource.split("/")[1],
        account_id=account,
        region_name=region,
        vpc_id=vpc,
        protocol="HTTP",
        port=str(_PORT),
        protocol_version="HTTP1",
        target_type="ip",
        healthcheck_interval_seconds=30,
        healthcheck_timeout_seconds=5,
        **_CHECK,  # type: ignore[arg-type]  # as CreateTargetGroup takes it
    )
    made.arn = arn
    return made


def _listener(balancer: str, arn: str, port: int) -> FakeListener:
    nothing = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    return FakeListener(  # type: ignore[abstract]  # moto makes its own so
        balancer, arn, "HTTP", str(port), "", None, [FakeAction(nothing)], None
    )


def _make_subnets(account: str, region: str, identities: Sequence[str]) -> None:
    """Subnets of the default VPC, in one zone after the other."""
    ec2 = ec2_backends[account][region]
    there = {subnet for zone in ec2.subnets.values() for subnet in zone}
    zones = sorted(ec2.subnets)
    for number, identity in enumerate(each for each in identities if each not in there):
        count = sum(len(zone) for zone in ec2.subnets.values())
        made = ec2.create_subnet(
            vpc_id=_vpc(ec2),
            cidr_block=f"172.31.{16 * count}.0/20",
            availability_zone=zones[number % len(zones)],
        )
        zone = ec2.subnets[made.availability_zone]
        del zone[made.id]
        made.id = identity
        zone[identity] = made


def _vpc(ec2: EC2Backend) -> str:
    """The default VPC, which every account has."""
    return next(str(vpc.id) for vpc in ec2.vpcs.values() if vpc.is_default)


def _texts(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
