"""Asking a model through AWS: again where nothing answered yet, never where the model was slow."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from modelway.adapters.aws_errors import code
from modelway.ports import Clock

_TRIES, _WAIT = 6, 2.0
"""What was deployed a moment ago is cold for some seconds; an account at its limits is busy as long."""
_Answer = TypeVar("_Answer")


def ask(once: Callable[[], _Answer], busy: Collection[str], clock: Clock) -> _Answer:
    """What ``once`` returns; asked again after an error of a code in ``busy``, or a broken connection.

    A connection that was kept is closed by AWS when it likes, so it may break at the very next request.
    """
    for _ in range(_TRIES - 1):
        try:
            return once()
        except Exception as error:
            if not _passes(error, busy):
                raise
            clock.sleep(_WAIT)
    return once()


def _passes(error: Exception, busy: Collection[str]) -> bool:
    """Whether nobody answered yet; an answer that takes too long is the model's."""
    from botocore.exceptions import (  # noqa: PLC0415 - keeps --help fast
        ClientError,
        ConnectionError,  # noqa: A004 - botocore's
        HTTPClientError,
        ReadTimeoutError,
    )

    if isinstance(error, ClientError):
        return code(error) in busy
    return isinstance(error, (ConnectionError, HTTPClientError)) and not isinstance(error, ReadTimeoutError)
