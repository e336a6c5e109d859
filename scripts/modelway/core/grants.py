"""What modelway calls whatever the target: the registry, the artifact buckets, roles of other accounts.

Actions and resource types: Service Authorization Reference of Amazon ECR, Amazon S3 and AWS STS.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from modelway.core.config import Environment, Identity, ModelConfig, Prebuilt, Signing
from modelway.core.iam import Condition, Statement, Statements, allow
from modelway.core.image import ecr_repository
from modelway.core.naming import KMS, bucket_name, partition, role_arn


def registry_reading(config: ModelConfig) -> Statements:
    """To find an image and what is attached to it, and to pull it."""
    spec = config.registry
    pull = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    ours = allow("ecr:DescribeImages", "ecr:DescribeRepositories", *pull, on=[_repository(config)])
    statements = [allow("ecr:GetAuthorizationToken"), ours]  # the token knows no resource
    source = ecr_repository(config.image.source.repository) if isinstance(config.image, Prebuilt) else None
    if source:
        account, region, name = source
        arn = f"arn:{partition(spec.region)}:ecr:{region}:{account}:repository/{name}"
        statements.append(allow(*pull, on=[arn]))
    if "inspector" in config.scan.scanners:
        statements.append(allow("inspector-scan:ScanSbom"))  # it knows no resource
    return tuple(statements)


def registry_attaching(config: ModelConfig) -> Statements:
    """To attach a statement to an image.

    IAM knows no difference between that and pushing an image: what keeps the two apart is that tags are
    immutable, and that no gate believes what its author did not sign.
    """
    reading = ("ecr:BatchGetImage", "ecr:DescribeRepositories", "ecr:GetDownloadUrlForLayer")
    here = allow(*reading, on=[_repository(config)])
    return (allow("ecr:GetAuthorizationToken"), here, _uploading(config))


def _uploading(config: ModelConfig) -> Statement:
    upload = ("ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload")
    return allow(*upload, "ecr:BatchCheckLayerAvailability", "ecr:PutImage", on=[_repository(config)])


def registry_writing(config: ModelConfig) -> Statements:
    """To set the repository up, push to it, and attach reports."""
    statements = [
        *registry_reading(config),
        _uploading(config),
        allow(
            "ecr:CreateRepository",
            "ecr:GetLifecyclePolicy",
            "ecr:GetRepositoryPolicy",
            "ecr:ListTagsForResource",
            "ecr:PutImageScanningConfiguration",
            "ecr:PutImageTagMutability",
            "ecr:PutLifecyclePolicy",
            "ecr:SetRepositoryPolicy",
            "ecr:TagResource",
            on=[_repository(config)],
        ),
    ]
    if key := config.registry.kms_key:
        statements.append(_encryption(config, key))
    return (*statements, *_second_gate(config))


def _second_gate(config: ModelConfig) -> Statements:
    """To read ECR's own scan.

    Inspector's findings are read in the caller's name: without ListFindings, which knows no resource, an
    enhanced scan looks empty (aws/aws-cli issue 6759).
    """
    if config.scan.ecr is None:
        return ()
    here = allow(
        "ecr:BatchGetRepositoryScanningConfiguration",
        "ecr:DescribeImageScanFindings",
        "ecr:StartImageScan",
        on=[_repository(config)],
    )
    statements = (here, allow("ecr:GetRegistryScanningConfiguration"))
    return statements if config.scan.ecr.mode == "basic" else (*statements, allow("inspector2:ListFindings"))


def registry_checking(config: ModelConfig) -> Statements:
    """To see what a lifecycle policy takes."""
    actions = ("ecr:GetLifecyclePolicy", "ecr:GetLifecyclePolicyPreview", "ecr:StartLifecyclePolicyPreview")
    return (allow(*actions, on=[_repository(config)]),)


def registry_pruning(config: ModelConfig) -> Statements:
    """To see all that is in the repository and what is attached to it, and to delete images."""
    look = ("ecr:BatchGetImage", "ecr:DescribeImages", "ecr:DescribeRepositories")
    here = allow("ecr:BatchDeleteImage", *look, "ecr:GetDownloadUrlForLayer", on=[_repository(config)])
    return (allow("ecr:GetAuthorizationToken"), here, *registry_checking(config))


def _repository(config: ModelConfig) -> str:
    spec = config.registry
    return f"arn:{partition(spec.region)}:ecr:{spec.region}:{spec.account}:repository/{spec.repository}"


def _encryption(config: ModelConfig, key: str) -> Statement:
    """docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html, "Required IAM permissions"."""
    spec = config.registry
    here = f"arn:{partition(spec.region)}:kms:{spec.region}:{spec.account}"
    arn = key if key.startswith("arn:") else f"{here}:{key if key.startswith('alias/') else f'key/{key}'}"
    named = f"{here}:key/*" if ":alias/" in arn else arn
    return allow("kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant", on=[named])


def signing(keys: Signing, account: str, region: str) -> Statements:
    """To sign with a key of KMS's."""
    key = keys.sign_with or ""
    return _kms("kms:Sign", [key], account, region)


def verifying(keys: Signing, account: str, region: str) -> Statements:
    """To read the public halves of KMS's keys; in another account the key's policy has to agree."""
    return _kms("kms:GetPublicKey", keys.verify_with, account, region)


def _kms(action: str, keys: Iterable[str | Identity], account: str, region: str) -> Statements:
    """An action on those of the keys that are KMS's. An alias is no resource: its condition is the alias."""
    names = [key.removeprefix(KMS) for key in keys if isinstance(key, str) and key.startswith(KMS)]
    return tuple(_on_key(action, name, f"arn:{partition(region)}:kms:{region}:{account}") for name in names)


def _on_key(action: str, name: str, here: str) -> Statement:
    """docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html."""
    if "alias/" not in name:
        return allow(action, on=[name if name.startswith("arn:") else f"{here}:key/{name}"])
    where = name.rpartition(":")[0] if name.startswith("arn:") else here
    alias = Condition(
        operator="ForAnyValue:StringEquals",
        key="kms:ResourceAliases",
        values=(f"alias/{name.rpartition('alias/')[2]}",),
    )
    return allow(action, on=[f"{where}:key/*"], when=[alias])


def artifact_reading(config: ModelConfig, environment: Environment) -> Statements:
    """To see our copy of the weights and to read the ones the config names.

    Without ``s3:ListBucket`` S3 answers 403 where an object is missing, not 404 (API reference, HeadObject).
    """
    if config.artifact is None:
        return ()
    where = partition(environment.region)
    parts = urlsplit(config.artifact.uri)
    buckets = [f"arn:{where}:s3:::{name}" for name in (parts.netloc, bucket_name(environment))]
    objects = [f"arn:{where}:s3:::{parts.netloc}{parts.path}", _copies(config, environment)]
    return (allow("s3:ListBucket", on=buckets), allow("s3:GetObject", on=objects))


def artifact_checking(config: ModelConfig, environment: Environment) -> Statements:
    """To see all copies of the weights, and the bucket's own lifecycle rules."""
    if config.artifact is None:
        return ()
    bucket = f"arn:{partition(environment.region)}:s3:::{bucket_name(environment)}"
    return (allow("s3:GetLifecycleConfiguration", "s3:ListBucketVersions", on=[bucket]),)


def artifact_pruning(config: ModelConfig, environment: Environment) -> Statements:
    """To delete copies of the weights, each by its version."""
    if config.artifact is None:
        return ()
    return (
        allow(
            "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", on=[_copies(config, environment)]
        ),
    )


def artifact_writing(config: ModelConfig, environment: Environment) -> Statements:
    """To copy the weights, and to make the bucket modelway names itself."""
    if config.artifact is None:
        return ()
    where = partition(environment.region)
    source = f"arn:{where}:s3:::{config.artifact.uri.removeprefix('s3://')}"
    statements = [
        # Tags of an object go along with it, and a copy in parts that failed is taken back.
        allow(
            "s3:AbortMultipartUpload",
            "s3:PutObject",
            "s3:PutObjectTagging",
            on=[_copies(config, environment)],
        ),
        allow("s3:GetObjectTagging", on=[source]),
    ]
    if environment.artifact_bucket is None:
        statements.append(
            allow(
                "s3:CreateBucket",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
                on=[f"arn:{where}:s3:::{bucket_name(environment)}"],
            )
        )
    return tuple(statements)


def _copies(config: ModelConfig, environment: Environment) -> str:
    """Our copies of one model's weights, whose keys are ``<model>/<sha256>/model.tar.gz``."""
    return f"arn:{partition(environment.region)}:s3:::{bucket_name(environment)}/{config.name}/*/model.tar.gz"


def history_reading() -> Statement:
    """To ask CloudTrail who changed something; it knows no resource."""
    return allow("cloudtrail:LookupEvents")


def assuming(role: str, account: str, region: str) -> Statement:
    """To look into another account by a role of its own."""
    return allow("sts:AssumeRole", on=[role_arn(role, account, region)])
