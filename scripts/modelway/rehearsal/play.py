"""The play itself: train, release what serves before, let users in, release what you watch."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from modelway.core.config import Byoc, Environment, ModelConfig
from modelway.core.json import Json, JsonObject
from modelway.errors import Differs, Failure, Unavailable
from modelway.ports import HttpRequest
from modelway.rehearsal import artifact, derive, grounds, journal, look, prepare, table, tampering
from modelway.rehearsal.child import Client
from modelway.rehearsal.faults_catalogue import Fault
from modelway.rehearsal.journal import Entry
from modelway.rehearsal.launch import Cloud
from modelway.rehearsal.load import Load, Tally
from modelway.rehearsal.prepare import Draft
from modelway.rehearsal.tampers import Tampering
from modelway.rehearsal.venue import Venue, open_venue
from modelway.rehearsal.wish import Scene, Took

ADVISORIES = Path(__file__).with_name("advisories")
_NOTE = "A small set of advisories, made by hand for the rehearsal: not a verdict on this image."
LAPTOP = "999999999999"
"""The account the rehearsal's credentials are of."""
_SIGKILL = -9
_LATE = 100
"""Seconds ECR says that its scan is over and has no findings yet."""


@dataclass(slots=True, kw_only=True)
class Play:
    """One rehearsal between the cloud's start and its end."""

    scene: Scene
    client: Client
    cloud: Cloud
    config: ModelConfig
    tally: Tally = field(default_factory=lambda: Tally({}))
    archive: Path | None = None
    before: Path = Path()
    """The config of what serves before."""
    seed: int = 0
    calls: int = 0
    """AWS calls the release before made: the one you watch makes about as many."""

    @property
    def production(self) -> Environment:
        """The last environment: the one users ask."""
        return production(self.config)

    @property
    def venue(self) -> Venue:
        """Production, as its target is rehearsed."""
        return open_venue(self.config, self.production)

    def perform(self) -> int:
        """Everything up to the end of the release; its exit code."""
        fault = self.scene.wish.fault
        with self.scene.stage("base images and build secrets"):
            plain = prepare.draft(self.scene, self.client, self.scene.wish.config, self.config)
            watched = prepare.faulty(self.scene, plain, fault) if fault else plain
        if (login := self.scene.folders.work / "docker").exists():
            self.client = replace(
                self.client, environment={**self.client.environment, "DOCKER_CONFIG": str(login)}
            )
        with self.scene.timed("build and train the model"):
            plain, watched = self._trained(prepare.before(plain), watched)
        with self.scene.stage("accounts: roles, buckets, the model in S3"):
            self._accounts()
        with self.scene.timed("advisories"):
            self._advisories()
        if fault and fault.tampering:
            staging = self.production.promote_from or ""
            plain, watched = tampering.signed(self.scene, fault.tampering, plain, watched, staging=staging)
        begun = journal.last(self._log(0))
        self.before = prepare.write(self.scene, plain, "before")
        code = self._release(self.before, "release: what serves before")
        self.calls = journal.by_the_client(self._log(begun))
        if code != 0:
            return code
        return self._watched(prepare.write(self.scene, self._swapped(watched), "released"))

    def show(self, code: int) -> None:
        """What ran, what users got, what serves, and what to try next."""
        reporter, fault = self.scene.world.reporter, self.scene.wish.fault
        request = self._question()
        reporter.table("What ran", ("stage", "took", "outcome"), table.ran(self.scene.took))
        if self.tally.sent:
            rows = table.users(self.tally, self.venue.requests_by_version())
            title = f"Requests in {self.production.name} while it was released"
            reporter.table(title, ("who", "requests", "failed", "answers"), rows)
        environments = self.config.environments.values()
        places = [open_venue(self.config, each).serving(request) for each in environments]
        columns = ("environment", "version", "image", "status", "asked just now")
        reporter.table("What serves now", columns, table.serving(places))
        target = self.production.target
        reporter.note(table.verdict(fault, code, target))
        builds = isinstance(self.config.image, Byoc)
        for line in table.next_steps(str(self.scene.wish.config), fault, target, builds=builds):
            reporter.note(line)

    def _trained(self, before: Draft, watched: Draft) -> tuple[Draft, Draft]:
        """Both drafts with the archive trained here; prebuilt images and configs without weights stay."""
        if self.config.artifact is None:
            return before, watched
        archive = prepare.train(self.scene, self.client, before)
        self.archive = archive
        sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
        reporter = self.scene.world.reporter
        reporter.note(f"model.tar.gz: {archive.stat().st_size} bytes, sha256 {sha256}")
        watched = replace(watched, derived=derive.with_artifact(watched.derived, sha256))
        for said in watched.derived.said:
            reporter.note(f"on this machine, {said}")
        return replace(before, derived=derive.with_artifact(before.derived, sha256)), watched

    def _accounts(self) -> None:
        """What the config counts on and real accounts have."""
        grounds.make_roles(self.config, LAPTOP)
        grounds.make_buckets(self.config)
        if self.archive:
            grounds.upload(self.config, self.archive)
        for environment in self.config.environments.values():
            open_venue(self.config, environment).build(self.cloud.control)
        accounts = [self.config.registry.account, *(e.account for e in self.config.environments.values())]
        self.scene.world.reporter.note(f"accounts {', '.join(dict.fromkeys(accounts))}: separate, by roles")

    def _advisories(self) -> None:
        """Let the scanner have advisories that need no download."""
        today = f"{self.scene.world.clock.now():%Y-%m-%d}"
        code, _ = self.client.read("scan-db", "import", str(ADVISORIES), "--note", _NOTE, "--as-of", today)
        if code != 0:
            raise Unavailable("The rehearsal's advisories could not be imported", seen="See above.")

    def _swapped(self, watched: Draft) -> Draft:
        """For stale weights: a config that names an archive which is not the one in S3 any more."""
        fault = self.scene.wish.fault
        if not (fault and fault.stale and self.archive):
            return watched
        newer = self.scene.folders.work / "newer"
        artifact.unpack(self.archive, newer)
        (newer / "NOTES").write_text("the training the config means\n")
        sha256 = artifact.pack(newer, self.scene.folders.work / "newer.tar.gz")
        self.scene.world.reporter.note(
            f"the config names {sha256[:12]}...; what lies in S3 is something else"
        )
        return replace(watched, derived=watched.derived.put(("model_artifact", "sha256"), sha256, ""))

    def _watched(self, config: Path) -> int:
        """The release one watches, with users and with the fault."""
        fault = self.scene.wish.fault
        if fault:
            self._inject(fault)
            self.scene.world.reporter.warn(f"fault {fault.name}: {fault.happens}")
        with self._users():
            begun = journal.last(self._log(0))
            self._kill_some(config, fault.kills if fault else 0)
            pruned = fault is not None and self._tampered(config, fault)
            code = (self._promotion if pruned else self._release)(config, "release: the one you watch")
        self._check(self._log(begun))
        return code

    def _inject(self, fault: Fault) -> None:
        """Ask the cloud for what the fault needs of it."""
        if fault.never_ready:
            for name, payload in self.venue.unhealthy:
                self.cloud.control(name, payload)
        if fault.throttles:
            services = ("ecr", "s3", "sts", *self.venue.services)
            rules: Json = [_throttle(service) for service in services]
            self.cloud.control("faults", {"rules": rules})
        if fault.late_scan:
            spec = self.config.registry
            late: JsonObject = {"account": spec.account, "region": spec.region, "scan_type": "ENHANCED"}
            self.cloud.control("ecr-scan", {**late, "empty": _LATE})
        if fault.capacity_short and (shortage := self.venue.shortage()):
            self.cloud.control(shortage.control, shortage.payload)

    def _tampered(self, config: Path, fault: Fault) -> bool:
        """Let the attacker in; whether the image was deleted, so that only the last step is left to watch."""
        attack = tampering.Attack(
            scene=self.scene, client=self.client, config=self.config, before=self.before
        )
        match fault.tampering:
            case Tampering.MOVED:
                attack.move(config)
            case Tampering.PRUNED:
                attack.prune(config, self.production.promote_from or "")
                return True
            case _:
                pass
        return False

    def _check(self, log: Sequence[Entry]) -> None:
        """Say which faults were met; raise ``Differs`` where a killed client did something twice."""
        fault = self.scene.wish.fault
        for said in () if fault and fault.kills else journal.faults(log):
            self.scene.world.reporter.note(said)
        doubled = journal.twice(log) if fault and fault.kills else ()
        if doubled:
            raise Differs(
                "A killed release did something twice", seen="\n".join(doubled), cure="report this."
            )

    @contextmanager
    def _users(self) -> Iterator[None]:
        """Requests to production from beginning to end."""
        venue, begun = self.venue, journal.last(self._log(0))

        def changing() -> bool:
            return any(venue.moves(entry) for entry in self._log(begun))

        load = Load(venue.users(), self._question(), changing)
        with load:
            try:
                yield
            finally:
                self.tally = load.tally

    def _log(self, after: int) -> tuple[Entry, ...]:
        """AWS calls after this one; asking is no AWS call itself."""
        return journal.entries(self.cloud.control(f"calls?after={after}"))

    def _kill_some(self, config: Path, times: int) -> None:
        """Releases that are killed at random calls, the same ones for the same seed."""
        dice = random.Random(self.seed)  # noqa: S311 - not a secret
        if times:
            self.scene.world.reporter.note(f"the same calls again: --seed {self.seed}")
        for _ in range(times):
            kind = dice.choice(("kill_before", "kill_after"))
            if not self._killed(config, dice.randint(1, max(1, self.calls)), kind):
                return

    def _killed(self, config: Path, call: int, kind: str) -> bool:
        """Run a release that is killed at a call; whether it came that far."""
        rule: JsonObject = {"kind": kind, "principal": journal.ANY_BUT_THE_REHEARSAL, "from": call}
        self.cloud.control("faults", {"rules": [rule]})
        when = "before" if kind == "kill_before" else "after"
        begun = journal.last(self._log(0))
        code = self._release(config, f"release: killed at its call {call}, {when} that took effect")
        self.cloud.control("faults", {"rules": []})
        for said in journal.faults(self._log(begun)):
            self.scene.world.reporter.note(said)
        return code == _SIGKILL

    def _release(self, config: Path, title: str) -> int:
        """Run a release as a process of its own; its stages are ours."""
        reporter = self.scene.world.reporter
        reporter.note("")
        reporter.note(f"--- {title}: scripts/run release {config} --yes-production")
        with self.scene.timed(title):
            code, said = self.client.read("release", str(config), "--yes-production", "--format", "json")
        self.scene.took[-1] = replace(self.scene.took[-1], outcome=_ending(code))
        inner = [Took(stage=f"{table.INNER}{n}", seconds=s, outcome=r) for n, s, r in look.stages(said)]
        self.scene.took.extend(inner)
        return code

    def _promotion(self, config: Path, title: str) -> int:
        """Run the last step of a release alone."""
        name = self.production.name
        self.scene.world.reporter.note(f"--- {title}: scripts/run promote {config} -e {name}")
        with self.scene.timed(title):
            code, _ = self.client.read("promote", str(config), "-e", name)
        self.scene.took[-1] = replace(self.scene.took[-1], outcome=_ending(code))
        return code

    def _question(self) -> HttpRequest:
        root = self.scene.world.run.root
        files = [t.body_file for t in self.config.contract_tests if t.body_file]
        return look.question(self.config, {name: (root / name).read_bytes() for name in files})


def production(config: ModelConfig) -> Environment:
    """The last environment: the one users ask."""
    return list(config.environments.values())[-1]


def _throttle(service: str) -> JsonObject:
    """Three calls in a row of every kind of call a release makes, refused; users' are let through."""
    principal = journal.ANY_BUT_THE_REHEARSAL
    return {"kind": "throttle", "service": service, "principal": principal, "from": 2, "to": 4}


def _ending(code: int) -> str:
    """How a release ended, in words."""
    if code == _SIGKILL:
        return "killed"
    endings = {kind.exit_code: kind.ending() for kind in Failure.__subclasses__()}
    return "done" if code == 0 else f"exit {code}, {endings.get(code, 'failed')}"
