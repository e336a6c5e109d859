"""Where sweeps happen: one cloud, one way of calling it, and models that are released there over and over."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import json
import re
import tarfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from modelway.adapters.clock import RealClock
from modelway.core.config import (
    ContractTest,
    Environment,
    Expect,
    RegistrySpec,
    Rollout,
)
from modelway.core.image import Digest, Image
from modelway.core.json import Json, JsonObject
from modelway.core.plan import State
from modelway.core.scan_spec import ScanSpec
from modelway.core.version import Artifact, Version
from modelway.delivery import Delivery, Manner
from modelway.errors import Failure
from modelway.ports import Run, World
from modelway.rehearsal import launch
from modelway.rehearsal.launch import Cloud
from modelway.wiring import Doors
from tests.configs import model_config
from tests.fakes import FakeReporter
from tests.rehearsal.clients import PRODUCTION, REGION, REGISTRY, STAGING, Clients
from tests.rehearsal.images import Pusher, image
from tests.sweeps.wire import LASTING, Killed, Mishap, Place, Wire, WiredAccounts

FACTOR = 600.0
"""Seconds that pass in a wait for one on the wall."""
REPOSITORY = "ml/sweep"
WEIGHTS = "sweep-weights"
"""Buckets of the archives the configs name begin so; the account follows."""
_PLAINLY = Manner(go_on=True)
KEPT = 1
"""Passed versions kept beside the one that serves: each release deletes the one before the last."""
_ANSWERED = {
    Mishap.THROTTLED: "throttle",
    Mishap.THROTTLED_ON: "throttle",
    Mishap.ERROR: "http500",
    Mishap.ERROR_ON: "http500",
}
"""What the rehearsal is asked to answer."""
_numbers = itertools.count(1)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.:+Z]*")


@dataclass(frozen=True, slots=True)
class Ground:
    """A cloud and a world that talks to it."""

    cloud: Cloud
    wire: Wire
    world: World
    clients: Clients
    accounts: WiredAccounts
    push: Callable[[str], Image]
    """Put an image with this text in it into the registry, which both accounts may pull."""

    def expect(self, mishap: Mishap | None, number: int = 1, *, operation: str = "") -> None:
        """From now on calls are counted anew, and the n-th meets the mishap; ``None`` ends all of it.

        With an ``operation``, as ``UpdateEndpoint``, only its calls count: for what happens to the client.
        """
        last = 10**9 if mishap in LASTING else number
        self.wire.expect(mishap, number, last, operation=operation)
        answered = _ANSWERED.get(mishap) if mishap else None
        rule = {"kind": answered, "from": number, "to": None if mishap in LASTING else number}
        if answered or self.cloud.control("faults"):
            self.cloud.control("faults", {"rules": [rule] if answered else []})

    def expect_each(self, mishap: Mishap, places: Sequence[Place]) -> None:
        """From now on calls are counted anew, and each of these meets the mishap."""
        self.expect(None)
        self.wire.expect_each(mishap, places)
        if kind := _ANSWERED.get(mishap):
            rules: list[Json] = [{"kind": kind, "operation": name, "from": n, "to": n} for name, n in places]
            self.cloud.control("faults", {"rules": rules})

    def met(self) -> bool:
        """Whether each of these did meet it."""
        if self.wire.mishap not in _ANSWERED:
            return self.wire.met == self.wire.places
        told = self.cloud.control("faults")
        counts = {(one["operation"], at) for one in _rows(told) for at in range(int(str(one["matched"])) + 1)}
        return self.wire.places <= counts

    def fail_from(self, mishap: Mishap, operation: str, *, after: Sequence[str]) -> Callable[[], bool]:
        """Once these calls were sent, all fail from the next of the operation on; whether that came."""

        def act() -> None:
            rules: list[Json] = [{"kind": _ANSWERED[mishap], "from": 1, "to": None}]
            self.cloud.control("faults", {"rules": rules})

        self.meanwhile(act, operation=operation)
        self.wire.awaited = [*after]
        return lambda: self.wire.meanwhile is None

    def meanwhile(self, act: Callable[[], None], *, operation: str, number: int = 1) -> None:
        """Right before the n-th call of the operation, somebody else does something; nothing else happens."""
        self.expect(None, number, operation=operation)
        self.wire.meanwhile = act

    def weights(self, account: str, number: int) -> Artifact:
        """An archive of its own for each release, put where the config says."""
        content = _archive(f"weights {number}")
        sha, bucket = hashlib.sha256(content).hexdigest(), f"{WEIGHTS}-{account}"
        self.clients.s3(account).put_object(Bucket=bucket, Key=f"{sha}.tar.gz", Body=content)
        return Artifact(uri=f"s3://{bucket}/{sha}.tar.gz", sha256=Digest.parse(f"sha256:{sha}"))


class Site(Protocol):
    """A target, as far as a sweep has to know it."""

    name: str
    """As the config's ``target``."""
    account: str

    def environment(
        self, ground: Ground, model: str, rollout: Rollout, settings: Mapping[str, str]
    ) -> Environment:
        """Production there; ``settings`` are the container's variables, which no two versions have alike."""

    def resources(self, ground: Ground, model: str) -> Mapping[str, object]:
        """All there is of a model, as AWS tells it."""


@dataclass
class Model:
    """One model, its releases so far, and what comes of them."""

    ground: Ground
    site: Site
    rollout: Rollout
    name: str = field(default_factory=lambda: f"sweep-{next(_numbers)}")
    number: int = 0
    delivery: Delivery | None = None
    image: Image | None = None
    before: tuple[Version, ...] = ()
    """The versions released, the newest last."""

    def next(self, behaviour: str = "", **changes: object) -> Version:
        """Another version to release: an image, weights and settings unlike those before."""
        self.number += 1
        variables = {"RELEASE": str(self.number), "BEHAVIOUR": behaviour}
        place = self.site.environment(self.ground, self.name, self.rollout, variables)
        config = model_config(
            name=self.name,
            environments={place.name: place},
            artifact=self.ground.weights(self.site.account, self.number),
            registry=RegistrySpec(account=REGISTRY, region=REGION, repository=REPOSITORY),
            scan=ScanSpec(scanners=(), said=frozenset({"scanners"})),
            contract_tests=(ContractTest(name="zero", body="[1]", expect=Expect(json=[0], has_json=True)),),
        )
        config = replace(config, **changes)  # type: ignore[arg-type] # the caller names fields, as with replace
        self.delivery = Delivery.open(self.ground.world, config, place.name)
        self.image = self.ground.push(f"{self.name} {self.number}")
        version = self.delivery.version(self.image)
        self.before = (*self.before, version)
        return version

    def start(self, how: Manner = _PLAINLY) -> str:
        """Begin or go on with the release in a process of its own; its exit, ``0`` for success."""
        assert self.delivery
        assert self.image
        self.ground.accounts.forget()
        fresh = Delivery.open(self.ground.world, self.delivery.config, self.delivery.environment.name)
        try:
            fresh.deploy(self.image, how)
        except Killed:
            return "killed"
        except Failure as failure:
            self.said = str(failure)
            return str(failure.exit_code)
        except Exception:  # noqa: BLE001 - as ``__main__``, for whom this is a fault of modelway
            self.said = traceback.format_exc()
            return str(Failure.exit_code)
        return "0"

    said: str = ""
    """What the last failure had to say."""

    def state(self) -> State:
        """What the target sees, the mishaps over."""
        self.ground.expect(None)
        assert self.delivery
        return self.delivery.target.observe(None)

    def end(self) -> str:
        """All there is now, names and times made comparable with those of another release."""
        told = dict(self.site.resources(self.ground, self.name))
        if isinstance(copies := told.get("artifacts"), int):
            told["artifacts"] = copies - self.number  # one a release, kept for good
        text = json.dumps(told, default=str)
        names = ["NEW", "OLD", *(f"OLDER-{n}" for n in range(1, len(self.before)))]
        for name, version in zip(names, reversed(self.before), strict=False):
            text = text.replace(version.id, name).replace(str(version.image.digest), f"image of {name}")
            if version.artifact:
                text = text.replace(version.artifact.sha256.hex, f"weights of {name}")
        alike = json.loads(_TIME.sub("TIME", text.replace(self.name, "MODEL")))
        return json.dumps(_sorted(alike), sort_keys=True, indent=1)


def _rows(told: Json) -> list[JsonObject]:
    return [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []


def _sorted(value: Json) -> Json:
    """Lists in an order that does not depend on when things were made."""
    if isinstance(value, Mapping):
        return {name: _sorted(item) for name, item in value.items()}
    if isinstance(value, list):
        return sorted((_sorted(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


@contextmanager
def open_ground(folder: Path, clock: RealClock | None = None) -> Iterator[Ground]:
    """Start a cloud and prepare what every release there needs."""
    clock = clock or RealClock(FACTOR)
    program = (str(Path(__file__).with_name("cloud.py")),)
    with launch.start(folder, clock_factor=clock.factor, program=program) as cloud:
        clients = Clients(cloud)
        push = _registry(clients)
        for account in (STAGING, PRODUCTION):
            for bucket in (f"{WEIGHTS}-{account}", f"modelway-{account}-{REGION}"):
                clients.s3(account).create_bucket(
                    Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
                )
        wire = Wire()
        accounts = WiredAccounts(wire, RealClock(10 * clock.factor))  # nobody else is refused meanwhile
        yield Ground(cloud, wire, _world(folder, accounts, clock), clients, accounts, push)


def _registry(clients: Clients) -> Callable[[str], Image]:
    """Make the repository; how an image is put into it."""
    ecr = clients.ecr()
    uri = ecr.create_repository(repositoryName=REPOSITORY)["repository"]["repositoryUri"]
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
    whom = {"AWS": [f"arn:aws:iam::{account}:root" for account in (STAGING, PRODUCTION)]}
    allow = {"Effect": "Allow", "Principal": whom, "Action": pull}
    functions = {"StringLike": {"aws:SourceArn": f"arn:aws:lambda:*:{PRODUCTION}:function:*"}}
    service = {"Principal": {"Service": "lambda.amazonaws.com"}, "Condition": functions}
    policy = {"Version": "2012-10-17", "Statement": [allow, {"Effect": "Allow", "Action": pull, **service}]}
    ecr.set_repository_policy(repositoryName=REPOSITORY, policyText=json.dumps(policy))
    from tests.rehearsal.logins import login

    pusher = Pusher(uri, login(ecr))

    def push(text: str) -> Image:
        return Image(uri, Digest.parse(pusher.push(image(text), text.replace(" ", "-"))))

    return push


def _world(folder: Path, accounts: WiredAccounts, clock: RealClock) -> World:
    """The real adapters, their AWS calls counted."""
    run = Run(root=folder, workspace=folder / ".modelway", revision="r1")
    reporter = FakeReporter()
    doors = Doors(reporter, clock, run)
    doors.accounts = accounts

    def unneeded(*_: object) -> None:
        raise AssertionError

    return World(
        reporter=reporter,
        clock=clock,
        run=run,
        configs=unneeded,  # type: ignore[arg-type] # deliveries are opened with their configs
        builder=doors.builder,
        containers=doors.containers,
        registry=doors.registry,
        artifacts=doors.artifacts,
        target=doors.target,
        scanner=doors.scanner,
        advisories=doors.advisories,
        history=doors.history,
        permissions=doors.permissions,
        keys=doors.keys,
    )


def _archive(text: str) -> bytes:
    """A model artifact of one file."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        entry = tarfile.TarInfo("weights.txt")
        entry.size = len(text.encode())
        tar.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(raw.getvalue(), mtime=0)
