"""What is left on an image when a version goes into an environment: why it may, or that the glass was broken.

Written before anything is changed, signed by the environment, and said once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelway import evidence
from modelway.core import summary
from modelway.core.access import glass_environment, testifying
from modelway.core.admission import Author
from modelway.core.config import Environment, ModelConfig
from modelway.core.decode import Wrong
from modelway.core.evidence import BREAK_GLASS, SUMMARY
from modelway.core.json import Json, JsonObject
from modelway.core.passage import Passage
from modelway.core.statement import Statement
from modelway.core.summary import BrokenGlass, Entry, Summary, broken_of, policy_hash, summary_of
from modelway.core.version import Version
from modelway.ports import World

_DAY = len("2026-01-01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A version before the gate of an environment."""

    world: World
    config: ModelConfig
    place: Environment
    version: Version
    contract: str
    release: str = ""

    def leave_word(self, passage: Passage, reason: str) -> None:
        """The gate's summary; or, where it was broken, who broke it and why, for everybody to see."""
        if passage.broken:
            self._break(passage, reason)
        else:
            self._summarise(passage)

    def _summarise(self, passage: Passage) -> None:
        """SLSA's verification summary; one a day is enough for the same version under the same rules."""
        policy = self.world.rules(self.config).rules.policy(self.place.name)
        run, config = self.world.run, self.config
        source = f"git+{run.source}@{run.revision}#{config.path}" if run.source else ""
        entry = self._entry(passage)
        told = Summary(
            entry=entry,
            image=str(self.version.image),
            policy=policy_hash(policy, self.contract, _keys(config)),
            source=source,
            inputs=passage.inputs,
            level=summary.VERIFIED if config.evidence.verify_with else summary.UNVERIFIED,
        )

        def same(predicate: JsonObject) -> bool:
            known = summary_of(predicate)
            about = (*_about(known.entry), known.policy)
            return about == (*_about(entry), told.policy)

        self._say(SUMMARY, told.predicate(), "the gate's summary", same)

    def _break(self, passage: Passage, reason: str) -> None:
        """Who did it, why, and what the gate had refused; another run or person is told beside the first."""
        place, world = self.place, self.world
        entry = self._entry(passage)
        rows = [(str(one.step), one.reason) for one in passage.broken]
        world.reporter.warn(
            f"BREAK-GLASS: {self.config.name} goes to {place.name} although its gate refuses version"
            f" {self.version.id} ({', '.join(step for step, _ in rows)}): {reason}"
        )
        world.reporter.table(f"BREAK-GLASS in {place.name}: {reason}", ("step", "refused"), rows)
        told = BrokenGlass(
            entry=entry,
            reason=reason,
            role=world.acting(self.config, place),
            approval=evidence.approval(world, glass_environment(place.name)),
        )

        def same(predicate: JsonObject) -> bool:
            known = broken_of(predicate)
            run = (known.approval.run if known.approval else "", told.approval.run if told.approval else "")
            about = (*_about(known.entry), known.entry.steps, known.reason, known.role, run[0])
            return about == (*_about(entry), entry.steps, reason, told.role, run[1])

        self._say(BREAK_GLASS, told.predicate(), "that the glass was broken", same)

    def _entry(self, passage: Passage) -> Entry:
        artifact = self.version.artifact
        return Entry(
            model=self.config.name,
            environment=self.place.name,
            version=self.version.id,
            artifact=str(artifact.sha256) if artifact else None,
            contract=self.contract,
            at=self.world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            release=self.release or self.world.run.revision,
            steps=summary.told(passage),
        )

    def _say(self, kind: str, predicate: JsonObject, words: str, same: Callable[[JsonObject], bool]) -> None:
        """Attach it, unless this environment has said the same before."""
        world, place, image = self.world, self.place, self.version.image.digest
        registry, keys = (
            world.registry(testifying(self.config)),
            world.keys(evidence.only(self.config, self.place.name)),
        )
        author = Author(name=place.name, keys=evidence.names(place.evidence))
        for one in evidence.witnessed(keys, image, registry.attached(image, *evidence.TYPES)):
            if one.statement.predicate_type == kind and author.said(one):
                try:
                    if same(one.statement.predicate):
                        return
                except Wrong:
                    continue  # another verifier's
        statement = Statement(subject=image, predicate_type=kind, predicate=predicate)
        signed = evidence.attach(registry, keys, world.clock, place.name, statement)
        world.reporter.note(f"attached {words} to the image, {evidence.how(signed=signed)}")


def _about(entry: Entry) -> tuple[str, ...]:
    """What makes two entries one: what entered where, and the day."""
    return (entry.model, entry.environment, entry.version, entry.at[:_DAY])


def _keys(config: ModelConfig) -> Json:
    """Whose signatures count for what."""
    places = {name: list(evidence.names(place.evidence)) for name, place in config.environments.items()}
    return {"build": list(evidence.names(config.evidence)), "environments": places}
