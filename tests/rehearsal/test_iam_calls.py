"""What `iam` prints against what is called: each call of a role is allowed, and nothing allowed goes unused.

Releases, a failure, corrections and looks run as processes of their own against the rehearsal cloud, whose
logs say who called what. What the rehearsal has no policies for is IAM itself: here the log is judged.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelway.adapters.configs import Configs
from modelway.core.config import ModelConfig
from modelway.core.iam import Statement, allows, covers
from modelway.core.roles import Kind, Role, roles
from modelway.rehearsal import grounds
from modelway.rehearsal.launch import Cloud
from modelway.rehearsal.play import ADVISORIES
from modelway.targets.sagemaker.permissions import permissions
from tests.fakes import FakeClock
from tests.rehearsal import model_image
from tests.rehearsal.clients import LAPTOP, PRODUCTION, REGION, REGISTRY, STAGING, Clients

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
NAME = "iam-model"
ROLES = {
    "push_role": "iam-push",
    "read_role": "iam-read",
    "evidence_role": "iam-evidence",
    "prune_role": "iam-prune",
    "plan_role": "iam-plan",
    "deploy_role": "iam-deploy",
    "retire_role": "iam-retire",
}

NOT_REHEARSED: Mapping[str, str] = {
    "cloudtrail:LookupEvents": "`drift` asks it who changed something; moto has no event history",
    "iam:CreateServiceLinkedRole": "AWS does it in the caller's name, the first time an account scales",
    "s3:AbortMultipartUpload": "only a copy of more than 5 GiB is made in parts",
    "s3:GetObjectTagging": "S3 asks for it where the source object has tags",
    "s3:DeleteObjectVersion": "no weights are pruned here; tests/rehearsal/test_shelf.py does it",
    "s3:GetObjectVersion": "asked before a copy is deleted, which is not done here either",
    "s3:PutObjectTagging": "S3 asks for it where the source object has tags",
}
"""Actions that nothing here can show, and why they are needed all the same."""
LONG_STATEMENTS = {
    (frozenset({Kind.EVIDENCE}), "ecr:GetDownloadUrlForLayer"),
    (frozenset({Kind.REGISTRY}), "ecr:GetDownloadUrlForLayer"),
    (frozenset({Kind.REGISTRY}), "ecr:GetAuthorizationToken"),
    (frozenset({Kind.REGISTRY}), "s3:GetObject"),
}
"""Statements of more than 64 KiB are read from their blobs, and no verdict or provenance here is that long;
a copy of weights is looked at before it is deleted, and none here is old enough."""
READ_BY_PLANS = "sagemaker:DescribeModel"
"""Retiring looks by the same rights as planning, which reads the models of wanted versions, too."""
OTHER_ALARMS = "-latency-p95"
"""Alarms of configs long gone are retired, too; the config here only ever made the other kind."""
SCALING_ALARMS = "alarm:TargetTracking-endpoint/"
"""Application Auto Scaling makes and deletes them in the caller's name; the rehearsal does so itself."""

_ALSO: Mapping[str, tuple[str, ...]] = {
    "s3:HeadObject": ("s3:GetObject", "s3:ListBucket"),
    "s3:GetObject": ("s3:GetObject",),
    "s3:CopyObject": ("s3:PutObject",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "ecr:ListImageReferrers": ("ecr:BatchGetImage",),
    "ecr:CreateRepository": ("ecr:CreateRepository", "ecr:TagResource"),
    "ecr-registry:GET manifests": ("ecr:BatchGetImage",),
    "ecr-registry:HEAD manifests": ("ecr:BatchGetImage",),
    "ecr-registry:PUT manifests": ("ecr:PutImage",),
    "ecr-registry:GET blobs": ("ecr:GetDownloadUrlForLayer",),
    "ecr-registry:HEAD blobs": ("ecr:BatchCheckLayerAvailability",),
    # The parts go to storage, which keeps no log.
    "ecr-registry:POST blobs": (
        "ecr:InitiateLayerUpload",
        "ecr:UploadLayerPart",
        "ecr:CompleteLayerUpload",
    ),
}
"""IAM's actions where they are not called as the operation (Service Authorization Reference; ECR: the
registry's HTTP interface and ListImageReferrers, user guide "Required permissions")."""
_SIGNED_AS = {"sagemaker-runtime": "sagemaker"}
_FREE = {"sts:GetCallerIdentity"}
"""Operations that need no permission."""
_NO_RESOURCE = {
    "ecr:GetAuthorizationToken",
    "sagemaker:ListEndpointConfigs",
    "sagemaker:ListModels",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
}
_KINDS = {
    "CreateModel": "model",
    "DeleteModel": "model",
    "DescribeModel": "model",
    "CreateEndpointConfig": "endpoint-config",
    "DeleteEndpointConfig": "endpoint-config",
    "DescribeEndpointConfig": "endpoint-config",
}


@dataclass(frozen=True)
class Use:
    """One permission that a call needed, and the role that called."""

    account: str
    role: str
    action: str
    resource: str
    call: str


def uses(entries: Iterable[Mapping[str, Any]]) -> Iterator[Use]:
    """What the calls of our roles needed."""
    for entry in entries:
        who = re.fullmatch(r"arn:aws:sts::(\d+):assumed-role/(iam-[a-z]+)/.*", entry["principal"])
        call = f"{entry['service']}:{entry['operation']}"
        if who is None or call in _FREE:
            continue
        for action, resource in _needed(entry, call):
            yield Use(who[1], who[2], action, resource, call)


def _needed(entry: Mapping[str, Any], call: str) -> Iterator[tuple[str, str]]:
    service = _SIGNED_AS.get(entry["service"], entry["service"])
    here = f"arn:aws:{service}:{entry['region']}:{entry['account']}"
    actions = _ALSO.get(call, (f"{service}:{entry['operation']}",))
    related = dict(one.split("=", 1) for one in entry["related"])
    for action in actions:
        yield action, _resource(entry, action, here, related)
    operation = entry["operation"]
    if operation in {"CreateEndpoint", "UpdateEndpoint"}:
        yield f"sagemaker:{operation}", f"{here}:endpoint-config/{related['EndpointConfigName']}"
    if service == "sagemaker" and operation.startswith("Create") and "Tags" in related:
        yield "sagemaker:AddTags", _resource(entry, "", here, related)
    if "ExecutionRoleArn" in related:
        yield "iam:PassRole", related["ExecutionRoleArn"]
    if "CopySource" in related:
        yield "s3:GetObject", f"arn:aws:s3:::{related['CopySource']}"
    if operation == "PutMetricAlarm":
        yield "cloudwatch:TagResource", _resource(entry, "", here, related)


def _resource(entry: Mapping[str, Any], action: str, here: str, related: Mapping[str, str]) -> str:
    """The ARN a call is about, as IAM sees it."""
    named: str = entry["resource"]
    if action in _NO_RESOURCE:
        return "*"
    if named.startswith("arn:"):
        return named.partition("/")[0] if action == "s3:ListBucket" else named
    forms = {
        "ecr": f"{here}:repository/{named}",
        "sagemaker": f"{here}:{_KINDS.get(entry['operation'], 'endpoint')}/{named}",
        "cloudwatch": f"{here}:alarm:{named}",
        "application-autoscaling": f"{here}:scalable-target/0123456789",
        "logs": f"{here}:log-group:{named}:*",
        "kms": f"{here}:key/0123456789",  # an alias is no resource of IAM's, but a condition on a key
    }
    service = _SIGNED_AS.get(entry["service"], entry["service"])
    assert service in forms, f"no ARN for {service} {entry['operation']} {named} {related}"
    return forms[service]


@dataclass
class Repository:
    """A team's repository with one tiny model, and the cloud its commands talk to."""

    root: Path
    cloud: Cloud
    clients: Clients
    sha256: str
    said: list[str] = field(default_factory=list)

    def write(self, number: int, *, scaled: bool = True, in_production: str = "healthy") -> ModelConfig:
        """Write the config of a version, and read it as modelway does."""

        def signing(author: str) -> dict[str, object]:
            key = f"awskms:///alias/iam-{author}"
            return {"sign_with": key, "verify_with": [key]}

        def place(account: str, behaviour: str, **more: object) -> dict[str, object]:
            variables = {"VERSION": str(number), "BEHAVIOUR": behaviour}
            settings = {"mode": "realtime", "instance_type": "ml.m5.large", "execution_role": "iam-endpoint"}
            common = {"target": "sagemaker", "account": account, "region": REGION, "keep_versions": 1}
            roles_ = {key: ROLES[key] for key in ("plan_role", "deploy_role", "retire_role")}
            return {**common, **roles_, "settings": {**settings, "environment": variables}, **more}

        scaling = {"min": 2, "max": 4, "invocations_per_instance_per_minute": 600}
        capacity = {"instances": 2, "autoscaling": scaling} if scaled else {"instances": 3}
        alarms = [{"metric": "error_rate", "above": 5}]
        rollout = {"strategy": "canary", "canary_percent": 50, "bake_time": "1m", "alarms": alarms}
        test = {"name": "it answers", "body": "[1]", "expect": {"status": 200}}
        document = {
            "schema_version": 1,
            "name": NAME,
            "owner": "tests",
            "image": {"strategy": "byoc", "context": "context", "dockerfile": "context/Dockerfile"},
            "model_artifact": {"uri": "s3://iam-models/tiny/model.tar.gz", "sha256": self.sha256},
            "registry": {
                "account": REGISTRY,
                "region": REGION,
                "repository": "ml/iam-model",
                "push_role": ROLES["push_role"],
                "read_role": ROLES["read_role"],
                "evidence_role": ROLES["evidence_role"],
                "prune_role": ROLES["prune_role"],
                "keep_releases": 1,
            },
            "scan": {"fail_on": "off"},
            "evidence": signing("build"),
            "contract_tests": [test],
            "environments": {
                "staging": place(STAGING, "healthy", evidence=signing("staging")),
                "production": place(
                    PRODUCTION,
                    in_production,
                    promote_from="staging",
                    capacity=capacity,
                    rollout=rollout,
                    evidence=signing("production"),
                ),
            },
        }
        path = self.root / "model-configs" / f"{NAME}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return Configs(self.root, today=lambda: FakeClock().now().date()).load(path)

    def run(self, verb: str, *options: str, as_: tuple[str, str] | None = None) -> int:
        """Run a command on the config as the laptop, or as a role of an account; its exit code."""
        variables = self.cloud.environment(os.environ) | (self._keys(*as_) if as_ else {})
        variables |= {"PYTHONPATH": str(SCRIPTS), "MODELWAY_ADVISORIES": str(self.root / "index.sqlite")}
        given = options if verb in {"scan-db", "registry"} else (f"model-configs/{NAME}.yaml", *options)
        done = subprocess.run(
            [sys.executable, "-m", "modelway", verb, *given],
            cwd=self.root,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        self.said.append(
            f"$ {verb} {' '.join(given)} as {as_}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.returncode

    def _keys(self, account: str, role: str) -> dict[str, str]:
        """Credentials of a role, as a job has them."""
        arn = f"arn:aws:iam::{account}:role/{role}"
        given = self.clients.sts(LAPTOP).assume_role(RoleArn=arn, RoleSessionName="job")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }


@pytest.fixture(scope="module")
def played(
    cloud: Cloud, clients: Clients, tmp_path_factory: pytest.TempPathFactory
) -> tuple[tuple[Role, ...], tuple[Use, ...]]:
    """The roles of the configs that were played, and all that their calls needed."""
    root = tmp_path_factory.mktemp("iam")
    model_image.write_context(root / "context")
    _with_packages(root / "context")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    archive = root / "model.tar.gz"
    archive.write_bytes(gzip.compress(b"\0" * 10240, mtime=0))
    here = Repository(root, cloud, clients, hashlib.sha256(archive.read_bytes()).hexdigest())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        config = here.write(1)
        grounds.make_roles(config, LAPTOP)
        grounds.upload(config, archive)
        for author, account in (("build", REGISTRY), ("staging", STAGING), ("production", PRODUCTION)):
            kms = clients.session(account).client("kms", endpoint_url=cloud.endpoint)
            key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
            kms.create_alias(AliasName=f"alias/iam-{author}", TargetKeyId=key)
    configs = _play(here, clients)
    log = cloud.control("calls"), cloud.control("registry")
    needed = tuple(use for entries in log for use in uses(entries))  # type: ignore[arg-type]  # lists of entries
    return roles(configs, permissions), needed


def _with_packages(context: Path) -> None:
    """Enough for a scanner to see that the report is read from its blob, not from its manifest."""
    for number in range(500):
        folder = context / "packages" / f"tiny{number}-0.1.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tiny{number}\nVersion: 0.1\n")
    with (context / "Dockerfile").open("a") as file:
        file.write("COPY packages /usr/lib/python3/dist-packages\n")


def _another_image(context: Path, number: int) -> None:
    """Sources that make another image."""
    with (context / "Dockerfile").open("a") as file:
        file.write(f"LABEL number={number}\n")


def _play(here: Repository, clients: Clients) -> list[ModelConfig]:
    """Everything a model goes through; each step ends as it must, most as the role a job would have."""

    def step(code: int, verb: str, *options: str, as_: tuple[str, str] | None = None) -> None:
        assert here.run(verb, *options, as_=as_) == code, "\n".join(here.said[-2:])

    step(
        0, "scan-db", "import", str(ADVISORIES), "--note", "tests", "--as-of", f"{datetime.now(UTC):%Y-%m-%d}"
    )
    configs = [here.write(0, in_production="dying")]
    step(7, "release", "--yes-production")  # the first endpoint fails: nothing to go back to
    _another_image(here.root / "context", 1)
    configs.append(here.write(1))
    step(0, "release", "--yes-production")  # deletes it first
    _disturb(clients)
    step(0, "push", as_=(REGISTRY, ROLES["push_role"]))
    assert "set its lifecycle" in here.said[-1], here.said[-1]
    config = f"model-configs/{NAME}.yaml"
    step(0, "scan-db", "push", config, as_=(REGISTRY, ROLES["push_role"]))
    step(0, "scan-db", "pull", config, as_=(REGISTRY, ROLES["read_role"]))
    _another_image(here.root / "context", 2)
    configs.append(here.write(2))
    step(0, "build")
    step(0, "scan")
    step(0, "push", as_=(REGISTRY, ROLES["push_role"]))
    step(0, "deploy", "-e", "staging", as_=(STAGING, ROLES["deploy_role"]))
    for verb in ("plan", "gate", "status"):
        step(0, verb, "-e", "production", as_=(PRODUCTION, ROLES["plan_role"]))
    step(0, "promote", "-e", "production", as_=(PRODUCTION, ROLES["deploy_role"]))
    step(0, "plan", "-e", "production", as_=(PRODUCTION, ROLES["plan_role"]))  # reads a version's model
    _another_image(here.root / "context", 3)
    configs.append(here.write(3, in_production="failing"))
    step(6, "release", "--yes-production")
    configs.append(_play_to_the_end(here, step))
    return configs


def _disturb(clients: Clients) -> None:
    """Change what a push corrects, and put images there that its lifecycle policy would take."""
    ecr, named = clients.ecr(), "ml/iam-model"
    ecr.put_image_tag_mutability(repositoryName=named, imageTagMutability="MUTABLE")
    ecr.put_image_scanning_configuration(
        repositoryName=named, imageScanningConfiguration={"scanOnPush": False}
    )
    ecr.delete_lifecycle_policy(repositoryName=named)
    details = ecr.describe_images(repositoryName=named)["imageDetails"]
    tag = next(tag for one in details for tag in one.get("imageTags", []) if tag.startswith("in-"))
    manifest = ecr.batch_get_image(repositoryName=named, imageIds=[{"imageTag": tag}])["images"][0]
    for stray in ("in-stray-1", "in-stray-2"):  # other bytes, so other images
        body = manifest["imageManifest"] + " " * int(stray[-1])
        ecr.put_image(repositoryName=named, imageManifest=body, imageTag=stray)


def _play_to_the_end(here: Repository, step: Callable[..., None]) -> ModelConfig:
    """One more release, and what comes after: prune, go back, retire."""
    config = f"model-configs/{NAME}.yaml"
    last = here.write(4, scaled=False)
    step(0, "release", "--yes-production")  # retires the oldest, with its alarms
    here.write(2)  # scaled again
    step(0, "registry", "check", config)
    # Nothing here is a day old. The image goes of the version that was retired; then one goes back.
    for argv in (("check", config), ("prune", config, "--older-than", "0s", "--apply")):
        step(0, "registry", *argv, as_=(REGISTRY, ROLES["prune_role"]))
    assert "1 images of iam-model deleted" in here.said[-1], here.said[-1]
    step(0, "rollback", "-e", "production", as_=(PRODUCTION, ROLES["deploy_role"]))
    for name, account in (("production", PRODUCTION), ("staging", STAGING)):
        sure = ("--delete", NAME, "--yes-production", "--although-used")
        step(0, "retire", "-e", name, *sure, as_=(account, ROLES["retire_role"]))
    return last


def test_every_call_is_allowed_to_the_role_that_made_it(played):
    """Promise (a): the policy is enough."""
    all_, needed = played
    policies = {(role.account, role.name): role.statements for role in all_}
    refused = {
        use
        for use in needed
        if not allows(policies.get((use.account, use.role), ()), use.action, use.resource)
    }
    assert len(needed) > 200
    assert not refused


def test_nothing_is_allowed_that_no_call_needed(played):
    """Promise (b): the policy is the least, taken over the environments, which are alike."""
    all_, needed = played
    kinds = {(role.account, role.name): role.kinds for role in all_}
    unused = {
        (min(role.kinds), statement.actions[0], statement.resources[0])
        for role in all_
        for statement in _single(role.statements)
        if not _excused(role, statement) and not any(_same_use(use, role, statement, kinds) for use in needed)
    }
    assert not unused, "\n".join(map(str, sorted(unused)))


def test_the_plan_role_can_change_nothing(played):
    """Every action of it is one that reads, by its name."""
    all_, _ = played
    reading = re.compile(
        r"[a-z0-9-]+:(Describe|Get|List|Lookup|BatchGet)\w+|sts:AssumeRole|s3:(GetObject|ListBucket)"
        r"|ecr:StartLifecyclePolicyPreview"  # changes nothing, for all its name
    )
    for role in all_:
        if role.kinds <= {Kind.PLAN, Kind.BUILD}:
            actions = {action for statement in role.statements for action in statement.actions}
            assert [action for action in actions if not reading.fullmatch(action)] == []


def _single(statements: Iterable[Statement]) -> Iterator[Statement]:
    for statement in statements:
        for action in statement.actions:
            for resource in statement.resources:
                yield Statement(actions=(action,), resources=(resource,), conditions=statement.conditions)


def _excused(role: Role, statement: Statement) -> bool:
    action = statement.actions[0]
    long = (role.kinds, action) in LONG_STATEMENTS
    if action == "sts:AssumeRole" and statement.resources[0].endswith(ROLES["prune_role"]):
        return True  # only to delete a copy of weights, and none here is old enough
    if role.kinds == {Kind.RETIRE} and (
        action == READ_BY_PLANS or statement.resources[0].endswith(OTHER_ALARMS)
    ):
        return True
    return long or action in NOT_REHEARSED or SCALING_ALARMS in statement.resources[0]


def _same_use(
    use: Use, role: Role, statement: Statement, kinds: Mapping[tuple[str, str], frozenset[Kind]]
) -> bool:
    """Whether a role of this kind used it, in whichever environment."""
    if kinds.get((use.account, use.role)) != role.kinds:
        return False
    return any(
        covers(statement, use.action, use.resource.replace(one, other).replace(first, second))
        for one, other in ((STAGING, PRODUCTION), (PRODUCTION, STAGING), ("", ""))
        for first, second in (("-staging", "-production"), ("-production", "-staging"), ("", ""))
    )
