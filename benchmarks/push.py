"""``push`` against the four shell commands of AWS's own tutorial, for an image whose layers are there.

Before each round the image is deleted from the repository; its layers stay in the registry.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/getting-started-cli.html
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from statistics import median

from cloud import CONFIG, SCRIPT, Released, released
from measure import run, verdict

ROUNDS = 7
TUTORIAL = """
set -e
aws ecr get-login-password | docker login --username AWS --password-stdin "$ADDRESS" >/dev/null 2>&1
aws ecr create-repository --repository-name "$NAME" >/dev/null 2>&1 || true
docker tag "$LOCAL" "$ADDRESS/$PLACE/$NAME:$TAG"
docker push "$ADDRESS/$PLACE/$NAME:$TAG"
"""


def main() -> int:
    """Measure, print, and say whether the claim holds."""
    if not shutil.which("aws"):
        message = "this needs the aws command (Debian: apt-get install awscli)"
        raise SystemExit(message)
    with released() as there, tempfile.TemporaryDirectory() as folder:
        variables = {**_registry_account(there), "DOCKER_CONFIG": folder}
        ours, theirs = _measure(there, variables)
    print(f"push {ours:.2f} s, the tutorial's four commands {theirs:.2f} s")
    return 0 if verdict("push / AWS's tutorial", ours / theirs, at_most=0.6) else 1


def _measure(there: Released, variables: Mapping[str, str]) -> tuple[float, float]:
    """Median seconds of ours and of theirs, taking turns; the first round warms up."""
    built = subprocess.run(
        [SCRIPT, "build", str(CONFIG), "--format", "json"], env=variables, capture_output=True, check=True
    )
    tag = json.loads(built.stdout)["local_image"]
    names = {
        "ADDRESS": there.cloud.endpoint.removeprefix("http://"),
        "PLACE": "333333333333/eu-west-1",
        "NAME": "ml/tutorial",
        "LOCAL": tag,
        "TAG": "v1",
    }
    ours, theirs = [], []
    for _ in range(ROUNDS + 1):
        _delete("ml/iris-classifier", variables)
        ours.append(_seconds([SCRIPT, "push", str(CONFIG)], variables))
        _delete("ml/tutorial", variables)
        theirs.append(_seconds(["bash", "-c", TUTORIAL], {**variables, **names}))
    return median(ours[1:]), median(theirs[1:])


def _seconds(argv: list[str], variables: Mapping[str, str]) -> float:
    started = time.perf_counter()
    run(argv, **variables)
    return time.perf_counter() - started


def _registry_account(there: Released) -> dict[str, str]:
    """Variables of somebody who is in the registry's account, so that neither has to assume a role."""
    import boto3

    known = there.environment
    client = boto3.client(
        "sts",
        "eu-west-1",
        endpoint_url=there.cloud.endpoint,
        aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=known.get("AWS_SESSION_TOKEN"),
    )
    role = "arn:aws:iam::333333333333:role/modelway-push"
    made = client.assume_role(RoleArn=role, RoleSessionName="bench")
    keys = made["Credentials"]
    return {
        **known,
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


def _delete(repository: str, variables: Mapping[str, str]) -> None:
    """Delete every image of the repository; its layers stay."""
    import boto3

    session = boto3.Session(
        variables["AWS_ACCESS_KEY_ID"],
        variables["AWS_SECRET_ACCESS_KEY"],
        variables["AWS_SESSION_TOKEN"],
        "eu-west-1",
    )
    client = session.client("ecr", endpoint_url=variables["AWS_ENDPOINT_URL"])
    try:
        images = client.list_images(repositoryName=repository)["imageIds"]
    except client.exceptions.RepositoryNotFoundException:
        return
    if images:
        client.batch_delete_image(repositoryName=repository, imageIds=images)


if __name__ == "__main__":
    raise SystemExit(main())
