"""Looking into the rehearsal's accounts afterwards: what serves, and who answered how many requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from modelway.core import naming
from modelway.core.config import Environment, ModelConfig
from modelway.ports import HttpRequest
from modelway.rehearsal.grounds import account
from modelway.rehearsal.table import Serving

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_SHOWN = 30
"""Characters of an answer."""


def question(config: ModelConfig, root_text: Mapping[str, bytes]) -> HttpRequest:
    """What users ask: the first contract test that expects a good answer."""
    for test in config.contract_tests:
        if test.expect.status == 200:  # noqa: PLR2004 - HTTP's OK
            body = test.body.encode() if test.body is not None else root_text[test.body_file or ""]
            return HttpRequest(body=body, content_type=test.content_type, accept=test.accept)
    return HttpRequest(body=b"{}")


def serving(config: ModelConfig, environment: Environment, request: HttpRequest) -> Serving:
    """Ask the endpoint what it runs, and one question."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

    name = naming.pointer_name(config, environment)
    session = account(environment.account, environment.region)
    try:
        found = session.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError:
        return Serving(environment=environment.name, version="", digest="", status="no endpoint", answer="")
    images = [
        image.get("ResolvedImage", "")
        for variant in found.get("ProductionVariants", [])
        for image in variant.get("DeployedImages", [])
    ]
    return Serving(
        environment=environment.name,
        version=_version(found.get("EndpointConfigName", ""), name),
        digest=images[0].partition("@")[2] if images else "",
        status=found["EndpointStatus"],
        answer=_answer(config, environment, request),
    )


def _answer(config: ModelConfig, environment: Environment, request: HttpRequest) -> str:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

    runtime = account(environment.account, environment.region).client("sagemaker-runtime")
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=naming.pointer_name(config, environment),
            ContentType=request.content_type,
            Body=request.body,
        )
    except ClientError as error:
        return error.response["Error"]["Code"]
    asked = request.body.decode(errors="replace").strip()
    said = answer["Body"].read().decode(errors="replace").strip()
    return f"{_short(asked)} -> {_short(said)}"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def requests_by_version(config: ModelConfig, environment: Environment) -> dict[str, tuple[int, int]]:
    """Requests and 5xx answers of each version in the last hour, as CloudWatch counted them."""
    name = naming.pointer_name(config, environment)
    watch = account(environment.account, environment.region).client("cloudwatch")
    metrics = watch.list_metrics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "EndpointName", "Value": name}, {"Name": "EndpointConfigName"}],
    )["Metrics"]
    found = {}
    for metric in metrics:
        dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        counts = (_sum(watch, dimensions, "Invocations"), _sum(watch, dimensions, "Invocation5XXErrors"))
        found[_version(dimensions["EndpointConfigName"], name)] = counts
    return found


def _sum(watch: CloudWatchClient, dimensions: Mapping[str, str], metric: str) -> int:
    now = datetime.now(UTC)
    points = watch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return int(sum(point.get("Sum", 0.0) for point in points))


def _version(config: str, pointer: str) -> str:
    """The version's id in the name of its endpoint config."""
    return config.removeprefix(f"{pointer}-")


def stages(said: str) -> list[tuple[str, float, str]]:
    """Stages a release said it went through, from its JSON: name, seconds, result."""
    for line in reversed(said.splitlines()):
        if line.startswith("["):
            rows = json.loads(line)
            return [(str(row["stage"]), float(row["seconds"]), str(row["result"])) for row in rows]
    return []
