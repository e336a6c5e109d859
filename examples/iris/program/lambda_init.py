"""What other platforms do before a container starts and Lambda does not: bring the model and the secrets.

modelway sets three variables for the model, and one for the secrets:
``MODELWAY_MODEL_URI`` (``s3://bucket/key`` of model.tar.gz), ``MODELWAY_MODEL_SHA256`` (64 hex digits),
``SM_MODEL_DIR`` (where it is to be unpacked; only /tmp can be written), and ``MODELWAY_SECRETS`` (JSON: each
variable's name with the secret it is to hold, as the config's settings write it).
"""

import hashlib
import json
import os
import tarfile
from pathlib import Path

import botocore.session

CHUNK = 1024 * 1024


def bring_model() -> None:
    """Download, verify, unpack; ends the process where the bytes are not the ones that were released."""
    uri, folder = os.environ.get("MODELWAY_MODEL_URI"), Path(os.environ.get("SM_MODEL_DIR", "/tmp/ml/model"))
    if not uri or folder.exists():
        return
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    s3 = botocore.session.get_session().create_client("s3")
    folder.parent.mkdir(parents=True, exist_ok=True)
    archive, digest = folder.with_name("model.tar.gz"), hashlib.sha256()
    with archive.open("wb") as file:
        for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(CHUNK):
            digest.update(chunk)
            file.write(chunk)
    wanted = os.environ["MODELWAY_MODEL_SHA256"]
    if digest.hexdigest() != wanted:
        seen = digest.hexdigest()
        message = f"{uri} is not the model that was released: expected sha256 {wanted}, got {seen}"
        raise SystemExit(message)
    fresh = folder.with_name("unpacking")
    fresh.mkdir(exist_ok=True)
    with tarfile.open(archive) as tar:
        # Debian 12's Python has no filters; the bytes are the ones that were released in any case.
        tar.extractall(fresh, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # noqa: S202
    fresh.rename(folder)
    archive.unlink()


def bring_secrets() -> None:
    """Put each secret, in the version that was released, into its variable."""
    session = botocore.session.get_session()
    for name, secret in json.loads(os.environ.get("MODELWAY_SECRETS", "{}")).items():
        arn, version = secret["arn"], secret["version"]
        if arn.split(":")[2] == "ssm":
            client = session.create_client("ssm")
            found = client.get_parameter(Name=f"{arn}:{version}", WithDecryption=True)["Parameter"]["Value"]
        else:
            client = session.create_client("secretsmanager")
            found = client.get_secret_value(SecretId=arn, VersionId=version)["SecretString"]
        os.environ[name] = json.loads(found)[secret["key"]] if "key" in secret else found
