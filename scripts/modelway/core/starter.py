"""What a repository begins with: a config, a container that answers, a workflow, and what to create.

Pure text. What nobody but the team can know is a placeholder that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelway.core.json import Json, canonical
from modelway.core.naming import partition
from modelway.core.starter_texts import DOCKERFILE, SERVE, SETUP, WORKFLOW

PLACEHOLDER = "CHANGE ME"
_SHA = "0" * 40
NO_REPOSITORY = "ORG/REPO"
NO_SOURCE = "OWNER/modelway"
ACCOUNTS = ("333333333333", "111111111111", "222222222222")
"""Stand-ins for the accounts of registry, staging and production."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is known of the team's repository."""

    name: str
    owner: str = "ml-platform"
    repository: str = NO_REPOSITORY
    source: str = NO_SOURCE
    """Where modelway's own actions and workflows are, ``OWNER/modelway``."""
    ref: str = _SHA
    """Its commit, 40 hex digits."""
    release: str = "vX.Y.Z"
    """The release that commit is, for people."""
    region: str = "eu-west-1"
    registry: str = ACCOUNTS[0]
    staging: str = ACCOUNTS[1]
    production: str = ACCOUNTS[2]
    dockerfile: str = ""
    """A Dockerfile there is; empty lets one be written."""
    schema: str = "../schemas/model-config.schema.json"

    @property
    def context(self) -> str:
        """The build context: the Dockerfile's folder."""
        folder, _, _ = (self.dockerfile or f"models/{self.name}/Dockerfile").rpartition("/")
        return folder or "."

    @property
    def missing(self) -> tuple[str, ...]:
        """What is still a placeholder, in words."""
        told = {
            "where modelway is (--modelway OWNER/modelway)": self.source == NO_SOURCE,
            "its commit (--ref SHA --release vX.Y.Z)": self.ref == _SHA,
            "this repository (--repository ORG/REPO)": self.repository == NO_REPOSITORY,
            "the accounts (--registry-account, --staging-account, --production-account)": (
                bool({self.registry, self.staging, self.production} & {*ACCOUNTS})
            ),
        }
        return tuple(words for words, missing in told.items() if missing)


def files(start: Start) -> Mapping[str, str]:
    """Every file by its path; schemas are copied, not written here."""
    made = {
        f"model-configs/{start.name}.yaml": config(start),
        ".github/workflows/modelway.yml": workflow(start),
        "modelway-setup.md": setup(start),
    }
    if not start.dockerfile:
        made[f"{start.context}/Dockerfile"] = DOCKERFILE
        made[f"{start.context}/serve"] = SERVE
    return made


def _account(account: str) -> str:
    """An account as YAML, marked where it is a stand-in."""
    return f'"{account}"' + (f"  # {PLACEHOLDER}" if account in ACCOUNTS else "")


def config(start: Start) -> str:
    """``model-configs/<name>.yaml``: two environments of one instance each."""
    return f"""\
# yaml-language-server: $schema={start.schema}
schema_version: 1
name: {start.name}  # never changes: resources are named by it
owner: {start.owner}
image:
  strategy: byoc
  context: {start.context}
  dockerfile: {start.dockerfile or f"{start.context}/Dockerfile"}
# model_artifact:  # weights live in S3, and come to /opt/ml/model
#   uri: s3://BUCKET/{start.name}/1.0.0/model.tar.gz
#   sha256: 64 hex digits, as sha256sum prints them
registry:
  account: {_account(start.registry)}
  region: {start.region}
  repository: ml/{start.name}
scan:
  fail_on: high
  only_fixable: true
contract_tests:  # what a healthy version answers
  - name: three numbers
    body: '[1, 2, 3]'
    expect: {{status: 200}}
environments:
  staging:
    target: sagemaker
    account: {_account(start.staging)}
    region: {start.region}
    settings: {{mode: realtime, instance_type: ml.m5.large, execution_role: {start.name}-endpoint}}
  production:
    promote_from: staging  # only what passed there may come here
    target: sagemaker
    account: {_account(start.production)}
    region: {start.region}
    settings: {{mode: realtime, instance_type: ml.m5.large, execution_role: {start.name}-endpoint}}
    rollout:
      strategy: all_at_once
      bake_time: 10m
      alarms:
        - {{metric: error_rate, above: 5}}  # percent of requests answered 5xx
"""


def _uses(start: Start, name: str) -> str:
    """One of modelway's workflows, by commit."""
    marked = "" if start.ref != _SHA and start.source != NO_SOURCE else f" ({PLACEHOLDER})"
    return f"uses: {start.source}/.github/workflows/{name}.yml@{start.ref} # {start.release}{marked}"


def workflow(start: Start) -> str:
    """``.github/workflows/modelway.yml``: every event that modelway answers."""
    jobs = ("pull-request", "release", "promote", "rollback", "drift")
    called = {job.replace("-", "_"): _uses(start, job) for job in jobs}
    return WORKFLOW.format(name=start.name, **called)


def setup(start: Start) -> str:
    """``modelway-setup.md``: what to create in AWS and GitHub, as commands."""
    repo, run = start.repository, "path/to/modelway/scripts/run"
    accounts = list(dict.fromkeys((start.registry, start.staging, start.production)))
    targets = dict.fromkeys((start.staging, start.production))
    execution = "\n".join(_execution_role(start, account) for account in targets)
    placeholders = "".join(f"- {words}\n" for words in start.missing)
    still = (
        f"\nStill placeholders, marked `{PLACEHOLDER}` in the files:\n{placeholders}" if placeholders else ""
    )
    return SETUP.format(
        run=run,
        still=still,
        accounts=", ".join(accounts),
        repo=repo,
        execution=execution,
        name=start.name,
    )


def _execution_role(start: Start, account: str) -> str:
    """Commands that make the role a model's containers run with."""
    trust: Json = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    name = f"{start.name}-endpoint"
    return f"""\
# in account {account}
aws iam create-role --role-name {name} --assume-role-policy-document \\
  '{canonical(trust)}'
aws iam put-role-policy --role-name {name} --policy-name modelway --policy-document \\
  '{_execution_policy(start, account)}'"""


def _execution_policy(start: Start, account: str) -> str:
    """What an endpoint needs: its image, its weights, its log and metrics."""
    arn = f"arn:{partition(start.region)}"
    repository = f"{arn}:ecr:{start.region}:{start.registry}:repository/ml/{start.name}"
    bucket = f"{arn}:s3:::modelway-{account}-{start.region}/{start.name}/*"
    logs = f"{arn}:logs:{start.region}:{account}:log-group:/aws/sagemaker/*"
    allowed: list[tuple[list[Json], str]] = [
        (["ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"], "*"),
        (["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repository),
        (["s3:GetObject"], bucket),
        ([f"logs:{verb}" for verb in _LOG_VERBS], logs),
    ]
    statements: list[Json] = [
        {"Effect": "Allow", "Action": actions, "Resource": resource} for actions, resource in allowed
    ]
    return canonical({"Version": "2012-10-17", "Statement": statements})


_LOG_VERBS = ("CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "PutLogEvents")
