"""What SageMaker, CloudWatch and autoscaling refuse in this cloud, beside moto's own refusals."""

from __future__ import annotations

from moto.core.exceptions import ServiceException

from modelway.rehearsal.wire import NotRehearsed, not_rehearsed


class RequestRefused(ServiceException):
    """AWS would not take this request. A class of ours: moto reads the service from the module's name."""


def refusal(message: str, code: str = "ValidationException") -> RequestRefused:
    """What AWS answers to a request it would not take."""
    return RequestRefused(code, message)


def unrehearsed(what: str) -> NotRehearsed:
    """Something of SageMaker this cloud does not do."""
    return not_rehearsed("sagemaker", what)
