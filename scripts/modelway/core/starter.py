"""What a repository begins with: a config, a container that answers, a workflow, and what to create.

Pure text. What nobody but the team can know is a placeholder that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelway.core import starter_targets
from modelway.core.starter_targets import Target
from modelway.core.starter_texts import (
    DOCKERFILE,
    FUNCTION,
    FUNCTION_DOCKERFILE,
    FUNCTION_SERVE,
    POLICY,
    SERVE,
    SETUP,
    WORKFLOW,
)

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
    target: Target = "sagemaker"
    dockerfile: str = ""
    """A Dockerfile there is; empty lets one be written."""
    policy: bool = False
    """Whether an organisation's policy is wanted."""
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
            "the cluster, network and load balancer of each environment": self.target == "ecs",
        }
        return tuple(words for words, missing in told.items() if missing)


def files(start: Start) -> Mapping[str, str]:
    """Every file by its path; schemas are copied, not written here."""
    made = {
        f"model-configs/{start.name}.yaml": config(start),
        ".github/workflows/modelway.yml": workflow(start),
        "modelway-setup.md": setup(start),
    }
    if start.policy:
        made["modelway-policy.yaml"] = POLICY
    if not start.dockerfile:
        made |= {f"{start.context}/{name}": text for name, text in _container(start.target).items()}
    return made


def _container(target: Target) -> Mapping[str, str]:
    """A container that answers; on Lambda it answers events beside HTTP."""
    if target == "lambda":
        return {"Dockerfile": FUNCTION_DOCKERFILE, "serve": FUNCTION_SERVE, "function.py": FUNCTION}
    return {"Dockerfile": DOCKERFILE, "serve": SERVE}


def _account(account: str) -> str:
    """An account as YAML, marked where it is a stand-in."""
    return f'"{account}"' + (f"  # {PLACEHOLDER}" if account in ACCOUNTS else "")


def _settings(start: Start, account: str) -> str:
    """The settings of an environment in an account."""
    return starter_targets.settings(start.target, start.name, account, start.region, PLACEHOLDER)


def config(start: Start) -> str:
    """``model-configs/<name>.yaml``: two environments of the smallest size."""
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
    target: {start.target}
    account: {_account(start.staging)}
    region: {start.region}
    settings:{_settings(start, start.staging)}
  production:
    promote_from: staging  # only what passed there may come here
    target: {start.target}
    account: {_account(start.production)}
    region: {start.region}
    settings:{_settings(start, start.production)}
{starter_targets.rollout(start.target)}
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
    execution = "\n".join(_roles(start, account) for account in targets)
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


def _roles(start: Start, account: str) -> str:
    """Commands that make the roles a model's containers run with."""
    made = starter_targets.roles(
        start.target, name=start.name, account=account, region=start.region, registry=start.registry
    )
    return f"# in account {account}\n{made}"
