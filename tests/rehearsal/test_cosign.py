"""The commands of the docs, by cosign alone, on what modelway attached in the rehearsed ECR."""

from __future__ import annotations

import base64
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelway import evidence
from modelway.adapters.aws import Accounts
from modelway.adapters.clock import RealClock
from modelway.adapters.ecr import Ecr
from modelway.adapters.signing import SigningKeys
from modelway.core.config import RegistrySpec
from modelway.core.cyclonedx import PREDICATE
from modelway.core.evidence import PROVENANCE, SUMMARY, VERDICT
from modelway.core.image import Digest
from modelway.core.statement import Statement
from modelway.rehearsal.launch import Cloud
from tests.adapters.test_signing import cosign, holders, pair
from tests.fakes import FakeReporter
from tests.rehearsal.clients import REGION, REGISTRY, Clients
from tests.rehearsal.images import Pusher, image
from tests.rehearsal.logins import login

ROOT = Path(__file__).resolve().parents[2]
SAID = {
    VERDICT: "staging",
    PROVENANCE: "build",
    PREDICATE: "build",
    SUMMARY: "production",
}
"""What is attached here, and who signs it."""

pytestmark = [
    pytest.mark.rehearsal,
    pytest.mark.skipif(
        shutil.which("cosign") is None,
        reason="cosign is not installed (Debian: apt-get install cosign, version 3)",
    ),
]


def commands(image: str) -> Iterator[list[str]]:
    """Those of the docs, for this image."""
    for name in ("how-to/sign-evidence.md", "explanation/audit.md"):
        text = (ROOT / "docs" / name).read_text().replace("\\\n", "")
        for line in re.findall(r"^cosign verify-attestation .*$", text, re.MULTILINE):
            yield shlex.split(line.replace("REPOSITORY@sha256:…", image))


def keyed(folder: Path) -> SigningKeys:
    """A key for everybody; the public halves lie where the docs have them."""
    (folder / "keys").mkdir()
    names = {*SAID.values()}
    for author in names:
        pair(folder, author)
        (folder / f"{author}.pub").rename(folder / "keys" / f"{author}.pub")
    return holders(folder, **{author: (f"{author}.pem", f"keys/{author}.pub") for author in names})


def attached(cloud: Cloud, clients: Clients, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An image of ECR's with everything said of it, by its name; cosign may read it."""
    for name, value in cloud.environment({}).items():
        monkeypatch.setenv(name, value)
    spec = RegistrySpec(account=REGISTRY, region=REGION, repository="ml/cosign")
    registry, user = Ecr(Accounts(), spec, FakeReporter(), RealClock()), login(clients.ecr())
    registry.ensure(spec, [], "ml", "iris", waits=lambda _: "")
    Pusher(registry.repository, user).push(image(), "in-1")
    digest, keys = Digest.parse(image().digest), keyed(folder)
    for kind, author in SAID.items():
        said = Statement(subject=digest, predicate_type=kind, predicate={"said": "by " + author})
        assert evidence.attach(registry, keys, RealClock(), author, said)
    auth = base64.b64encode(user.encode()).decode()
    address = registry.repository.partition("/")[0]
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return f"{registry.repository}@{digest}"


def test_what_is_attached_is_verified_without_modelway(
    cloud: Cloud, clients: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the key of whoever has to say it, and by no other."""
    documented = [*commands(attached(cloud, clients, tmp_path, monkeypatch))]
    named = [one if one != VERDICT else "slsaprovenance1" for one in documented[0]]
    documented.append([one.replace("staging.pub", "build.pub") for one in named])
    for argv in documented:
        kind = argv[argv.index("--type") + 1]
        done = cosign(*argv[1:], folder=tmp_path)
        assert done.returncode == 0, f"{kind}: {done.stderr}"
        payload = base64.b64decode(json.loads(done.stdout)["payload"])
        assert f"by {SAID.get(kind, 'build')}".encode() in payload
    forged = [one.replace("staging.pub", "build.pub") for one in documented[0]]
    assert cosign(*forged[1:], folder=tmp_path).returncode != 0
