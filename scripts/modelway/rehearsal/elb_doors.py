"""Every open listener of the rehearsal's load balancers, and the addresses these have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from moto.elbv2.models import ELBv2Backend, FakeListener, elbv2_backends

from modelway.rehearsal.context import Context
from modelway.rehearsal.elb_door import Door
from modelway.rehearsal.elb_rules import ACTIONS, Rule
from modelway.rehearsal.refusals import refusal


@dataclass(frozen=True, slots=True)
class Doors:
    """Every open listener of all accounts."""

    context: Context
    _open: dict[str, Door] = field(default_factory=dict)

    def open_new(self, backend: ELBv2Backend, balancer: str, before: Collection[str]) -> None:
        """Open the sockets of listeners a load balancer has got; one that cannot be opened goes again."""
        for arn, listener in list(backend.load_balancers[balancer].listeners.items()):
            if arn not in before:
                try:
                    self.open(backend, listener)
                except BaseException:
                    backend.delete_listener(arn)
                    raise

    def open(self, backend: ELBv2Backend, listener: FakeListener) -> None:
        """Open one socket; raises a refusal where this machine does not let it."""
        address = backend.load_balancers[listener.load_balancer_arn].dns_name, int(listener.port)
        door = Door(
            balancer=listener.load_balancer_arn, address=address, rules=lambda: list(rules_of(listener))
        )
        try:
            door.open()
        except OSError as error:
            message = f"This machine does not let the rehearsal listen on {address[0]}:{address[1]}: {error}"
            raise refusal(message, "UnsupportedOperation") from error
        self._open[listener.arn] = door

    def close(self, listener: str) -> None:
        """Close a listener's socket."""
        if door := self._open.pop(listener, None):
            door.close()

    def stop(self) -> None:
        """Close all."""
        for listener in list(self._open):
            self.close(listener)

    def free_address(self) -> str:
        """One of the run's own loopback addresses; raises a refusal where all are taken."""
        taken = {
            balancer.dns_name
            for backends in list(elbv2_backends.values())
            for backend in list(backends.values())
            for balancer in list(backend.load_balancers.values())
        }
        free = [address for address in self.context.balancers if address not in taken]
        if not free:
            message = f"The rehearsal has room for {len(self.context.balancers)} load balancers"
            raise refusal(message, "TooManyLoadBalancers")
        return free[0]


def rules_of(listener: FakeListener) -> Iterator[Rule]:
    """A listener's rules as they are now."""
    for rule in list(listener.rules.values()):
        action = next((action.data for action in rule.actions if action.type in ACTIONS), {})
        priority = None if rule.priority == "default" else int(rule.priority)
        yield Rule(arn=rule.arn, priority=priority, conditions=rule.conditions, action=action)
