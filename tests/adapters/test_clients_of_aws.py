"""Clients of AWS: what they call themselves, and when they are opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import botocore
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.session import Session as Core

import modelway
from modelway.adapters.aws import Session, later, once, patient

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

PRODUCTION, REGION = "222222222222", "eu-west-1"


@pytest.mark.parametrize("config", [patient, once])
def test_aws_is_told_that_modelway_calls(
    config: Callable[[], Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    client = cast("STSClient", Session(Core(), REGION).client("sts", config=config()))
    told: list[object] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        told.append(request.headers["User-Agent"])
        return AWSResponse(request.url, 200, HTTPHeaders(), _Body())

    client.meta.events.register("before-send", answer)  # type: ignore[arg-type] # its answer is taken
    assert client.get_caller_identity()["Account"] == PRODUCTION
    assert told == [f"Botocore/{botocore.__version__} modelway/{modelway.__version__}".encode()]


class _Body:
    """What STS answers."""

    def stream(self) -> list[bytes]:
        """All at once."""
        told = f"<GetCallerIdentityResult><Account>{PRODUCTION}</Account></GetCallerIdentityResult>"
        return [f"<GetCallerIdentityResponse>{told}</GetCallerIdentityResponse>".encode()]


def test_a_client_nobody_asks_is_not_opened_and_one_that_is_asked_is_opened_once() -> None:
    opened: list[str] = []

    def opens() -> str:
        opened.append("client")
        return "what it has"

    client = later(opens)
    assert opened == []
    assert client.upper() == "WHAT IT HAS"
    assert client.title() == "What It Has"
    assert opened == ["client"]
