"""AWS's failures as modelway's: which permission, quota, credential or endpoint is missing, and the cure.

Only what has nothing to do with the request itself is translated; a refused request (``ValidationException``
and its like) passes through to whoever made it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modelway.errors import Failure, Unavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_AGAIN = "then run the same command again: it goes on where it stopped"
# HEAD answers have no body, so S3 tells only the number 403.
_DENIED = {
    *("403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "Forbidden"),
    *("UnauthorizedOperation",),
}
_CREDENTIALS = {
    *("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId"),
    *("InvalidSignatureException", "RequestExpired", "SignatureDoesNotMatch", "TokenRefreshRequired"),
    *("UnrecognizedClientException",),
}
# ECR and CloudWatch say LimitExceededException for a hard quota; botocore retries it as throttling first.
_QUOTA = {
    *("LimitExceeded", "LimitExceededException", "ResourceLimitExceeded"),
    *("ServiceQuotaExceededException", "TooManyBuckets"),
}
THROTTLED = {
    *("BandwidthLimitExceeded", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException"),
    *("SlowDown", "Throttling", "ThrottledException", "ThrottlingException", "TooManyRequestsException"),
}
_AUTHORIZED = re.compile(
    r"not authorized to perform:? (?P<action>[a-z0-9-]+:\w+)(?: on resource:? (?P<resource>\S+))?"
)
_SERVER_ERROR = 500


@contextmanager
def translated(doing: str, *, service: str = "") -> Iterator[None]:
    """Raise ``Unavailable`` for what keeps AWS from answering while ``doing`` ("create the repository x").

    ``service`` is the IAM prefix (``ecr``), for answers that do not name the missing action.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - keeps --help fast

    try:
        yield
    except ClientError as error:
        failure = _of_answer(error, doing, service)
        if failure is None:
            raise
        raise failure from error
    except BotoCoreError as error:
        raise _of_no_answer(error, doing) from error


def code(error: ClientError) -> str:
    """The error's code, ``RepositoryNotFoundException`` say."""
    return error.response.get("Error", {}).get("Code", "")


def _of_answer(error: ClientError, doing: str, service: str) -> Failure | None:
    """The failure an error answer means; ``None`` where the request itself was wrong."""
    name, status = code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if name in _DENIED:
        what, cure = f"AWS does not allow this identity to {doing}", _permission(error, service)
    elif name in _CREDENTIALS:
        what = f"AWS did not accept the credentials to {doing}"
        cure = f"get new credentials (aws sso login, or a new run of the workflow), {_AGAIN}"
    elif name in _QUOTA:
        what = f"a quota of the account does not let modelway {doing}"
        cure = "raise the quota in Service Quotas for this account and region, or remove what is unused"
    elif name in THROTTLED:
        what, cure = f"AWS kept throttling the attempts to {doing}", f"wait a minute, {_AGAIN}"
    elif status >= _SERVER_ERROR and name != "ModelError":
        what, cure = f"AWS failed to {doing}", f"see the AWS Health Dashboard, {_AGAIN}"
    else:
        return None
    return Unavailable(what, seen=str(error), cure=cure)


def _permission(error: ClientError, service: str) -> str:
    """The policy statement that would allow it."""
    told = _AUTHORIZED.search(str(error))
    guess = f"{service or '<service>'}:{error.operation_name}"
    statement = {
        "Effect": "Allow",
        "Action": told["action"] if told else guess,
        "Resource": (told["resource"] or "*") if told else "*",
    }
    return f"add this statement to the role's policy: {json.dumps(statement)}"


def _of_no_answer(error: Exception, doing: str) -> Failure:
    """The failure when no answer came at all."""
    match type(error).__name__:
        case "NoCredentialsError" | "PartialCredentialsError" | "CredentialRetrievalError":
            what = f"there are no AWS credentials to {doing}"
            cure = "sign in (aws sso login) or set AWS_PROFILE; in a workflow, use configure-aws-credentials"
        case "SSOTokenLoadError" | "UnauthorizedSSOTokenError" | "TokenRetrievalError" | "SSOError":
            what, cure = f"the AWS sign-in ended before modelway could {doing}", "aws sso login"
        case "ProfileNotFound" | "ConfigParseError" | "ConfigNotFound":
            what, cure = f"the AWS profile cannot be read to {doing}", "correct AWS_PROFILE or ~/.aws/config"
        case _:
            what = f"AWS could not be reached to {doing}"
            cure = f"check network, proxy and AWS_ENDPOINT_URL, {_AGAIN}"
    return Unavailable(what, seen=str(error), cure=cure)
