"""A team's tag goes through staging to production under act, and every other end a release can have.

The runs build on each other, so each is a fixture that needs the one before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import boto3
import pytest

from modelway.rehearsal.launch import Cloud
from tests.act.consumer import CONFIG, WORKFLOW, Consumer
from tests.act.runner import OWN, REF, Act, Ran, pins
from tests.rehearsal.clients import PRODUCTION, REGISTRY, STAGING

pytestmark = [pytest.mark.act, pytest.mark.docker, pytest.mark.rehearsal]


def release(act: Act, consumer: Consumer, tag: str, *, version: str, production: str = "healthy") -> Ran:
    """Change the config, push a release tag, and see what comes of it."""
    consumer.git("checkout", "--quiet", "main")
    consumer.configure(version=version, production=production)
    consumer.commit(f"Release {tag}", tag=tag)
    return act.run("push", {"ref": f"refs/tags/{tag}", "repository": {"default_branch": "main"}})


def dispatch(act: Act, consumer: Consumer, action: str, environment: str) -> Ran:
    """Start one of the workflows that people start."""
    consumer.git("checkout", "--quiet", "main")
    inputs = {"action": action, "config": CONFIG, "environment": environment}
    payload = {"inputs": inputs, "repository": {"default_branch": "main"}}
    return act.run("workflow_dispatch", payload, workflow=WORKFLOW, **inputs)


def resume(act: Act, consumer: Consumer) -> Ran:
    """What a team's schedule starts."""
    consumer.git("checkout", "--quiet", "main")
    return act.run("workflow_dispatch", {}, workflow=".github/workflows/resume.yml")


def answers(cloud: Cloud, account: str) -> str:
    """Which version of the model answers in an account, asked from the endpoint itself."""
    keys = cloud.variables
    sts = boto3.client(
        "sts", "eu-west-1", endpoint_url=cloud.endpoint, aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    given = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/asks", RoleSessionName="test")[
        "Credentials"
    ]
    client = boto3.client(
        "sagemaker-runtime", "eu-west-1", endpoint_url=cloud.endpoint, aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"], aws_session_token=given["SessionToken"],
    )  # fmt: skip
    name = f"tiny-{'production' if account == PRODUCTION else 'staging'}"
    answer: Mapping[str, str] = json.load(client.invoke_endpoint(EndpointName=name, Body=b"[1]")["Body"])
    return answer["version"]


@pytest.fixture(scope="module")
def first(act: Act, consumer: Consumer) -> Ran:
    """The first release."""
    return release(act, consumer, "tiny/v1.0.0", version="1")


@pytest.fixture(scope="module")
def second(act: Act, consumer: Consumer, first: Ran) -> Ran:
    """A release with other settings, of the same image."""
    assert first.code == 0, first.log[-3000:]
    return release(act, consumer, "tiny/v1.1.0", version="2")


@pytest.fixture(scope="module")
def sick(act: Act, consumer: Consumer, second: Ran) -> Ran:
    """A release that passes in staging and fails in production."""
    assert second.code == 0, second.log[-3000:]
    return release(act, consumer, "tiny/v1.2.0", version="3", production="failing")


@pytest.fixture(scope="module")
def older(act: Act, consumer: Consumer, sick: Ran) -> Ran:
    """A release with a lower version than one that was attempted."""
    del sick
    return release(act, consumer, "tiny/v0.9.0", version="old")


@pytest.fixture(scope="module")
def back(act: Act, consumer: Consumer, older: Ran) -> Ran:
    """A rollback in production."""
    del older
    return dispatch(act, consumer, "rollback", "production")


def test_a_tag_goes_through_staging_and_a_plan_to_production(first: Ran):
    assert first.code == 0, first.log[-3000:]
    done = {name.rpartition("/")[2].strip(): result for name, result in first.jobs.items()}
    assert done == {
        "what the tag names": "success",
        "image of tiny": "success",
        "tiny to staging": "success",
        "plan for production": "success",
        "tiny to production": "success",
    }
    assert first.errors() == ()


def test_each_job_assumes_only_the_roles_it_is_for(first: Ran):
    assert list(first.roles) == [
        f"image arn:aws:iam::{REGISTRY}:role/modelway-read",
        f"image arn:aws:iam::{STAGING}:role/modelway-plan",
        f"image arn:aws:iam::{REGISTRY}:role/modelway-push",
        f"deploy arn:aws:iam::{STAGING}:role/modelway-deploy",
        f"plan arn:aws:iam::{PRODUCTION}:role/modelway-plan",
        f"deploy arn:aws:iam::{PRODUCTION}:role/modelway-deploy",
    ]


def test_the_reviewer_reads_the_plan_that_runs(first: Ran):
    assert any("Plan for tiny in production" in text for text in first.summaries)
    assert "shift 100 % of the traffic" in first.log


def test_the_same_image_is_not_built_scanned_or_tried_again(second: Ran):
    assert second.code == 0, second.log[-3000:]
    assert not any(
        step in second.log for step in ("Main acme/modelway/actions/scan@", "Main acme/modelway/actions/try@")
    )
    assert list(second.roles)[1] == f"image arn:aws:iam::{REGISTRY}:role/modelway-push"


def test_a_model_that_is_sick_in_production_is_taken_back_and_the_run_is_red(sick: Ran, act_cloud: Cloud):
    assert sick.code != 0
    assert sick.results("tiny to staging") == ["success"]
    assert sick.results("tiny to production") == ["failure"]
    assert "rolled_back" in sick.values("result")
    (error,) = sick.errors()
    assert "serves again" in error.text
    assert "cannot predict" in error.text
    assert answers(act_cloud, PRODUCTION) == "2"


def test_an_overtaken_release_ends_with_a_warning_and_goes_no_further(older: Ran, act_cloud: Cloud):
    assert older.code == 0, older.log[-3000:]
    assert "superseded" in older.values("result")
    assert "release 0.9.0 was overtaken by" in older.warnings()
    assert older.results("production") == []
    assert answers(act_cloud, STAGING) == "3"


def test_a_rollback_takes_production_one_version_back(back: Ran, act_cloud: Cloud):
    assert back.code == 0, back.log[-3000:]
    assert list(back.roles) == [f"rollback arn:aws:iam::{PRODUCTION}:role/modelway-deploy"]
    assert answers(act_cloud, PRODUCTION) == "1"


def test_drift_opens_one_issue_that_says_what_differs(act: Act, consumer: Consumer, back: Ran):
    del back
    consumer.git("checkout", "--quiet", "main")
    ran = act.run("schedule", {"repository": {"default_branch": "main"}}, workflow=WORKFLOW)
    assert ran.code == 0, ran.log[-3000:]
    assert ran.values("drifted") == ["true"]
    told = (act.work / "gh.log").read_text()
    assert told.count("issue create") == 1
    assert "    tiny in production: " in told


START = f"""
on: workflow_dispatch
permissions: {{}}
jobs:
  start:
    runs-on: ubuntu-24.04
    permissions: {{contents: read, id-token: write}}
    steps:
      - uses: actions/checkout@{pins()["actions/checkout"]}
      - uses: aws-actions/configure-aws-credentials@{pins()["aws-actions/configure-aws-credentials"]}
        with:
          role-to-assume: arn:aws:iam::{STAGING}:role/modelway-deploy
          allowed-account-ids: {STAGING}
          aws-region: eu-west-1
          role-session-name: test
      - id: deploy
        uses: {OWN}/actions/deploy@{REF}
        with: {{config: {CONFIG}, environment: staging, release: 1.3.0, max-wait: 0s}}
"""
"""A team's own workflow that uses an action and waits for nothing."""


@pytest.fixture(scope="module")
def started(act: Act, consumer: Consumer, back: Ran) -> Ran:
    """A deploy that nobody waited for."""
    del back
    consumer.git("checkout", "--quiet", "main")
    consumer.configure(version="4")
    (consumer.root / ".github/workflows/start.yml").write_text(START)
    consumer.commit("Start and leave")
    return act.run("workflow_dispatch", {}, workflow=".github/workflows/start.yml")


def test_a_deploy_nobody_waits_for_ends_green_as_started(started: Ran):
    assert started.code == 0, started.log[-3000:]
    assert started.values("result") == ["started"]
    assert "goes on without this process" in started.warnings()


def test_a_later_run_sees_it_through_and_the_next_finds_nothing_to_do(
    act: Act, consumer: Consumer, started: Ran, act_cloud: Cloud
):
    assert started.code == 0
    seen = resume(act, consumer)
    assert seen.code == 0, seen.log[-3000:]
    assert seen.results("tiny to staging") == ["success"]
    assert answers(act_cloud, STAGING) == "4"
    again = resume(act, consumer)
    assert again.code == 0, again.log[-3000:]
    assert len(again.jobs) == 1


def test_a_promotion_takes_to_production_what_passed_in_staging(
    act: Act, consumer: Consumer, started: Ran, act_cloud: Cloud
):
    assert started.code == 0
    ran = dispatch(act, consumer, "promote", "production")
    assert ran.code == 0, ran.log[-3000:]
    assert answers(act_cloud, PRODUCTION) == "4"


def test_a_tag_that_names_no_model_is_told_with_the_closest_one(act: Act, consumer: Consumer):
    consumer.git("checkout", "--quiet", "main")
    consumer.commit("A slip", tag="tinny/v1.0.0")
    ran = act.run("push", {"ref": "refs/tags/tinny/v1.0.0", "repository": {"default_branch": "main"}})
    consumer.git("tag", "--delete", "tinny/v1.0.0")
    assert ran.code != 0
    (error,) = ran.errors()
    assert "there is no 'tinny'" in error.text
    assert "The closest names: tiny." in error.text
    assert list(ran.jobs.values()) == ["failure"]


BY_HAND = f"""
on: workflow_dispatch
permissions: {{}}
jobs:
  by-hand:
    runs-on: ubuntu-24.04
    permissions: {{contents: read, id-token: write}}
    steps:
      - uses: actions/checkout@{pins()["actions/checkout"]}
      - uses: aws-actions/configure-aws-credentials@{pins()["aws-actions/configure-aws-credentials"]}
        with:
          role-to-assume: arn:aws:iam::{PRODUCTION}:role/modelway-deploy
          allowed-account-ids: {PRODUCTION}
          aws-region: eu-west-1
          role-session-name: test
      - uses: {OWN}/actions/promote@{REF}
        with: {{config: {CONFIG}, environment: production}}
      - id: there
        uses: {OWN}/actions/status@{REF}
        with: {{config: {CONFIG}, environment: production}}
      - uses: {OWN}/actions/reinstate@{REF}
        with:
          config: {CONFIG}
          version: ${{{{ steps.there.outputs.serving }}}}
          environment: production
          reason: nothing was wrong with it
"""
"""The two actions no workflow of ours needs."""


def test_the_actions_no_workflow_uses_run_too(act: Act, consumer: Consumer, started: Ran, act_cloud: Cloud):
    assert started.code == 0
    consumer.git("checkout", "--quiet", "main")
    (consumer.root / ".github/workflows/by-hand.yml").write_text(BY_HAND)
    consumer.commit("By hand")
    ran = act.run("workflow_dispatch", {}, workflow=".github/workflows/by-hand.yml")
    assert ran.code == 0, ran.log[-3000:]
    assert ran.values("result") == ["succeeded"], "each of the three, told once"
    assert "is neither withdrawn nor failed" in ran.log
    assert answers(act_cloud, PRODUCTION) == "4"
