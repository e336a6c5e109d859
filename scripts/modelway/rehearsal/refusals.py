"""The refusals of SageMaker, CloudWatch and autoscaling in this cloud, beside moto's own."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


def refusal(message: str) -> ServiceException:
    """What AWS answers to a request it would not take."""
    return ServiceException("ValidationException", message)


def not_rehearsed(what: str) -> ServiceException:
    """Something AWS does and this cloud does not: said at once, and not retried by clients."""
    return ServiceException("NotRehearsed", f"{what} is not part of the rehearsal cloud.")
