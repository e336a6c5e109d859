"""A cloud in which a model has had releases, each with all its evidence signed: images of one small layer.

No container runs: what is measured is reading evidence, and versions keep theirs without one.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from advisories import debian, inventory, pypi, write
from child import ran
from cloud import ROOT, SCRIPT

from modelway import evidence, papers, scan_gate, wiring
from modelway.adapters.clock import RealClock
from modelway.adapters.oci import Login, Repository
from modelway.core import naming
from modelway.core.config import ModelConfig
from modelway.core.counts import counted
from modelway.core.image import DOCKER_MANIFEST, Image
from modelway.core.json import Json
from modelway.core.manifest import DOCKER_CONFIG, Blob, Manifest, digest_of, read
from modelway.core.merge import merge
from modelway.core.policy import judge
from modelway.core.record import Attempt, Passed
from modelway.core.report import Report
from modelway.core.verdict import Answered
from modelway.delivery import Delivery
from modelway.ports import World
from modelway.rehearsal import grounds, launch
from modelway.rehearsal.accounts import LAPTOP

FOLDER = ROOT / ".modelway" / "bench"
CONFIG, WEIGHTS = FOLDER / "iris-classifier.yaml", FOLDER / "model.tar.gz"
_LAYER = b"\x1f\x8b" + bytes(64)


@dataclass(frozen=True, slots=True)
class Kept:
    """The cloud, and its releases from the oldest to the newest."""

    cloud: launch.Cloud
    releases: tuple[Image, ...]
    keys: Mapping[str, Path]
    """Private halves, by whose they are."""

    def calls(self, after: int = 0) -> list[Mapping[str, Json]]:
        """AWS calls, and requests to the registry, since then."""
        told = self.cloud.control(f"calls?after={after}")
        return [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []

    def last(self) -> int:
        """The number of the latest."""
        return max((int(str(one["number"])) for one in self.calls()), default=0)


@contextmanager
def kept(releases: int) -> Iterator[Kept]:
    """Start it, fill it, and remove it in the end; clients reach it by this process's environment."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    before = dict(os.environ)
    try:
        with TemporaryDirectory() as state, launch.start(Path(state), clock_factor=60) as cloud:
            os.environ.clear()
            os.environ.update(
                cloud.environment(before) | {"MODELWAY_ADVISORIES": str(FOLDER / "index.sqlite")}
            )
            _index()
            keys = _config(releases)
            yield Kept(cloud, _filled(releases), keys)
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(FOLDER, ignore_errors=True)


def _index() -> None:
    """Advisories of OSV's real size."""
    export = FOLDER / "export"
    for ecosystem, records in (("PyPI", pypi()), ("Debian", debian())):
        write(export / ecosystem / "all.zip", records)
    today = RealClock().now().date().isoformat()
    ran(
        [
            SCRIPT,
            "scan-db",
            "import",
            str(export),
            "--database",
            str(FOLDER / "index.sqlite"),
            "--as-of",
            today,
        ]
    )


def _config(releases: int) -> Mapping[str, Path]:
    """The rehearsed config with a key for everybody, keeping every version; nothing found stops it."""
    document = yaml.safe_load((ROOT / "model-configs" / "iris-classifier.yaml").read_text())
    _weights()
    document["model_artifact"]["sha256"] = digest_of(WEIGHTS.read_bytes()).hex
    document["scan"] = {"scanners": ["builtin"], "fail_on": "off"}
    private = {name: _pair(name) for name in (naming.BUILD, *document["environments"])}
    document["evidence"] = _signing(private[naming.BUILD])
    for name, place in document["environments"].items():
        place |= {"evidence": _signing(private[name]), "keep_versions": max(releases, 1)}
    CONFIG.write_text(yaml.safe_dump(document, sort_keys=False))
    return private


def _weights() -> None:
    """An archive of one small file: the gate looks into weights."""
    with tarfile.open(WEIGHTS, "w:gz") as archive:
        entry = tarfile.TarInfo("model/weights.json")
        body = json.dumps({"coefficients": [0.5] * 64}).encode()
        entry.size = len(body)
        archive.addfile(entry, io.BytesIO(body))


def _signing(private: Path) -> dict[str, object]:
    name = str(private.relative_to(ROOT))
    return {"sign_with": name, "verify_with": [name.replace(".pem", ".pub")]}


def _pair(name: str) -> Path:
    """A key pair, made as the docs say."""
    private = FOLDER / f"{name}.pem"
    make = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"]
    subprocess.run([*make, str(private)], check=True, capture_output=True)
    public = ["openssl", "pkey", "-in", str(private), "-pubout", "-out", str(private.with_suffix(".pub"))]
    subprocess.run(public, check=True, capture_output=True)
    return private


def _filled(releases: int) -> tuple[Image, ...]:
    """Every release went through staging to production."""
    world = wiring.open_house().world()
    world = dataclasses.replace(world, run=dataclasses.replace(world.run, root=ROOT))
    config = world.configs.load(CONFIG)
    grounds.make_roles(config, LAPTOP)
    grounds.make_buckets(config)
    grounds.upload(config, WEIGHTS)
    assert config.artifact
    for place in config.environments.values():
        world.artifacts(config, place).bring(config.artifact)
    registry = world.registry(config.registry)
    accounts = sorted({place.account for place in config.environments.values()})
    registry.ensure(config.registry, accounts, config.owner, config.name, waits=lambda _: "")
    session = grounds.account(config.registry.account, config.registry.region)
    told = session.client("ecr").get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(told["authorizationToken"]).decode().partition(":")
    address, _, path = registry.repository.partition("/")
    there = Repository(address, path, Login(user, password))
    images = []
    for number in range(releases):
        manifest = _pushed(there, number)
        _vouched(world, config, manifest)
        image = Image(registry.repository, manifest.digest)
        for name in config.environments:
            _passed(world, config, name, image, number)
        images.append(image)
        print(f"\r{number + 1} of {releases} releases", end="", file=sys.stderr)
    print(file=sys.stderr)
    return tuple(images)


def _pushed(there: Repository, number: int) -> Manifest:
    """An image of its own."""
    config = json.dumps(
        {"architecture": "amd64", "os": "linux", "config": {"Labels": {"n": str(number)}}}
    ).encode()
    blobs = ((DOCKER_CONFIG, config), ("application/vnd.docker.image.rootfs.diff.tar.gzip", _LAYER))
    parts = [Blob(media_type=kind, digest=digest_of(body), size=len(body)) for kind, body in blobs]
    for part, (_, body) in zip(parts, blobs, strict=True):
        if not there.has(part):
            there.write(part.digest, [body])
    head, *layers = [part.json() for part in parts]
    written = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": head, "layers": layers}
    manifest = read(json.dumps(written), DOCKER_MANIFEST)
    there.put(manifest)
    return manifest


def _vouched(world: World, config: ModelConfig, manifest: Manifest) -> None:
    """The build's report of 150 packages, its SBOM and its signed provenance."""
    registry, image = world.registry(config.registry), manifest.digest
    now, about = inventory(), world.advisories(None).about()
    assert manifest.config
    report = Report(
        scanner="builtin",
        fingerprint="then",
        subject=manifest.config,
        platform="linux/amd64",
        distro=now.distro,
        packages=now.packages,
        database=about,
    )
    policy = world.rules(config).rules.policy()
    merged = merge((report,))
    body = scan_gate.document((report,), judge(merged, policy, world.clock.now()), policy)
    documents = (
        papers.report(world, registry, image, body, counted(merged)),
        papers.sbom(world, config, registry, image, merged),
    )
    provenance = evidence.provenance(world, config, "0" * 64, (), documents)
    evidence.vouch(world, config, image, provenance, registry)


def _passed(world: World, config: ModelConfig, place: str, image: Image, number: int) -> None:
    """A version that was staged, attempted, and passed, with the environment's word for it."""
    delivery = Delivery.open(world, config, place)
    version, target = delivery.version(image), delivery.target
    target.stage(version, release=f"1.{number}.0")
    at = world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    target.record(version.id, Attempt(number=1, at=at))
    target.record(version.id, Passed(contract=delivery.contract.hash, attempt=1, at=at))
    record = target.observe(None).records[version.id]
    answers = [Answered(test="setosa", status=200, latency_ms=12.0, answer="[0]")]
    evidence.testify(world, config, delivery.environment, version, record, lambda: answers)
