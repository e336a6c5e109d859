"""What the example's container does on Lambda before it answers: it brings its model and its secrets."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import runpy
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest

TOKEN = "arn:aws:secretsmanager:eu-west-1:222222222222:secret:iris-a1b2c3"
SALT = "arn:aws:ssm:eu-west-1:222222222222:parameter/iris/salt"


class Body(io.BytesIO):
    """As botocore streams one."""

    def iter_chunks(self, size: int) -> Any:  # noqa: ANN401 - bytes, some at a time
        return iter(lambda: self.read(size), b"")


class Aws:
    """A session and all its clients: one object, one secret, one parameter, each by what names it."""

    def __init__(self, archive: bytes = b"") -> None:
        self.archive = archive

    def create_client(self, _: str) -> Aws:
        return self

    def get_object(self, **asked: str) -> dict[str, Any]:
        assert asked == {"Bucket": "ours", "Key": "iris/model.tar.gz"}
        return {"Body": Body(self.archive)}

    def get_secret_value(self, **asked: str) -> dict[str, str]:
        assert asked == {"SecretId": TOKEN, "VersionId": "9d4cb84b"}
        return {"SecretString": json.dumps({"token": "t0", "other": "o"})}

    def get_parameter(self, **asked: object) -> dict[str, Any]:
        assert asked == {"Name": f"{SALT}:3", "WithDecryption": True}
        return {"Parameter": {"Value": "s0"}}


Bring = Callable[[str, Aws], None]


@pytest.fixture
def bring(root: Path, monkeypatch: pytest.MonkeyPatch) -> Bring:
    """Run one of the file's functions against an AWS."""
    program = root / "examples/iris/program/lambda_init.py"

    def run(name: str, aws: Aws) -> None:
        monkeypatch.setattr(botocore.session, "get_session", lambda: aws)
        runpy.run_path(str(program))[name]()

    return run


def packed(**files: str) -> bytes:
    """An archive of these files."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(whole.getvalue())


def told(monkeypatch: pytest.MonkeyPatch, archive: bytes, folder: Path) -> None:
    """The variables modelway sets for a model."""
    monkeypatch.setenv("MODELWAY_MODEL_URI", "s3://ours/iris/model.tar.gz")
    monkeypatch.setenv("MODELWAY_MODEL_SHA256", hashlib.sha256(archive).hexdigest())
    monkeypatch.setenv("SM_MODEL_DIR", str(folder))


def test_the_model_that_was_released_is_unpacked(
    bring: Bring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive = packed(weights="1 2 3")
    told(monkeypatch, archive, tmp_path / "ml/model")
    bring("bring_model", Aws(archive))
    assert (tmp_path / "ml/model/weights").read_text() == "1 2 3"
    bring("bring_model", Aws(b"not asked again in a warm environment"))


def test_other_bytes_end_the_container_before_it_answers(
    bring: Bring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told(monkeypatch, packed(weights="1 2 3"), tmp_path / "ml/model")
    with pytest.raises(SystemExit, match="is not the model that was released"):
        bring("bring_model", Aws(packed(weights="4 5 6")))
    assert not (tmp_path / "ml/model").exists()


def test_without_a_model_of_its_own_nothing_is_fetched(bring: Bring) -> None:
    bring("bring_model", Aws())
    bring("bring_secrets", Aws())


def test_secrets_are_read_at_their_versions(bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "TOKEN": {"arn": TOKEN, "version": "9d4cb84b", "key": "token"},
        "SALT": {"arn": SALT, "version": "3"},
    }
    for name in secrets:
        monkeypatch.setenv(name, "unset")  # so that it is undone
    monkeypatch.setenv("MODELWAY_SECRETS", json.dumps(secrets))
    bring("bring_secrets", Aws())
    assert (os.environ["TOKEN"], os.environ["SALT"]) == ("t0", "s0")
