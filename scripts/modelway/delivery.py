"""One model in one environment: may it go there, what would happen, and doing it.

What ``gate``, ``plan``, ``deploy``, ``promote``, ``rollback`` and ``release`` have in common.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from modelway import contract_tests, evidence, scan_outcome, serving
from modelway.contract_tests import Contract
from modelway.core import duration, promotion, rollout
from modelway.core.access import glass_environment, reading
from modelway.core.approval import approval
from modelway.core.config import Environment, ModelConfig
from modelway.core.image import Image
from modelway.core.passage import Passage
from modelway.core.plan import FULL, Goal, Standing, State, Waypoint, plan, plan_back, standing
from modelway.core.planfile import PlanFile
from modelway.core.refusals import refuse
from modelway.core.steps import Shift, Step
from modelway.core.suitable import Runs
from modelway.core.verdict import Answered
from modelway.core.version import Version, VersionId
from modelway.core.words import describe
from modelway.engine import Engine
from modelway.entering import Visitor
from modelway.errors import Differs, Failure, Malformed, NotAllowed
from modelway.gate import Gate
from modelway.ports import Target, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a release is carried out, as far as the person who starts it may choose."""

    approved: PlanFile | None = None
    """Do only what this plan lists."""
    retry: bool = False
    """Open another attempt of a version that failed."""
    release: str = ""
    """The release's name; empty means the commit."""
    hotfix: bool = False
    """Go out although a higher semantic version was attempted here."""
    patience: float | None = None
    """Seconds to watch a change before leaving it to the next run."""
    go_on: bool = False
    """Go on where a person was waited for."""
    skip_bake: bool = False
    """Watch and compare nothing on the way."""
    glass: str = ""
    """Why the gate's policy is passed over, by whoever may break the glass; empty leaves it whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One model's way into one environment."""

    world: World
    config: ModelConfig
    environment: Environment
    contract: Contract
    target: Target
    heard: list[Answered] = field(default_factory=list)
    """What the version answered when it was asked last."""

    @classmethod
    def open(cls, world: World, config: ModelConfig, environment: str) -> Self:
        """Choose an environment of a config; raises ``Malformed`` for one it does not have."""
        if environment not in config.environments:
            known = ", ".join(config.environments)
            what = f"{config.name} has no environment {environment!r}"
            raise Malformed(what, seen=f"It has: {known}.", cure=f"Use --environment with one of: {known}")
        chosen = config.environments[environment]
        return cls(
            world=world,
            config=config,
            environment=chosen,
            contract=contract_tests.read(config, world.run.root),
            target=world.target(config, chosen),
        )

    def version(self, image: Image) -> Version:
        """The version this environment would run of an image."""
        return Version(image=image, settings=self.environment.settings, artifact=self.config.artifact)

    # --- may it go there? ---

    def gate(self, image: Image, *, deploying: bool = False, glass: str = "") -> Passage:
        """Read the evidence and say what allows the version in; raises what forbids it.

        Where the glass is broken, what the policy forbids is told in the passage instead.
        """
        target = self.target
        return Gate(
            world=self.world,
            config=self.config,
            place=self.environment,
            version=self.version(image),
            contract=self.contract.hash,
            runs=Runs(media_types=target.media_types, platform=self.config.image.platform, most=target.most),
            passed=lambda: self._judge_promotion(image),
            deploying=deploying,
            glass=glass_environment(self.environment.name) if glass else "",
        ).ask()

    def _judge_promotion(self, image: Image) -> str:
        """What the environment before this one remembers."""
        source = self.environment.promote_from
        if source is None:
            return f"{self.environment.name} is the first environment"
        before = Delivery.open(self.world, reading(self.config), source)
        state = before.target.observe(None)
        verdict = promotion.judge(self.version(image), self.contract.hash, source, state)
        if not verdict.ok:
            raise NotAllowed(verdict.reason, cure=verdict.cure)
        return verdict.reason

    # --- what would happen? ---

    def settled(self, patience: float | None = None) -> State:
        """What is there once no change is under way; ``Unfinished`` when patience ends before."""
        return self.engine(patience=patience).settled()

    def goal(
        self,
        version: VersionId,
        *,
        retry: int = 0,
        release: str = "",
        hotfix: bool = False,
        go_on: bool = False,
    ) -> Goal:
        """What a release wants of this environment."""
        return Goal(
            version=version,
            contract=self.contract.hash,
            waypoints=self._waypoints(),
            early=self.target.early,
            capacity=self.target.capacity,
            keep=self.environment.keep_versions,
            retry=retry,
            release=release,
            hotfix=hotfix,
            go_on=go_on,
        )

    def _waypoints(self) -> tuple[Waypoint, ...]:
        """The shares to reach: the last one only where the platform walks the others by itself."""
        if self.target.walks:
            return (Waypoint(percent=FULL),)
        return rollout.waypoints(self.environment.rollout, beside=self.target.beside)

    def planned(self, image: Image, *, retry: bool) -> PlanFile:
        """The steps from what is to a release of the image, and the way back; raises what forbids it."""
        version = self.version(image)
        state = self.target.observe(version)
        goal = self.goal(version.id, retry=_attempts(state, version.id) if retry else 0)
        refuse(goal, state)
        steps, back = plan(goal, state), plan_back(goal, state)
        return PlanFile(
            model=self.config.name,
            environment=self.environment.name,
            account=self.environment.account,
            region=self.environment.region,
            image=str(image),
            version=version.id,
            artifact=str(self.config.artifact.sha256) if self.config.artifact else None,
            steps=steps,
            back=back if steps else (),
            notes=self._notes(state, steps, back),
        )

    def _notes(self, state: State, steps: Collection[Step], back: Collection[Step]) -> tuple[str, ...]:
        """What the person who approves should know beside the steps."""
        loud = [f"version {one.id}: {one.glass.words}" for one in state.records.values() if one.glass]
        if not steps:
            return tuple(loud)
        nothing = "The config has no contract tests: nothing is asked of the version."
        asked = [] if self.contract.tests else [nothing]
        if self.contract.tests and not (self.target.early or self.target.beside):
            asked.append(f"On {self.environment.target} a version can be asked only once it has traffic.")
        obstacles = [f"{obstacle.what}: {obstacle.cure}" for obstacle in state.obstacles]
        return (*loud, *obstacles, *asked, *self._way(steps, back))

    def _way(self, steps: Collection[Step], back: Collection[Step]) -> Iterator[str]:
        """How the traffic moves, how long that is watched, and what undoing it takes."""
        if any(isinstance(step, Shift) for step in steps):
            way = self.environment.rollout
            watched = duration.words(rollout.longest(way))
            starting = f"beside what {self.environment.target} takes to move the traffic"
            yield f"{rollout.words(way)}. Watched {watched} at the most, {starting}."
        if back:
            yield f"The way back: {self.target.returning}"
        else:
            yield "There is no way back: no other version has passed here."

    # --- doing it ---

    def deploy(self, image: Image, how: Manner = Manner()) -> State:
        """Gate, plan, the approved steps, and the way back if the version turns out sick."""
        if how.skip_bake:
            return self._without_bake().deploy(image, replace(how, skip_bake=False))
        version = self.version(image)
        since = serving.compare(self.world, self.config, self.environment, self.target, image)
        scan_outcome.show_since(self.world.reporter, since)
        passage = self._passed(image, how)
        state = self.settled(how.patience)
        goal = self.goal(
            version.id,
            retry=_attempts(state, version.id) if how.retry else 0,
            release=how.release,
            hotfix=how.hotfix,
            go_on=how.go_on,
        )
        approved = how.approved
        allowed = self._approval(approved, version.id) if approved else self._own_approval(version, goal)
        self._leave_word(version, passage, state, how)
        glass = how.glass if passage.broken else ""
        engine = self.engine(release=how.release, patience=how.patience, glass=glass)
        end = engine.deploy(version, goal, allowed)
        self._testify(version, end, how.release)
        self._say_end(version)
        return end

    def _passed(self, image: Image, how: Manner) -> Passage:
        """The way through the gate, told step by step; a glass that nothing stood behind stays whole."""
        try:
            passage = self.gate(image, deploying=True, glass=how.glass)
        except Failure:
            begun = "" if how.glass else self._begun(self.version(image).id)
            if not begun:
                raise
            passage = self.gate(image, deploying=True, glass=begun)
            self.world.reporter.warn(f"BREAK-GLASS: what was begun is seen through: {begun}")
        for number, reason in enumerate(passage.reasons, 1):
            self.world.reporter.note(f"gate {number}/{len(passage.steps)} {reason}")
        if how.glass and not passage.broken:
            self.world.reporter.note("Nothing stood in the way: no glass is broken.")
        return passage

    def _begun(self, version: VersionId) -> str:
        """Why the glass was broken for the release under way, which the platform carries out by itself."""
        state = self.target.observe(None)
        record = state.records.get(version)
        open_ = record is not None and standing(version, state) is Standing.OPEN
        return record.glass.reason if record and record.glass and open_ else ""

    def _leave_word(self, version: Version, passage: Passage, before: State, how: Manner) -> None:
        """What the gate said, on the image; nothing where the version serves and passed already."""
        record = before.records.get(version.id)
        seen_through = passage.broken and not how.glass
        if seen_through or (before.serving == version.id and record and record.passed):
            return
        Visitor(
            world=self.world,
            config=self.config,
            place=self.environment,
            version=version,
            contract=self.contract.hash,
            release=how.release,
        ).leave_word(passage, how.glass)

    def _without_bake(self) -> Self:
        """The same way with nothing watched; raises ``NotAllowed`` where the platform watches already."""
        place = self.environment
        if self.target.walks and not self.target.observe(None).settled:
            what = f"{place.target} keeps the clock of the change under way in {place.name}: its bake goes on"
            cure = "Wait for its end, or give --skip-bake when a release begins. To stop it: deploy --abort"
            raise NotAllowed(what, cure=cure)
        place = replace(place, rollout=rollout.without_bake(place.rollout))
        config = replace(self.config, environments={**self.config.environments, place.name: place})
        return type(self).open(self.world, config, place.name)

    def _testify(self, version: Version, end: State, release: str) -> None:
        """Attach the environment's verdict; the version is asked again where another process had asked."""
        record = end.records.get(version.id)
        if record is None or record.passed is None:
            return

        def answers() -> Sequence[Answered]:
            if not self.heard:
                self.verify(version.id, FULL)
            return self.heard

        named = record if record.release else replace(record, release=release)
        evidence.testify(self.world, self.config, self.environment, version, named, answers)

    def _approval(self, approved: PlanFile, version: VersionId) -> frozenset[Step]:
        """The steps of a plan file, if it is about this version in this environment."""
        here = (self.config.name, self.environment.name, self.environment.account, self.environment.region)
        there = (approved.model, approved.environment, approved.account, approved.region)
        if here != there or approved.version != version:
            told = f"The plan: {approved.version} of {' '.join(there)}. Here: {version} of {' '.join(here)}."
            cure = "Plan again: scripts/run plan CONFIG --environment NAME --out FILE"
            raise Differs("the plan is about something else", seen=told, cure=cure)
        return approved.approved

    def _own_approval(self, version: Version, goal: Goal) -> frozenset[Step]:
        """Without a plan file, what is planned now is what is allowed."""
        return approval(goal, self.target.observe(version))

    def engine(self, *, release: str = "", patience: float | None = None, glass: str = "") -> Engine:
        """The engine for this environment."""
        return Engine(
            target=self.target,
            clock=self.world.clock,
            verify=self.verify,
            say=self.world.reporter.progress,
            release=release or self.world.run.revision,
            patience=patience,
            glass=glass,
        )

    def verify(self, version: VersionId, percent: int) -> None:
        """Ask the contract tests of a version where it runs."""
        when = "before it has traffic" if percent == 0 else f"with {percent} % of the traffic"
        self.heard[:] = self.contract.verify(
            lambda request: self.target.invoke(request, version),
            f"version {version} in {self.environment.name}, {when},",
        )

    def _say_end(self, version: Version) -> None:
        """The result, for people and for later steps."""
        report = self.world.reporter
        report.note(f"{self.environment.name} serves version {version.id} ({version.image.digest})")
        report.output("version", version.id)
        report.output("image", str(version.image))
        report.output("environment", self.environment.name)


def words(plan_: PlanFile) -> str:
    """A plan as people read it."""
    title = f"{plan_.model} in {plan_.environment}: version {plan_.version} of {plan_.image}"
    notes = [f"note: {note}" for note in plan_.notes]
    if not plan_.steps:
        return "\n".join([title, "  nothing to do: it serves, and it passed", *notes])
    lines = [title, *(f"  {n}. {describe(step)}" for n, step in enumerate(plan_.steps, 1))]
    if plan_.back:
        lines += ["if it turns out sick, the way back:", *(f"  - {describe(step)}" for step in plan_.back)]
    return "\n".join([*lines, *notes])


def _attempts(state: State, version: VersionId) -> int:
    """How many attempts the version has had."""
    record = state.records.get(version)
    failed = record.failed if record else None
    return max(record.attempts if record else 0, failed.attempt if failed else 0, 1)
