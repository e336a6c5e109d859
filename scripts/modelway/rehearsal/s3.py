"""What S3 refuses and moto takes: other accounts without a bucket policy, bytes unlike their checksum."""

from __future__ import annotations

import base64
import hashlib
import io
from urllib.parse import unquote

from moto.s3.models import s3_backends
from werkzeug.wrappers import Request

from modelway.rehearsal import policies
from modelway.rehearsal.context import Call, Refusal

_ACTIONS = {
    "HeadObject": "s3:GetObject",
    "GetObjectAttributes": "s3:GetObject",
    "HeadBucket": "s3:ListBucket",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "CopyObject": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "UploadPartCopy": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
}
"""IAM's actions, where they are not called as the operation (Service Authorization Reference, S3)."""


def refuse(call: Call, request: Request) -> Refusal | None:
    """Why S3 would refuse the call."""
    if call.service != "s3":
        return None
    action = _ACTIONS.get(call.operation, f"s3:{call.operation}")
    source = unquote(request.headers.get("x-amz-copy-source", "")).strip("/").partition("?")[0]
    return (
        _denied(call, call.resource, action)
        or (_denied(call, f"arn:aws:s3:::{source}", "s3:GetObject") if source else None)
        or _damaged(request)
    )


def _denied(call: Call, resource: str, action: str) -> Refusal | None:
    bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
    _, owner = s3_backends.bucket_accounts.get(bucket, ("", call.account))
    if owner == call.account:
        return None
    policy = s3_backends[owner]["aws"].buckets[bucket].policy
    document = policy.decode() if isinstance(policy, bytes) else policy
    if policies.allows(document, principal=call.principal, action=action, resource=resource):
        return None
    message = (
        f'User: {call.principal} is not authorized to perform: {action} on resource: "{resource}" '
        f"because no resource-based policy allows the {action} action"
    )
    return Refusal(status=403, code="AccessDenied", message=message)


def _damaged(request: Request) -> Refusal | None:
    """Compare the body with its SHA-256, which botocore sends in the checksum in the head over plain HTTP."""
    claimed = request.headers.get("x-amz-checksum-sha256")
    if request.method != "PUT" or claimed is None:
        return None
    body = request.get_data()
    request.environ["wsgi.input"] = io.BytesIO(body)
    if base64.b64encode(hashlib.sha256(body).digest()).decode() == claimed:
        # moto keeps a checksum only where this header names its algorithm; S3 needs no naming.
        request.environ.setdefault("HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM", "SHA256")
        return None
    message = "The SHA256 you specified did not match the calculated checksum."
    return Refusal(status=400, code="BadDigest", message=message)
