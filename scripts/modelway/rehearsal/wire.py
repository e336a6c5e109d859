"""AWS errors in the wire protocol of the call they answer."""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import assert_never
from uuid import uuid4
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from modelway.rehearsal.context import Refusal


class Protocol(Enum):
    """How a service's requests and errors look on the wire (Smithy, "AWS protocols")."""

    JSON = auto()
    REST_JSON = auto()
    QUERY = auto()
    REST_XML = auto()
    CBOR = auto()


class NotRehearsed(Exception):
    """The rehearsal cannot do what AWS does here; never retried, never mistaken for an outage."""


def not_rehearsed(service: str, operation: str, why: str = "") -> NotRehearsed:
    """Name the operation, and say why when there is more to say."""
    reason = f" ({why})" if why else ""
    return NotRehearsed(f"The rehearsal cloud does not do {service}:{operation or 'this operation'}{reason}")


def protocol_of(request: Request, service: str) -> Protocol:
    """The protocol the client speaks; some services can be asked in several."""
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return Protocol.CBOR
    if "x-amz-target" in request.headers:
        return Protocol.JSON
    if request.mimetype == "application/x-www-form-urlencoded":
        return Protocol.QUERY
    return Protocol.REST_XML if service in {"s3", "s3control"} else Protocol.REST_JSON


def refuse(protocol: Protocol, refusal: Refusal) -> Response:
    """Write an error so that botocore parses its code and message."""
    identity = str(uuid4())
    body, content_type, headers = _write(protocol, refusal, identity)
    headers["x-amzn-RequestId"] = identity
    return Response(body, refusal.status, headers, content_type=content_type)


def _write(protocol: Protocol, refusal: Refusal, identity: str) -> tuple[bytes, str, dict[str, str]]:
    fields = {"__type": refusal.code, "message": refusal.message}
    match protocol:
        case Protocol.JSON:
            return json.dumps(fields).encode(), "application/x-amz-json-1.1", {}
        case Protocol.REST_JSON:
            return json.dumps(fields).encode(), "application/json", {"x-amzn-ErrorType": refusal.code}
        case Protocol.QUERY:
            error = f"<Error><Type>Sender</Type>{_xml(refusal)}</Error>"
            text = f"<ErrorResponse>{error}<RequestId>{identity}</RequestId></ErrorResponse>"
            return text.encode(), "text/xml", {}
        case Protocol.REST_XML:
            text = f"<Error>{_xml(refusal)}<RequestId>{identity}</RequestId></Error>"
            return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode(), "application/xml", {}
        case Protocol.CBOR:
            return _cbor(fields), "application/cbor", {"smithy-protocol": "rpc-v2-cbor"}
        case _:
            assert_never(protocol)


def _xml(refusal: Refusal) -> str:
    return f"<Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message>"


def _cbor(fields: dict[str, str]) -> bytes:
    """A map of texts (RFC 8949, major types 5 and 3)."""
    pairs = (_cbor_text(key) + _cbor_text(value) for key, value in fields.items())
    return bytes([0xA0 | len(fields)]) + b"".join(pairs)


def _cbor_text(text: str) -> bytes:
    data = text.encode()
    return b"\x7a" + len(data).to_bytes(4, "big") + data
