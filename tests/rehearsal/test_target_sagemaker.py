"""What SageMaker does beside what every target promises."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from modelway.core.config import Autoscaling, Capacity
from modelway.core.image import Digest
from modelway.core.plan import Blame, Standing, standing
from modelway.core.version import Artifact, Version
from modelway.errors import Differs
from modelway.ports import HttpRequest
from tests.rehearsal.clients import PRODUCTION
from tests.rehearsal.places import Nothing

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]


def test_sagemaker_knows_a_version_again_whose_tags_were_removed(sagemaker):
    sagemaker.target.stage(sagemaker.good, release="r1")
    arn = sagemaker.target.observer.inventory.arn(sagemaker.good.id)
    sagemaker.target.client.delete_tags(ResourceArn=arn, TagKeys=["modelway:digest"])
    assert sagemaker.good.id not in sagemaker.target.observe(None).records
    sagemaker.target.stage(sagemaker.good, release="r1")
    assert sagemaker.target.observe(None).records[sagemaker.good.id].release == "r1"


def test_sagemaker_answers_with_the_version_that_serves(sagemaker):
    sagemaker.serve(sagemaker.good)
    answer = sagemaker.target.invoke(HttpRequest(body=b"[1]"), sagemaker.good.id)
    assert (answer.status, json.loads(answer.body)["version"]) == (200, "1")


def test_sagemaker_takes_back_a_dying_version_and_says_why(sagemaker):
    sagemaker.serve(sagemaker.good)
    sagemaker.serve(sagemaker.dying)
    state = sagemaker.target.observe(sagemaker.dying)
    assert state.traffic == {sagemaker.good.id: 100}
    assert standing(sagemaker.dying.id, state) is Standing.FAILED
    assert state.setback is not None
    assert state.setback.blame is Blame.VERSION
    assert "ping health check" in state.setback.reason
    assert any("no weights, no life" in line for line in sagemaker.target.logs(sagemaker.dying.id))
    assert not any("no weights" in line for line in sagemaker.target.logs(sagemaker.good.id))


def test_tags_somebody_else_wrote_are_told_and_no_surprise(sagemaker):
    sagemaker.target.stage(sagemaker.good, release="r1")
    inventory = sagemaker.target.observer.inventory
    inventory.client.add_tags(
        ResourceArn=inventory.arn(sagemaker.good.id), Tags=[{"Key": "modelway:attempt", "Value": "x"}]
    )
    with pytest.raises(Differs, match="not as modelway wrote them") as caught:
        sagemaker.target.observe(None)
    assert "modelway:attempt='x'" in caught.value.seen


def test_the_way_back_replaces_an_endpoint_that_could_not_be_created(sagemaker):
    sagemaker.serve(sagemaker.dying)
    assert sagemaker.target.observe(None).serving is None
    sagemaker.target.stage(sagemaker.good, release="r1")
    sagemaker.target.shift(sagemaker.good.id, 100, urgent=True)
    sagemaker.settle()
    assert sagemaker.target.observe(None).serving == sagemaker.good.id


def test_the_way_back_suspends_autoscaling_where_the_instance_type_changes(sagemaker):
    target = sagemaker.target
    sagemaker.serve(sagemaker.good)
    bounds = Autoscaling(min=1, max=2, invocations_per_instance_per_minute=600)
    target.configure(sagemaker.good.id, Capacity(instances=1, autoscaling=bounds))
    larger = Version(
        image=sagemaker.good.image, settings={**sagemaker.good.settings, "instance_type": "ml.m5.xlarge"}
    )
    target.stage(larger, release="r1")
    target.shift(larger.id, 100, urgent=True)
    sagemaker.settle()
    assert target.observe(None).serving == larger.id


def test_a_shift_sent_twice_is_one_and_another_one_is_refused_meanwhile(sagemaker):
    target = sagemaker.target
    sagemaker.serve(sagemaker.good)
    target.stage(sagemaker.better, release="r2")
    target.shift(sagemaker.better.id, 100, urgent=False)
    target.shift(sagemaker.better.id, 100, urgent=False)
    with pytest.raises(Differs, match="another change"):
        target.shift(sagemaker.good.id, 100, urgent=True)
    sagemaker.settle()
    assert target.observe(None).serving == sagemaker.better.id


class Overwritten(Nothing):
    """An artifact store whose copies somebody else has written over."""

    def find(self, artifact: Artifact, /) -> str | None:
        return None

    def target_uri(self, artifact: Artifact, /) -> str:
        return f"s3://written-over/{artifact.sha256.hex}/model.tar.gz"


def test_weights_written_over_since_staging_are_noticed_before_they_serve(sagemaker, clients):
    store = Overwritten()
    weights = Artifact(uri="s3://theirs/model.tar.gz", sha256=Digest.parse("sha256:" + "a" * 64))
    version = replace(sagemaker.good, artifact=weights)
    s3 = clients.s3(PRODUCTION)
    s3.create_bucket(Bucket="written-over", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="written-over", Key=f"{weights.sha256.hex}/model.tar.gz", Body=b"others")
    versions = replace(sagemaker.target.versions, artifacts=store)
    versions.make(version, sagemaker.target.words(version.id), "r1")
    state = replace(sagemaker.target.observer, artifacts=store).observe(version)
    assert version.id in state.records
    assert [need.id for need in state.needs] == ["artifact"]


def test_an_endpoint_modelway_did_not_make_is_not_retired(sagemaker):
    target = sagemaker.target
    sagemaker.serve(sagemaker.good)
    arn = target.observer.inventory.describe()["EndpointArn"]
    target.client.delete_tags(ResourceArn=arn, TagKeys=["modelway:managed"])
    with pytest.raises(Differs, match="was not made by modelway") as caught:
        target.estate.things()
    assert "aws sagemaker delete-endpoint" in caught.value.cure


def test_retiring_lists_autoscaling_alarms_and_models_without_a_config_and_leaves_others_alarms(sagemaker):
    target = sagemaker.target
    sagemaker.serve(sagemaker.good)
    target.invoke(HttpRequest(body=b"[1]"), None)
    bounds = Autoscaling(min=1, max=2, invocations_per_instance_per_minute=600)
    target.configure(sagemaker.good.id, Capacity(instances=1, autoscaling=bounds))
    sagemaker.settle()
    target.stage(sagemaker.better, release="r1")
    target.client.delete_endpoint_config(EndpointConfigName=target.words(sagemaker.better.id))
    alarms, name = target.observer.alarms.client, target.words(sagemaker.good.id)
    alarm = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocations",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    alarms.put_metric_alarm(AlarmName=f"{name}-error-rate", AlarmDescription="modelway: made", **alarm)
    alarms.put_metric_alarm(AlarmName=f"{name}-latency-p95", AlarmDescription="of somebody", **alarm)
    things = [(thing.kind, thing.name) for thing in target.estate.things()]
    endpoint = target.observer.inventory.endpoint
    both = sorted(target.words(version.id) for version in (sagemaker.good, sagemaker.better))
    assert things == [
        ("autoscaling", endpoint),
        ("endpoint", endpoint),
        ("alarm", f"{name}-error-rate"),
        *(("model", one) for one in both),
        ("endpoint-config", name),
    ]
    assert target.estate.requests(900) == 1
