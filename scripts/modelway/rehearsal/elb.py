"""Elastic Load Balancing where moto's differs from AWS: load balancers that carry requests.

A load balancer gets a loopback address of its own, which is its DNS name; its listeners open sockets there.
What moto answers instead is shown by ``tests/rehearsal/test_elb.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from moto.core.responses import ActionResult
from moto.elbv2.exceptions import DuplicateListenerError, TargetGroupNotFoundError
from moto.elbv2.models import FakeRule, elbv2_backends
from moto.elbv2.responses import ELBV2Response

from modelway.core.json import Json
from modelway.rehearsal import elb_metrics
from modelway.rehearsal.context import Context
from modelway.rehearsal.elb_doors import Doors, rules_of
from modelway.rehearsal.elb_ground import Ground
from modelway.rehearsal.elb_rules import ACTIONS, FIELDS, weights
from modelway.rehearsal.elb_targets import MEMBERS
from modelway.rehearsal.parameters import objects
from modelway.rehearsal.refusals import refusal
from modelway.rehearsal.wire import not_rehearsed

_SERVICE = "elbv2"
_MISSING = ("register_targets", "deregister_targets")
"""Targets here are the containers of ECS's tasks; ECS registers them."""


def install(context: Context) -> None:
    """Replace and add operations of moto's ELB; count hosts until the cloud stops."""
    doors = Doors(context)
    _load_balancers(doors)
    _listeners(doors)
    _rules()
    for name in _MISSING:
        setattr(ELBV2Response, name, _unrehearsed(name))
    ELBV2Response.describe_target_health = _describe_target_health  # type: ignore[method-assign]
    context.control("network", Ground(doors).prepare)
    stopped = Event()
    context.on_shutdown(doors.stop)
    context.on_shutdown(stopped.set)
    every = max(1.0, 60 / context.clock_factor)
    Thread(target=_count_hosts, args=(stopped, every), name="host counts", daemon=True).start()


def find_rule(account: str, region: str, arn: str) -> FakeRule | None:
    """A rule by its ARN."""
    for balancer in list(elbv2_backends[account][region].load_balancers.values()):
        for listener in list(balancer.listeners.values()):
            for rule in list(listener.rules.values()):
                if rule.arn == arn:
                    return rule
    return None


def _load_balancers(doors: Doors) -> None:
    """Addresses of their own; only of the application kind."""
    create, delete = ELBV2Response.create_load_balancer, ELBV2Response.delete_load_balancer

    def create_load_balancer(self: ELBV2Response) -> ActionResult:
        if (kind := self._get_param("Type")) not in {None, "application"}:
            raise not_rehearsed(_SERVICE, "CreateLoadBalancer", f"a {kind} load balancer")
        name = self._get_param("Name")
        if any(there.name == name for there in self.elbv2_backend.load_balancers.values()):
            message = f"A load balancer with the same name '{name}' exists, but with different settings"
            raise refusal(message, "DuplicateLoadBalancerName")
        address = doors.free_address()
        answer = create(self)
        made = next(there for there in self.elbv2_backend.load_balancers.values() if there.name == name)
        made.dns_name = address
        return answer

    def delete_load_balancer(self: ELBV2Response) -> ActionResult:
        balancer = self.elbv2_backend.load_balancers.get(self._get_param("LoadBalancerArn"))
        for listener in list(balancer.listeners if balancer else ()):
            doors.close(listener)
        return delete(self)

    ELBV2Response.create_load_balancer = create_load_balancer  # type: ignore[method-assign]
    ELBV2Response.delete_load_balancer = delete_load_balancer  # type: ignore[method-assign]


def _listeners(doors: Doors) -> None:
    """Listeners listen."""
    create, delete = ELBV2Response.create_listener, ELBV2Response.delete_listener
    modify = ELBV2Response.modify_listener

    def create_listener(self: ELBV2Response) -> ActionResult:
        _check_protocol("CreateListener", self._get_param("Protocol"))
        _check_actions("CreateListener", self._get_param("DefaultActions"))
        balancer = self.elbv2_backend.load_balancers.get(self._get_param("LoadBalancerArn"))
        before = dict(balancer.listeners) if balancer else {}
        if int(self._get_param("Port")) in {int(there.port) for there in before.values()}:
            raise DuplicateListenerError
        answer = create(self)
        doors.open_new(self.elbv2_backend, self._get_param("LoadBalancerArn"), before.keys())
        return answer

    def modify_listener(self: ELBV2Response) -> ActionResult:
        for name in ("Port", "Protocol", "Certificates"):
            if self._get_param(name) is not None:
                raise not_rehearsed(_SERVICE, "ModifyListener", name)
        _check_actions("ModifyListener", self._get_param("DefaultActions"))
        return modify(self)

    def delete_listener(self: ELBV2Response) -> ActionResult:
        doors.close(self._get_param("ListenerArn"))
        return delete(self)

    ELBV2Response.create_listener = create_listener  # type: ignore[method-assign]
    ELBV2Response.modify_listener = modify_listener  # type: ignore[method-assign]
    ELBV2Response.delete_listener = delete_listener  # type: ignore[method-assign]


def _rules() -> None:
    """Refuse conditions and actions no request would meet here."""

    def checked(
        name: str, wrapped: Callable[[ELBV2Response], ActionResult]
    ) -> Callable[[ELBV2Response], ActionResult]:
        def answer(self: ELBV2Response) -> ActionResult:
            for condition in objects(self._get_param("Conditions")):
                if condition.get("Field") not in FIELDS:
                    raise not_rehearsed(_SERVICE, name, f"condition {condition.get('Field')}")
            _check_actions(name, self._get_param("Actions"))
            return wrapped(self)

        answer.__name__ = wrapped.__name__
        return answer

    ELBV2Response.create_rule = checked("CreateRule", ELBV2Response.create_rule)  # type: ignore[method-assign,assignment]
    ELBV2Response.modify_rule = checked("ModifyRule", ELBV2Response.modify_rule)  # type: ignore[method-assign,assignment]


def _check_actions(operation: str, actions: Json) -> None:
    for action in objects(actions):
        if action.get("Type") not in ACTIONS:
            raise not_rehearsed(_SERVICE, operation, f"action {action.get('Type')}")


def _check_protocol(operation: str, protocol: Json) -> None:
    if protocol != "HTTP":
        raise not_rehearsed(_SERVICE, operation, f"a listener of {protocol}: only HTTP is carried")


def _describe_target_health(self: ELBV2Response) -> ActionResult:
    arn = self._get_param("TargetGroupArn")
    group = self.elbv2_backend.target_groups.get(arn)
    if group is None:
        raise TargetGroupNotFoundError
    asked = {str(each["Id"]) for each in objects(self._get_param("Targets"))}
    port = str(group.health_check_port or "traffic-port")
    told = [said for member in MEMBERS.of(arn) for said in member.describe(port)]
    wanted = [said for said in told if not asked or _address(said) in asked]
    return ActionResult({"TargetHealthDescriptions": wanted})


def _address(said: dict[str, object]) -> str:
    target = said["Target"]
    return str(target["Id"]) if isinstance(target, dict) else ""


def _unrehearsed(name: str) -> Callable[[ELBV2Response], ActionResult]:
    def answer(_: ELBV2Response) -> ActionResult:
        raise not_rehearsed(_SERVICE, name.title().replace("_", ""), "ECS registers its tasks itself")

    answer.__name__ = name
    return answer


def _count_hosts(stopped: Event, every: float) -> None:
    while not stopped.wait(every):
        for backends in list(elbv2_backends.values()):
            for backend in list(backends.values()):
                for balancer in list(backend.load_balancers.values()):
                    for listener in list(balancer.listeners.values()):
                        for group in {g for rule in rules_of(listener) for g in weights(rule.action)}:
                            elb_metrics.count_hosts(balancer.arn, group)
