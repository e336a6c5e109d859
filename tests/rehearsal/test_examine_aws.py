"""What ``doctor`` sees of AWS: the rehearsal's accounts, bare and set up.

The rehearsal answers for STS, ECR, S3, IAM and CloudWatch; Service Quotas it does not do, and says so.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from mypy_boto3_cloudwatch import CloudWatchClient

from modelway.adapters import examine_aws, examine_glass
from modelway.adapters.aws import Accounts
from modelway.core import ecr
from modelway.core.config import Capacity, Environment, ExistingAlarm, ModelConfig, Rollout
from modelway.core.diagnosis import Diagnosis, Health
from modelway.core.image import Digest
from modelway.core.version import Artifact
from modelway.rehearsal.launch import Cloud
from modelway.targets.aws_lambda import examination as aws_lambda_examination
from modelway.targets.sagemaker import examination
from tests.configs import SHA256, model_config, staging
from tests.rehearsal.clients import REGION, REGISTRY, STAGING, Clients

pytestmark = pytest.mark.rehearsal
REPOSITORY = "ml/doctored"


@pytest.fixture(autouse=True)
def _reached(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach AWS as modelway does."""
    for name, value in cloud.environment({}).items():
        monkeypatch.setenv(name, value)


def config(place: Environment | None = None, **changes: object) -> ModelConfig:
    """A model with one environment."""
    bare = model_config(environments={"staging": place or staging()}, **changes)
    return replace(bare, registry=replace(bare.registry, repository=REPOSITORY))


def told(of: ModelConfig) -> dict[str, Diagnosis]:
    look = examine_aws.Look(Accounts())
    found = [*examine_aws.examinations([of], look)]
    for place in of.environments.values():
        found += examination.examinations(of, place, look)
    return {one.subject: one.diagnose() for one in found}


def test_the_caller_and_its_roles_are_seen() -> None:
    seen = told(config())
    assert seen["credentials"].health is Health.OK
    for role in ("modelway-read", "modelway-push", "modelway-plan", "modelway-deploy"):
        assert seen[f"role {role}"].health is Health.OK


def test_without_credentials_those_are_missing_and_the_rest_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    seen = told(config())
    assert seen.pop("credentials").health is Health.MISSING
    assert {one.health for one in seen.values()} == {Health.UNKNOWN}


def test_a_repository_is_made_by_the_first_push_and_must_let_environments_pull(clients: Clients) -> None:
    assert "first push" in told(config())[f"repository {REPOSITORY}"].seen
    client = clients.ecr(REGISTRY)
    client.create_repository(repositoryName=REPOSITORY)
    barred = told(config())[f"repository {REPOSITORY}"]
    assert barred.health is Health.MISSING
    assert barred.seen == f"{STAGING} may not pull from it"
    policy = json.dumps(ecr.pull_policy("aws", [STAGING]))
    client.set_repository_policy(repositoryName=REPOSITORY, policyText=policy)
    assert told(config())[f"repository {REPOSITORY}"].health is Health.OK


def test_artifact_and_bucket(clients: Clients) -> None:
    sha = Digest.parse(f"sha256:{SHA256}")
    uri = "s3://doctored-models/iris/model.tar.gz"
    of = config(staging(artifact_bucket="doctored-copies"), artifact=Artifact(uri=uri, sha256=sha))
    seen = told(of)
    assert seen["model artifact of iris-classifier"].cure == f"aws s3 cp model.tar.gz {uri}"
    assert seen["bucket doctored-copies"].cure == f"aws s3 mb s3://doctored-copies --region {REGION}"
    s3 = clients.s3(STAGING)
    where = {"LocationConstraint": REGION}
    for bucket in ("doctored-models", "doctored-copies"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)  # type: ignore[arg-type]  # any region
    s3.put_object(Bucket="doctored-models", Key="iris/model.tar.gz", Body=b"weights")
    seen = told(of)
    assert "7 bytes" in seen["model artifact of iris-classifier"].seen
    assert seen["bucket doctored-copies"].health is Health.OK


def test_a_bucket_modelway_makes_is_not_missing() -> None:
    place = staging(region="eu-central-1")  # where no other test has deployed
    assert "first deploy" in told(config(place))[f"bucket modelway-{STAGING}-eu-central-1"].seen


def test_an_alarm_must_exist_and_not_ring(clients: Clients) -> None:
    alarm = ExistingAlarm(name="doctored")
    of = config(staging(rollout=Rollout(alarms=(alarm,))))
    assert "does not exist" in told(of)["alarm doctored"].seen
    client = clients.session(STAGING).client("cloudwatch", region_name=REGION)
    make_alarm(client, missing="notBreaching")
    assert told(of)["alarm doctored"].health is Health.OK
    make_alarm(client, missing="breaching")
    assert "ALARM" in ringing(of).seen


def ringing(of: ModelConfig) -> Diagnosis:
    """The alarm once it rings: it is evaluated once a period, which is a second here."""
    for _ in range(600):
        seen = told(of)["alarm doctored"]
        if seen.health is Health.MISSING:
            return seen
        time.sleep(0.1)
    pytest.fail("the alarm does not ring")


def make_alarm(client: CloudWatchClient, *, missing: str) -> None:
    """An alarm over a metric nobody publishes."""
    client.put_metric_alarm(
        AlarmName="doctored",
        Namespace="N",
        MetricName="M",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData=missing,
    )


def test_what_the_rehearsal_does_not_do_could_not_be_checked() -> None:
    quota = told(config())["quota for iris-classifier-staging"]
    assert quota.health is Health.UNKNOWN
    assert "rehearsal" in quota.seen


def test_a_function_s_role_must_trust_lambda_and_its_concurrency_fit(clients: Clients) -> None:
    settings = {"execution_role": "function-of-doctor"}
    place = staging(target="lambda", settings=settings, capacity=Capacity(instances=950))
    subject = "execution role of iris-classifier"

    def seen(of: Environment) -> dict[str, Diagnosis]:
        look = examine_aws.Look(Accounts())
        found = aws_lambda_examination.examinations(config(of), of, look)
        return {one.subject: one.diagnose() for one in found}

    first = seen(place)
    assert "does not exist" in first[subject].seen
    assert first["concurrency for iris-classifier-staging"].health is Health.MISSING
    iam = clients.session(STAGING).client("iam", endpoint_url=clients.cloud.endpoint)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName="function-of-doctor", AssumeRolePolicyDocument=document)
    then = seen(replace(place, capacity=Capacity(instances=2)))
    assert then[subject].health is Health.OK
    assert then["concurrency for iris-classifier-staging"].health is Health.OK


def test_the_execution_role_must_exist_and_trust_sagemaker(clients: Clients) -> None:
    subject = "execution role of iris-classifier"
    none = told(config())[subject]
    assert none.health is Health.MISSING
    assert none.cure.startswith("aws iam create-role --role-name iris-endpoint ")
    iam = clients.session(STAGING).client("iam", region_name=REGION)
    iam.create_role(RoleName="iris-endpoint", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))
    assert "update-assume-role-policy" in told(config())[subject].cure
    iam.update_assume_role_policy(RoleName="iris-endpoint", PolicyDocument=trust("sagemaker.amazonaws.com"))
    assert told(config())[subject].health is Health.OK


def test_the_role_of_an_emergency_must_exist_be_its_own_and_be_closed_to_ordinary_jobs(
    clients: Clients,
) -> None:
    def seen(role: str = "glass-of-doctor") -> Diagnosis:
        of = config(staging(break_glass_role=role))
        found = {one.subject: one for one in examine_glass.examinations([of], examine_aws.Look(Accounts()))}
        return found[f"break-glass role {role} of iris-classifier"].diagnose()

    def written(**principal: str) -> str:
        said = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": "2012-10-17", "Statement": [said]})

    assert "environments.staging.deploy_role names the same role" in seen("modelway-deploy").seen
    none = seen()
    assert none.health is Health.MISSING
    assert "nobody can break the glass" in none.seen
    assert "scripts/run iam" in none.cure
    iam = clients.session(STAGING).client("iam", region_name=REGION)
    deployer = f"arn:aws:iam::{STAGING}:role/modelway-deploy"
    iam.create_role(RoleName="glass-of-doctor", AssumeRolePolicyDocument=written(AWS=deployer))
    assert f"it may be assumed by {deployer}" in seen().seen
    policy = written(AWS=f"arn:aws:iam::{STAGING}:role/on-call")
    iam.update_assume_role_policy(RoleName="glass-of-doctor", PolicyDocument=policy)
    assert seen().health is Health.OK
    policy = written(Service="lambda.amazonaws.com")
    iam.update_assume_role_policy(RoleName="glass-of-doctor", PolicyDocument=policy)
    assert "nobody may assume it" in seen().seen
    assert not [*examine_glass.examinations([config()], examine_aws.Look(Accounts()))]


def trust(service: str) -> str:
    """A trust policy."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
