"""The texts `init` writes, with places for what is known; braces of their own are doubled."""

from __future__ import annotations

WORKFLOW = """\
# Models to production, by modelway. Release one with a tag: git tag {name}/v1.0.0 && git push --tags
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
    {pull_request}
    permissions:
      contents: read # to check out
      id-token: write # to assume the plan role, which can change nothing
      pull-requests: write # to write the one comment
  release:
    if: github.event_name == 'push'
    {release}
    permissions:
      contents: read # to check out
      id-token: write # to assume the roles of each step
      actions: read # to say who approved it, in the evidence
  promote:
    # Where GitHub's plan has no required reviewers: `with: {{production: ""}}` for release above, and here
    # the list of those who may promote: && contains(fromJSON('["octocat"]'), github.actor)
    if: github.event_name == 'workflow_dispatch' && inputs.action == 'promote'
    {promote}
    permissions:
      contents: read # to check out
      id-token: write # to assume the environment's roles
      actions: read # to say who approved it, in the evidence
    with:
      config: ${{{{ inputs.config }}}}
      environment: ${{{{ inputs.environment }}}}
  rollback:
    if: github.event_name == 'workflow_dispatch' && inputs.action == 'rollback'
    {rollback}
    permissions:
      contents: read # to check out
      id-token: write # to assume the environment's deploy role
    with:
      config: ${{{{ inputs.config }}}}
      environment: ${{{{ inputs.environment }}}}
  drift:
    if: github.event_name == 'schedule'
    {drift}
    permissions:
      contents: read # to check out
      id-token: write # to assume the plan role, which can change nothing
      issues: write # to open, update and close the one issue
"""

SETUP = """\
# What to create once

`{run} doctor` says at any time what is still missing. Delete this file when nothing is.
{still}
## AWS: who may do what
One template for all accounts ({accounts}): in each it makes only that account's roles,
and lets this repository's jobs assume them through GitHub's OIDC provider. Apply it signed in to each:
```bash
{run} iam --format cloudformation --repository {repo} \\
  --repository-id "$(gh api repos/{repo} --jq .id)" --owner-id "$(gh api repos/{repo} --jq .owner.id)" \\
  > modelway-roles.json
aws cloudformation deploy --stack-name modelway-roles --template-file modelway-roles.json \\
  --capabilities CAPABILITY_NAMED_IAM --parameter-overrides CreateProvider=true
```
(`CreateProvider=false` where the account knows GitHub's OIDC provider already.)

What the model's own containers run with:
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
git switch -c first-model && git add . && git commit -m "Add {name}" && git push -u origin HEAD
gh pr create --fill              # validated, built, scanned, tried: one comment says it all
git tag {name}/v1.0.0 && git push origin {name}/v1.0.0   # after the merge: the first release
```
"""

DOCKERFILE = """\
# SageMaker runs `docker run IMAGE serve`, ECS the same; port 8080 is asked: GET /ping, POST /invocations.
# BASE can move: name it by digest in the config (image.build_args) to build the same bytes again.
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE}
COPY --chmod=755 serve /opt/program/serve
ENV PATH=/opt/program:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1
USER 1000
EXPOSE 8080
CMD ["serve"]
"""

_HTTP = """\
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
"""

SERVE = (
    '''\
#!/usr/bin/env python3
"""A model that adds numbers: replace what `predict` does. Weights, if any, are in /opt/ml/model."""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def predict(numbers):
    return sum(numbers)


'''
    + _HTTP
)

FUNCTION_DOCKERFILE = """\
# One image for SageMaker, ECS and Lambda: `serve` answers HTTP on port 8080, and on Lambda events.
# BASE can move: name it by digest in the config (image.build_args) to build the same bytes again.
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE}
RUN python3 -m pip install --no-cache-dir --root-user-action=ignore awslambdaric==4.2.2
COPY --chmod=755 serve function.py /opt/program/
WORKDIR /opt/program
ENV PATH=/opt/program:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 1000
EXPOSE 8080
CMD ["serve"]
"""

FUNCTION = '''\
"""A model that adds numbers: replace what `predict` does. Lambda's runtime client calls `handler`."""

import base64
import json


def predict(numbers):
    return sum(numbers)


def handler(event, _):
    """Answer an event as a function URL writes it. What fails is raised: Lambda counts it as an error."""
    body = event.get("body") or ""
    try:
        text = base64.b64decode(body) if event.get("isBase64Encoded") else body
        status, document = 200, predict(json.loads(text))
    except (ValueError, TypeError) as error:
        status, document = 400, {"error": str(error)}
    headers = {"content-type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(document)}
'''

FUNCTION_SERVE = (
    '''\
#!/usr/bin/env python3
"""The model of function.py over HTTP; on Lambda, AWS's runtime client fetches its events."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from function import predict

if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    os.execvp("python3", ["python3", "-m", "awslambdaric", "function.handler"])


'''
    + _HTTP
)

POLICY = """\
# yaml-language-server: $schema=schemas/policy.schema.json
# What stops a release of any model here. Configs may ask for more, not for less: `validate` names who tries.
# In a workflow this file counts as it stands on the default branch. Who may change it: CODEOWNERS.
schema_version: 1
scan:
  fail_on: high  # binds what softens it, too: grace, base_image, severity_from, unknown_severity
  only_fixable: true  # what nobody can mend yet stops nobody
  unknown_fix: fail  # where no source knows of a fix, it is not taken for "no fix"
  known_exploited: true
  secrets: high
  unsafe_models: high
  end_of_life: high
  max_database_age: 7d
environments:
  production:
    max_database_age: 3d
waivers:
  max_days: 90
  max_days_critical: 14
  require: [owner]
  never: [secret, known_exploited]
"""
