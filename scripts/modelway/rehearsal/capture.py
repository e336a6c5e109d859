"""Data capture: requests and answers of an endpoint, written to S3 as SageMaker writes them.

One object a request, where SageMaker gathers many. The format is that of
docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from threading import Lock
from urllib.parse import urlsplit
from uuid import uuid4

from moto.core.utils import utcnow
from moto.s3.models import s3_backends

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.parameters import objects

_lock = Lock()
_due: dict[str, float] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that was answered."""

    endpoint_arn: str
    endpoint: str
    variant: str
    request: bytes
    request_type: str
    answer: bytes
    answer_type: str


def capture(config: JsonObject, exchange: Exchange) -> None:
    """Keep the sampled share of exchanges; where the bucket is missing they are lost, as on AWS."""
    if config.get("EnableCapture") is False or not _sampled(config, exchange.endpoint_arn):
        return
    target = urlsplit(str(config["DestinationS3Uri"]))
    owner = s3_backends.bucket_accounts.get(target.netloc)
    if owner is None:
        return
    partition, account = owner
    moment = utcnow()
    folder = f"{target.path.strip('/')}/{exchange.endpoint}/{exchange.variant}/{moment:%Y/%m/%d/%H}".lstrip(
        "/"
    )
    name = f"{moment:%M-%S}-{moment.microsecond // 1000:03}-{uuid4()}.jsonl"
    line = json.dumps(_event(config, exchange, f"{moment:%Y-%m-%dT%H:%M:%SZ}")) + "\n"
    s3_backends[account][partition].put_object(target.netloc, f"{folder}/{name}", line.encode())


def _sampled(config: JsonObject, arn: str) -> bool:
    """Of a hundred, as many as ``InitialSamplingPercentage`` says, evenly."""
    percentage = config.get("InitialSamplingPercentage")
    with _lock:
        due = _due.get(arn, 0.0) + (float(percentage) if isinstance(percentage, int | float) else 0.0)
        _due[arn] = due % 100
    return due >= 100  # noqa: PLR2004 - per cent


def _event(config: JsonObject, exchange: Exchange, moment: str) -> JsonObject:
    modes = {each["CaptureMode"] for each in objects(config.get("CaptureOptions"))}
    data: dict[str, Json] = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _side("INPUT", exchange.request, exchange.request_type)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _side("OUTPUT", exchange.answer, exchange.answer_type)
    return {
        "captureData": data,
        "eventMetadata": {"eventId": str(uuid4()), "inferenceTime": moment},
        "eventVersion": "0",
    }


def _side(mode: str, data: bytes, content_type: str) -> JsonObject:
    kind = content_type.partition(";")[0].strip().lower()
    encoding = {"text/csv": "CSV", "application/json": "JSON"}.get(kind, "BASE64")
    try:
        text = base64.b64encode(data).decode() if encoding == "BASE64" else data.decode()
    except UnicodeDecodeError:
        text, encoding = base64.b64encode(data).decode(), "BASE64"
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}
