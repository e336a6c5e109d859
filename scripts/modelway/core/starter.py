"""What a repository begins with: a config, a container that answers, a workflow, and what to create.

Pure text. What nobody but the team can know is a placeholder that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelway.core.json import Json, canonical
from modelway.core.naming import partition

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
        made[f"{start.context}/Dockerfile"] = _DOCKERFILE
        made[f"{start.context}/serve"] = _SERVE
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
    return f"""\
# Models to production, by modelway. Release one with a tag: git tag {start.name}/v1.0.0 && git push --tags
name: modelway
on:
  pull_request:
  push:
    tags: ["*/v[0-9]*"]
  schedule:
    - cron: "17 5 * * *" # does the world still look as the configs say?
  workflow_dispatch:
    inputs:
      action: {{type: choice, options: [promote, rollback], description: what to do, required: true}}
      config: {{type: string, description: model-configs/<name>.yaml, required: true}}
      environment: {{type: string, description: where, default: production}}
permissions: {{}}
jobs:
  pull-request:
    if: github.event_name == 'pull_request'
    {_uses(start, "pull-request")}
    permissions:
      contents: read # to check out
      id-token: write # to assume the plan role, which can change nothing
      pull-requests: write # to write the one comment
  release:
    if: github.event_name == 'push'
    {_uses(start, "release")}
    permissions:
      contents: read # to check out
      id-token: write # to assume the roles of each step
  promote:
    # Where GitHub's plan has no required reviewers: `with: {{production: ""}}` for release above, and here
    # the list of those who may promote: && contains(fromJSON('["octocat"]'), github.actor)
    if: github.event_name == 'workflow_dispatch' && inputs.action == 'promote'
    {_uses(start, "promote")}
    permissions:
      contents: read # to check out
      id-token: write # to assume the environment's roles
    with:
      config: ${{{{ inputs.config }}}}
      environment: ${{{{ inputs.environment }}}}
  rollback:
    if: github.event_name == 'workflow_dispatch' && inputs.action == 'rollback'
    {_uses(start, "rollback")}
    permissions:
      contents: read # to check out
      id-token: write # to assume the environment's deploy role
    with:
      config: ${{{{ inputs.config }}}}
      environment: ${{{{ inputs.environment }}}}
  drift:
    if: github.event_name == 'schedule'
    {_uses(start, "drift")}
    permissions:
      contents: read # to check out
      id-token: write # to assume the plan role, which can change nothing
      issues: write # to open, update and close the one issue
"""


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
    return f"""\
# What to create once

`{run} doctor` says at any time what is still missing. Delete this file when nothing is.
{still}
## AWS: who may do what
One template for all accounts ({", ".join(accounts)}): in each it makes only that account's roles,
and lets this repository's jobs assume them through GitHub's OIDC provider. Apply it signed in to each:
```bash
{run} iam --format cloudformation --repository {repo} \\
  --repository-id "$(gh api repos/{repo} --jq .id)" --owner-id "$(gh api repos/{repo} --jq .owner.id)" \\
  > modelway-roles.json
aws cloudformation deploy --stack-name modelway-roles --template-file modelway-roles.json \\
  --capabilities CAPABILITY_NAMED_IAM --parameter-overrides CreateProvider=true
```
(`CreateProvider=false` where the account knows GitHub's OIDC provider already.)

The role the model's own containers run with:
```bash
{execution}
```
ECR repository and artifact buckets are made by the first release.

## GitHub: who approves
```bash
gh api --method PUT repos/{repo}/environments/staging
# one person or team has to approve production; the id: gh api users/NAME --jq .id
gh api --method PUT repos/{repo}/environments/production --input - <<'JSON'
{{"reviewers": [{{"type": "User", "id": 0}}], "prevent_self_review": true}}
JSON
```
Private repositories need GitHub Enterprise for required reviewers. Without: give the job `release` of
`.github/workflows/modelway.yml` the input `production: ""`, and the job `promote` its list of people.

Release tags only by those who may release:
```bash
gh api --method POST repos/{repo}/rulesets --input - <<'JSON'
{{"name": "release tags", "target": "tag", "enforcement": "active",
 "conditions": {{"ref_name": {{"include": ["refs/tags/*/v*"], "exclude": []}}}},
 "rules": [{{"type": "creation"}}, {{"type": "update"}}, {{"type": "deletion"}}],
 "bypass_actors": [{{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}}]}}
JSON
```
(`actor_id` 5 is the repository's administrators.) The workflows find the roles in the configs; the variables
`MODELWAY_BUILD_ROLE`, `MODELWAY_PUSH_ROLE` and `MODELWAY_DEPLOY_ROLE` are for those who use other roles.

## Then
```bash
{run} doctor
git switch -c first-model && git add . && git commit -m "Add {start.name}" && git push -u origin HEAD
gh pr create --fill              # validated, built, scanned, tried: one comment says it all
git tag {start.name}/v1.0.0 && git push origin {start.name}/v1.0.0   # after the merge: the first release
```
"""


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

_DOCKERFILE = """\
# SageMaker runs `docker run IMAGE serve` and asks port 8080: GET /ping, POST /invocations.
# BASE can move: name it by digest in the config (image.build_args) to build the same bytes again.
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE}
COPY --chmod=755 serve /opt/program/serve
ENV PATH=/opt/program:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1
USER 1000
EXPOSE 8080
CMD ["serve"]
"""

_SERVE = '''\
#!/usr/bin/env python3
"""A model that adds numbers: replace what `predict` does. Weights, if any, are in /opt/ml/model."""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def predict(numbers):
    return sum(numbers)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200 if self.path == "/ping" else 404, {})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.answer(200, predict(json.loads(body)))
        except (ValueError, TypeError) as error:
            self.answer(400, {"error": str(error)})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", 8080), Handler).serve_forever()
'''
