"""Faults of the rehearsal cloud as boto3 meets them, over each wire protocol."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.parsers import create_parser
from botocore.session import get_session

from modelway.rehearsal.launch import Cloud
from tests.rehearsal.clients import LAPTOP, REGISTRY, Clients

pytestmark = pytest.mark.rehearsal

SetFaults = Callable[..., None]

CALLS: dict[str, tuple[str, dict[str, object]]] = {
    "ecr": ("describe_repositories", {}),
    "sts": ("get_caller_identity", {}),
    "s3": ("list_objects_v2", {"Bucket": "nowhere"}),
    "sagemaker": ("list_models", {}),
    "sagemaker-runtime": ("invoke_endpoint", {"EndpointName": "e", "Body": b""}),
    "cloudwatch": ("list_metrics", {}),
}
CODES = {
    "throttle": {
        "ecr": (400, "ThrottlingException"),
        "sts": (400, "Throttling"),
        "s3": (503, "SlowDown"),
        "sagemaker": (400, "ThrottlingException"),
        "sagemaker-runtime": (429, "ThrottlingException"),
        "cloudwatch": (400, "ThrottlingException"),
    },
    "http500": {
        "ecr": (500, "InternalServerException"),
        "sts": (500, "InternalFailure"),
        "s3": (500, "InternalError"),
    },
    "http503": {"ecr": (503, "ServiceUnavailableException"), "s3": (503, "ServiceUnavailable")},
    "expired": {
        "ecr": (400, "ExpiredTokenException"),
        "sts": (403, "ExpiredToken"),
        "s3": (400, "ExpiredToken"),
    },
    "denied": {
        "ecr": (400, "AccessDeniedException"),
        "sts": (403, "AccessDenied"),
        "s3": (403, "AccessDenied"),
        "cloudwatch": (400, "AccessDeniedException"),
    },
}


@pytest.mark.parametrize(
    ("kind", "service", "expected"),
    [(kind, service, told) for kind, codes in CODES.items() for service, told in codes.items()],
)
def test_an_injected_error_is_parsed_as_awss_own(
    clients: Clients, faults: SetFaults, kind: str, service: str, expected: tuple[int, str]
) -> None:
    client = clients.other(service)
    faults({"kind": kind, "service": service})
    operation, parameters = CALLS[service]
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    response = caught.value.response
    assert (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]) == expected


def test_an_injected_error_is_parsed_as_awss_own_over_cbor(cloud: Cloud, faults: SetFaults) -> None:
    """CloudWatch's first protocol in botocore's model, which other clients than today's boto3 choose."""
    faults({"kind": "throttle", "service": "cloudwatch", "operation": "ListMetrics"})
    scope = f"{cloud.variables['AWS_ACCESS_KEY_ID']}/20260101/eu-west-1/monitoring/aws4_request"
    answer = urllib3.PoolManager().request(
        "POST",
        f"{cloud.endpoint}/service/GraniteServiceVersion20100801/operation/ListMetrics",
        headers={
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            "smithy-protocol": "rpc-v2-cbor",
            "Content-Type": "application/cbor",
        },
        body=b"\xa0",
    )
    model = get_session().get_service_model("cloudwatch").operation_model("ListMetrics")
    shape = model.output_shape
    assert shape
    told = {"status_code": answer.status, "headers": answer.headers, "body": answer.data}
    error = create_parser("smithy-rpc-v2-cbor").parse(told, shape)["Error"]
    assert (answer.status, error["Code"], error["Message"]) == (400, "ThrottlingException", "Rate exceeded")


def test_a_rule_hits_the_calls_it_counts_to(clients: Clients, faults: SetFaults) -> None:
    sts = clients.sts(LAPTOP)
    faults({"kind": "throttle", "operation": "GetCaller.*", "from": 2, "to": 3})
    met = []
    for _ in range(4):
        clients.ecr().describe_repositories()  # not counted
        try:
            met.append(sts.get_caller_identity()["Account"])
        except ClientError as error:
            met.append(error.response["Error"]["Code"])
    assert met == [LAPTOP, "Throttling", "Throttling", LAPTOP]


def test_a_rule_may_mean_one_account(clients: Clients, faults: SetFaults) -> None:
    faults({"kind": "denied", "account": REGISTRY, "to": None})
    assert clients.sts(LAPTOP).get_caller_identity()["Account"] == LAPTOP
    with pytest.raises(ClientError, match=f"assumed-role/modelway/test.*{'sts:GetCallerIdentity'}"):
        clients.sts(REGISTRY).get_caller_identity()


def test_boto_retries_what_is_worth_retrying(clients: Clients, cloud: Cloud, faults: SetFaults) -> None:
    sts = clients.sts(
        LAPTOP, config=Config(retries={"mode": "standard", "total_max_attempts": 3}, proxies={})
    )
    faults({"kind": "http503", "from": 1, "to": 2})
    assert sts.get_caller_identity()["Account"] == LAPTOP
    assert cloud.control("faults") == [{"kind": "http503", "operation": ".*", "matched": 3}]


def test_a_delay_delays(clients: Clients, faults: SetFaults) -> None:
    faults({"kind": "delay", "seconds": 1})
    begun = time.monotonic()
    clients.sts(LAPTOP).get_caller_identity()
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(("kind", "happened"), [("drop_before", False), ("drop_after", True)])
def test_a_connection_breaks_before_or_after_the_effect(
    clients: Clients, faults: SetFaults, kind: str, *, happened: bool
) -> None:
    ecr, name = clients.ecr(), f"ml/{kind.replace('_', '-')}"
    faults({"kind": kind, "operation": "CreateRepository"})
    with pytest.raises(ConnectionClosedError):
        ecr.create_repository(repositoryName=name)
    names = [one["repositoryName"] for one in ecr.describe_repositories()["repositories"]]
    assert (name in names) is happened


CLIENT = """
import sys, boto3
from botocore.config import Config
ecr = boto3.client("ecr", config=Config(proxies={}))
for name in sys.argv[1:]:
    ecr.create_repository(repositoryName=name)
    print(name, flush=True)
"""


@pytest.mark.parametrize(("kind", "left"), [("kill_before", ["a"]), ("kill_after", ["a", "b"])])
def test_the_client_dies_at_the_nth_call_whatever_it_is(
    clients: Clients, cloud: Cloud, faults: SetFaults, kind: str, left: list[str]
) -> None:
    names = [f"ml/{kind.replace('_', '-')}-{letter}" for letter in "abc"]
    faults({"kind": kind, "from": 2})
    dead = subprocess.run(
        [sys.executable, "-c", CLIENT, *names],
        env=cloud.environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (dead.returncode, dead.stdout.split()) == (-9, names[:1])
    made = [one["repositoryName"] for one in clients.ecr(LAPTOP).describe_repositories()["repositories"]]
    assert [name for name in names if name in made] == [names["abc".index(letter)] for letter in left]


@pytest.mark.parametrize(
    "rule", [{"kind": "nonsense"}, {"kind": "throttle", "every": 2}, {"kind": "throttle", "operation": "("}]
)
def test_a_rule_that_makes_no_sense_is_refused(cloud: Cloud, rule: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"nonsense|every|not a regular expression"):
        cloud.control("faults", {"rules": [rule]})
