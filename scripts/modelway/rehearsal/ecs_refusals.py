"""What ECS refuses in this cloud: the codes of botocore's model, the words as far as they are documented."""

from __future__ import annotations

from modelway.rehearsal.refusals import RequestRefused
from modelway.rehearsal.wire import NotRehearsed, not_rehearsed


def invalid(message: str) -> RequestRefused:
    """A parameter that makes no sense."""
    return RequestRefused("InvalidParameterException", message)


def client_error(message: str) -> RequestRefused:
    """Something the caller names that is not there, or not so."""
    return RequestRefused("ClientException", message)


def no_service() -> RequestRefused:
    """The service is not there."""
    return RequestRefused("ServiceNotFoundException", "Service not found.")


def no_deployment() -> RequestRefused:
    """The service deployment is not there."""
    return RequestRefused("ServiceDeploymentNotFoundException", "Service deployment not found.")


def unrehearsed(operation: str, why: str = "") -> NotRehearsed:
    """Something of ECS this cloud does not do."""
    return not_rehearsed("ecs", operation, why)
