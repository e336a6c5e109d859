"""AWS's refusals become cures; what is wrong with the request itself passes through."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from modelway.adapters.aws_errors import translated
from modelway.errors import Unavailable


def refused(code: str, message: str = "no", status: int = 400) -> ClientError:
    """An error answer of PutImage."""
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutImage")  # type: ignore[arg-type]  # the parts that are read


DENIED = (
    "User: arn:aws:iam::1:user/x is not authorized to perform: ecr:PutImage"
    " on resource: arn:aws:ecr:r:1:repository/x because no identity-based policy allows it"
)

CASES: Mapping[str, tuple[Exception, str, str]] = {
    "denied, as AWS says it": (
        refused("AccessDeniedException", DENIED),
        "does not allow this identity to push x",
        '{"Effect": "Allow", "Action": "ecr:PutImage", "Resource": "arn:aws:ecr:r:1:repository/x"}',
    ),
    "denied without a word": (refused("AccessDenied"), "does not allow", '"Action": "ecr:PutImage"'),
    "denied to HEAD": (refused("403"), "does not allow", '"Action": "ecr:PutImage"'),
    "expired": (
        refused("ExpiredTokenException"),
        "did not accept the credentials to push x",
        "aws sso login",
    ),
    "wrong key": (
        refused("UnrecognizedClientException"),
        "did not accept the credentials",
        "new credentials",
    ),
    "quota": (refused("LimitExceededException"), "a quota of the account", "Service Quotas"),
    "throttled": (refused("ThrottlingException"), "kept throttling", "goes on where it stopped"),
    "broken": (refused("ServerException", status=500), "AWS failed to push x", "Health Dashboard"),
    "no credentials": (NoCredentialsError(), "there are no AWS credentials to push x", "AWS_PROFILE"),
    "signed out": (UnauthorizedSSOTokenError(), "the AWS sign-in ended", "aws sso login"),
    "no profile": (ProfileNotFound(profile="p"), "the AWS profile cannot be read", "AWS_PROFILE"),
    "nobody there": (
        EndpointConnectionError(endpoint_url="http://x"),
        "AWS could not be reached to push x",
        "AWS_ENDPOINT_URL",
    ),
}


@pytest.mark.parametrize(("error", "what", "cure"), CASES.values(), ids=CASES.keys())
def test_translation(error: Exception, what: str, cure: str) -> None:
    with pytest.raises(Unavailable) as caught, translated("push x", service="ecr"):
        raise error
    assert what in caught.value.what
    assert cure in caught.value.cure
    assert caught.value.seen == str(error)


@pytest.mark.parametrize("code", ["ValidationException", "ImageTagAlreadyExistsException", "NoSuchKey"])
def test_a_wrong_request_passes_through(code: str) -> None:
    with pytest.raises(ClientError), translated("push x"):
        raise refused(code)


def test_a_model_that_fails_is_not_aws_failing() -> None:
    with pytest.raises(ClientError), translated("ask the model"):
        raise refused("ModelError", status=500)
