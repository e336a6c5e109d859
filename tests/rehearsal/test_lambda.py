"""Lambda in the rehearsal: what moto answers, and what this cloud answers instead with real containers."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError
from moto import mock_aws
from mypy_boto3_lambda import LambdaClient

from tests.rehearsal.clients import REGION
from tests.rehearsal.functions import ROLE, Functions

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import AliasRoutingConfigurationTypeDef

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]


class Asked(TypedDict):
    """What calls about an alias name."""

    FunctionName: str
    Qualifier: str


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    """Code and status of an error."""
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def moto_lambda(monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaClient]:
    """What moto answers by itself, in this process."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        boto3.client("iam").create_role(RoleName="function", AssumeRolePolicyDocument=trust)
        client = boto3.client("lambda", region_name=REGION)
        client.create_function(
            FunctionName="f",
            Role="arn:aws:iam::123456789012:role/function",
            PackageType="Image",
            Code={"ImageUri": "111111111111.dkr.ecr.eu-west-1.amazonaws.com/ml/m:1"},
        )
        yield client


def test_moto_lets_a_published_version_change_and_provisions_nothing(moto_lambda: LambdaClient) -> None:
    moto_lambda.publish_version(FunctionName="f")
    other = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/ml/m:2"
    moto_lambda.update_function_code(FunctionName="f", ImageUri=other)
    first = moto_lambda.get_function(FunctionName="f", Qualifier="1")["Code"]
    assert first["ImageUri"] == other
    with pytest.raises((ClientError, Exception)) as error:  # moto has no such path
        moto_lambda.put_provisioned_concurrency_config(
            FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1
        )
    assert "provisioned" in str(error.value).lower() or "404" in str(error.value)


def test_a_function_answers_in_a_container_that_may_write_tmp_only(functions: Functions) -> None:
    with functions.function(VERSION="one") as name:
        version, error, said = functions.ask(name)
        assert (version, error) == ("$LATEST", "")
        assert (said["version"], said["user"], said["root"], said["tmp"]) == ("one", 993, False, True)
        own = said["own"]
        assert isinstance(own, dict)
        assert own["AWS_LAMBDA_FUNCTION_NAME"] == name


def test_a_version_stays_what_it_was_and_is_the_one_that_is_asked(functions: Functions) -> None:
    with functions.function() as name:
        first, second = functions.published(name, VERSION="one"), functions.published(name, VERSION="two")
        assert (first, second) == ("1", "2")
        assert functions.ask(name, "1")[2]["version"] == "one"
        assert functions.ask(name, "2")[2]["version"] == "two"


def test_the_digest_is_the_image_s_and_resolved(functions: Functions) -> None:
    with functions.function() as name:
        found = functions.client.get_function(FunctionName=name)
        digest = functions.image.partition("@")[2]
        assert found["Code"]["ResolvedImageUri"] == functions.image
        assert f"sha256:{found['Configuration']['CodeSha256']}" == digest


def test_nothing_new_is_published_where_nothing_changed(functions: Functions) -> None:
    with functions.function() as name:
        numbers = [functions.client.publish_version(FunctionName=name)["Version"] for _ in range(2)]
        assert numbers == ["1", "1"]


def test_one_change_at_a_time_and_none_of_what_somebody_else_changed(functions: Functions) -> None:
    with functions.function() as name:
        seen = functions.ready(name)["RevisionId"]
        functions.client.update_function_configuration(FunctionName=name, Timeout=9, RevisionId=seen)
        with pytest.raises(ClientError) as error:
            functions.client.update_function_configuration(FunctionName=name, Timeout=8)
        assert refused(error) == ("ResourceConflictException", 409)
        functions.ready(name)
        with pytest.raises(ClientError) as error:
            functions.client.publish_version(FunctionName=name, RevisionId=seen)
        assert refused(error) == ("PreconditionFailedException", 412)


@pytest.mark.parametrize(
    ("role", "image", "code"),
    [
        ("arn:aws:iam::111111111111:role/nobody", "", "InvalidParameterValueException"),
        ("arn:aws:iam::222222222222:role/function", "", "AccessDeniedException"),
        (ROLE, "@sha256:" + "0" * 64, "InvalidParameterValueException"),
        (ROLE, "public.example/image:1", "InvalidParameterValueException"),
    ],
)
def test_roles_and_images_that_cannot_be_used_are_refused(
    functions: Functions, role: str, image: str, code: str
) -> None:
    uri = image if "/" in image else functions.image.partition("@")[0] + image if image else functions.image
    with pytest.raises(ClientError) as error:
        functions.client.create_function(
            FunctionName="never", Role=role, Code={"ImageUri": uri}, PackageType="Image"
        )
    assert refused(error)[0] == code


def test_an_alias_shares_traffic_by_weight_and_is_moved_by_who_saw_it_last(functions: Functions) -> None:
    with functions.function() as name:
        first, second = functions.published(name, VERSION="one"), functions.published(name, VERSION="two")
        made = functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion=first)
        routing: AliasRoutingConfigurationTypeDef = {"AdditionalVersionWeights": {second: 0.25}}
        functions.client.update_alias(
            FunctionName=name, Name="live", RoutingConfig=routing, RevisionId=made["RevisionId"]
        )
        answered = Counter(functions.ask(name, "live")[0] for _ in range(20))
        assert answered == {first: 15, second: 5}
        with pytest.raises(ClientError) as error:
            functions.client.update_alias(
                FunctionName=name, Name="live", FunctionVersion=second, RevisionId=made["RevisionId"]
            )
        assert refused(error) == ("PreconditionFailedException", 412)
        ended = functions.client.update_alias(
            FunctionName=name,
            Name="live",
            FunctionVersion=second,
            RoutingConfig={"AdditionalVersionWeights": {}},
        )
        assert not ended.get("RoutingConfig")
        assert functions.ask(name, "live")[0] == second


def test_what_an_alias_needs_cannot_be_deleted(functions: Functions) -> None:
    with functions.function() as name:
        first = functions.published(name, VERSION="one")
        functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion=first)
        with pytest.raises(ClientError) as error:
            functions.client.delete_function(FunctionName=name, Qualifier=first)
        assert refused(error) == ("ResourceConflictException", 409)
        assert "live" in str(error.value)


def test_an_alias_points_at_versions_that_are_there(functions: Functions) -> None:
    with functions.function() as name:
        with pytest.raises(ClientError) as error:
            functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="7")
        assert refused(error) == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("failing", "500: cannot predict"),
        ("unhealthy", "no weights, no life"),
        ("dying", "Runtime exited with error: exit status 1"),
        ("exiting", "Runtime exited with error: exit status 3"),
        ("stuck", "Task timed out after 1.00 seconds"),
    ],
)
def test_a_function_that_fails_says_so_in_lambdas_words(
    functions: Functions, behaviour: str, words: str
) -> None:
    timeout = 1 if behaviour == "stuck" else 30  # or a slow machine's would be a timeout too
    with functions.function(timeout=timeout, BEHAVIOUR=behaviour) as name:
        _, error, said = functions.ask(name)
        assert error == "Unhandled"
        assert words in str(said["errorMessage"])


def metric(functions: Functions, name: str, metric_name: str, **dimensions: str) -> float:
    now = datetime.now(UTC)
    points = functions.cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric_name,
        Dimensions=[{"Name": k, "Value": v} for k, v in {"FunctionName": name, **dimensions}.items()],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(each["Sum"] for each in points)


def test_every_request_is_counted_for_the_function_the_alias_and_the_version(functions: Functions) -> None:
    with functions.function() as name:
        good, bad = functions.published(name, VERSION="one"), functions.published(name, BEHAVIOUR="failing")
        weights: AliasRoutingConfigurationTypeDef = {"AdditionalVersionWeights": {bad: 0.5}}
        functions.client.create_alias(
            FunctionName=name, Name="live", FunctionVersion=good, RoutingConfig=weights
        )
        for _ in range(4):
            functions.ask(name, "live")
        assert metric(functions, name, "Invocations") == 4
        assert metric(functions, name, "Errors", Resource=f"{name}:live") == 2
        each = {"Resource": f"{name}:live", "ExecutedVersion": bad}
        assert (
            metric(functions, name, "Errors", **each) == metric(functions, name, "Invocations", **each) == 2
        )
        assert metric(functions, name, "Duration", **{**each, "ExecutedVersion": good}) > 0


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(("behaviour", "status"), [("healthy", "READY"), ("unhealthy", "FAILED")])
def test_provisioned_environments_are_started_before_anybody_asks(
    functions: Functions, behaviour: str, status: str
) -> None:
    with functions.function() as name:
        number = functions.published(name, BEHAVIOUR=behaviour)
        functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion=number)
        asked = Asked(FunctionName=name, Qualifier="live")
        put = functions.client.put_provisioned_concurrency_config(**asked, ProvisionedConcurrentExecutions=2)
        assert put["Status"] == "IN_PROGRESS"
        until(lambda: functions.client.get_provisioned_concurrency_config(**asked)["Status"] == status)
        functions.client.delete_provisioned_concurrency_config(**asked)
        with pytest.raises(ClientError) as error:
            functions.client.get_provisioned_concurrency_config(**asked)
        assert refused(error) == ("ProvisionedConcurrencyConfigNotFoundException", 404)


@pytest.mark.parametrize(("behaviour", "status"), [("healthy", "READY"), ("unhealthy", "FAILED")])
def test_traffic_stays_where_environments_are_ready_until_they_are_behind_the_new_version(
    functions: Functions, behaviour: str, status: str
) -> None:
    with functions.function() as name:
        first, second = functions.published(name), functions.published(name, BEHAVIOUR=behaviour, VERSION="2")
        functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion=first)
        asked = Asked(FunctionName=name, Qualifier="live")
        functions.client.put_provisioned_concurrency_config(**asked, ProvisionedConcurrentExecutions=1)
        until(lambda: functions.client.get_provisioned_concurrency_config(**asked)["Status"] == "READY")
        moved = functions.client.update_alias(
            FunctionName=name, Name="live", FunctionVersion=second, RoutingConfig={}
        )
        assert moved["RoutingConfig"]["AdditionalVersionWeights"] == {first: 1.0}
        until(lambda: functions.client.get_provisioned_concurrency_config(**asked)["Status"] == status)
        if status == "READY":
            assert functions.ask(name, "live")[0] == second
            return
        assert functions.ask(name, "live")[0] == first
        with pytest.raises(ClientError, match="Alias with weights can not be used"):
            functions.client.put_provisioned_concurrency_config(**asked, ProvisionedConcurrentExecutions=2)
        functions.client.update_alias(FunctionName=name, Name="live", RoutingConfig={})
        assert functions.client.get_alias(FunctionName=name, Name="live").get("RoutingConfig") is None


def test_without_concurrency_left_requests_are_throttled_but_for_what_is_provisioned(
    functions: Functions,
) -> None:
    with functions.function() as name:
        number = functions.published(name, VERSION="one")
        functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion=number)
        asked = Asked(FunctionName=name, Qualifier="live")
        functions.client.put_provisioned_concurrency_config(**asked, ProvisionedConcurrentExecutions=1)
        until(lambda: functions.client.get_provisioned_concurrency_config(**asked)["Status"] == "READY")
        functions.cloud.control("lambda", {"unreserved": 0})
        try:
            assert functions.ask(name, "live")[0] == number
            with pytest.raises(ClientError) as error:
                functions.ask(name, number)
        finally:
            functions.cloud.control("lambda", {"unreserved": None})
        assert refused(error) == ("TooManyRequestsException", 429)
        assert error.value.response.get("Reason") == "ConcurrentInvocationLimitExceeded"
        assert metric(functions, name, "Throttles") == 1


def test_another_account_may_be_short_of_concurrency(functions: Functions) -> None:
    with functions.function() as name:
        number = functions.published(name, VERSION="one")
        functions.cloud.control("lambda", {"unreserved": 0, "account": "999999999999"})
        try:
            assert functions.ask(name, number)[0] == number
        finally:
            functions.cloud.control("lambda", {"unreserved": None, "account": "999999999999"})


def test_a_function_url_is_closed_until_the_policy_opens_it(functions: Functions) -> None:
    with functions.function() as name:
        number = functions.published(name, VERSION="one")
        functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion=number)
        asked = Asked(FunctionName=name, Qualifier="live")
        made = functions.client.create_function_url_config(**asked, AuthType="NONE")
        http = urllib3.PoolManager()
        assert http.request("GET", made["FunctionUrl"]).status == 403
        functions.client.add_permission(
            **asked,
            StatementId="url",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
        )
        functions.client.add_permission(
            **asked,
            StatementId="via",
            Action="lambda:InvokeFunction",
            Principal="*",
            InvokedViaFunctionUrl=True,
        )
        answer = http.request("POST", f"{made['FunctionUrl']}invocations", body=b"{}")
        assert (answer.status, json.loads(answer.data)["version"]) == (200, "one")
        functions.client.update_function_url_config(**asked, AuthType="AWS_IAM")
        assert http.request("GET", made["FunctionUrl"]).status == 403


def test_what_a_version_logs_is_in_its_own_stream(functions: Functions) -> None:
    with functions.function() as name:
        number = functions.published(name, BEHAVIOUR="failing")
        functions.ask(name, number)
        group = f"/aws/lambda/{name}"
        streams = functions.logs.describe_log_streams(logGroupName=group)["logStreams"]
        [stream] = [each["logStreamName"] for each in streams if f"[{number}]" in each["logStreamName"]]
        events = functions.logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
        assert "cannot predict" in [event["message"] for event in events]


def test_only_functions_have_tags_and_no_more_than_fifty(functions: Functions) -> None:
    with functions.function() as name:
        arn = functions.client.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
        functions.client.tag_resource(Resource=arn, Tags={f"t{n}": "v" for n in range(50)})
        functions.client.untag_resource(Resource=arn, TagKeys=["t0"])
        assert len(functions.client.list_tags(Resource=arn)["Tags"]) == 49
        with pytest.raises(ClientError) as error:
            functions.client.tag_resource(Resource=arn, Tags={"a": "1", "b": "2"})
        assert refused(error)[0] == "InvalidParameterValueException"
        with pytest.raises(ClientError):
            functions.client.tag_resource(Resource=f"{arn}:1", Tags={"a": "1"})


def test_what_is_not_rehearsed_says_so(functions: Functions) -> None:
    with pytest.raises(ClientError) as error:
        functions.client.list_layers()
    assert refused(error) == ("NotRehearsed", 501)
