"""Asking a model over HTTP, through a load balancer: one request, sent once.

urllib3 comes with botocore. What the model answers is an answer, whatever its status; that nothing answers at
all is ``Unavailable``, because it says nothing about the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from modelway.errors import Unavailable
from modelway.ports import Clock, HttpAnswer, HttpRequest

if TYPE_CHECKING:
    from urllib3.connectionpool import HTTPConnectionPool

_CONNECTING, _ANSWERING = 10.0, 70.0
"""Seconds; load balancers give up after 60 where nobody changed that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a model listens."""

    url: str
    """Scheme, host, port and path."""
    host: str = ""
    """The name it is asked by, where that is not the URL's host: what a listener's rule looks for."""


def post(address: Address, request: HttpRequest, clock: Clock) -> HttpAnswer:
    """POST the request; a connection that breaks is an answer with status 0."""
    from urllib3.exceptions import (  # noqa: PLC0415 - keeps --help fast
        ConnectTimeoutError,
        HTTPError,
        NewConnectionError,
    )

    parts = urlsplit(address.url)
    headers = {"Content-Type": request.content_type, "User-Agent": "modelway"}
    if request.accept:
        headers["Accept"] = request.accept
    if address.host:
        headers["Host"] = address.host
    began = clock.monotonic()
    try:
        with _pool(address) as pool:
            answer = pool.urlopen(
                "POST", parts.path or "/", body=request.body, headers=headers, retries=False, redirect=False
            )
            return HttpAnswer(
                status=answer.status,
                body=answer.data,
                content_type=answer.headers.get("Content-Type", ""),
                latency=clock.monotonic() - began,
            )
    except (ConnectTimeoutError, NewConnectionError) as error:
        raise Unavailable(
            f"{address.url} cannot be reached from here",
            seen=str(error),
            cure="Run this where it can be reached (an internal load balancer answers only inside its "
            "network: use a runner there), open the load balancer's security group, or name another url in "
            "the settings.",
        ) from error
    except HTTPError as error:
        took = clock.monotonic() - began
        return HttpAnswer(status=0, body=str(error).encode(), content_type="", latency=took)


def _pool(address: Address) -> HTTPConnectionPool:
    """One connection; a certificate must be for the name that is asked by."""
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool  # noqa: PLC0415 - as above
    from urllib3.util.timeout import Timeout  # noqa: PLC0415 - as above

    parts = urlsplit(address.url)
    timeout = Timeout(connect=_CONNECTING, read=_ANSWERING)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return HTTPConnectionPool(host, parts.port, timeout=timeout)
    name = address.host or host
    return HTTPSConnectionPool(host, parts.port, timeout=timeout, server_hostname=name, assert_hostname=name)
