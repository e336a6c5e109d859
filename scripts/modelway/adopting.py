"""Taking over what somebody else made: it becomes a version, without a change to it.

The version is staged beside it, as any other would be, and a mark on it says what it is called there. So it
is the first way back once a release of ours replaces it. Nothing is done to what serves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modelway.core.adoption import Found, Site, differences
from modelway.core.record import Adopted, Attempt, Passed
from modelway.core.version import Version
from modelway.delivery import Delivery
from modelway.errors import Differs, Malformed, NotAllowed, Unfinished

NAME = "adopted"
"""What the release of an adopted version is called."""
_FULL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """One environment, and what serves in it."""

    delivery: Delivery
    found: Found

    @property
    def version(self) -> Version:
        """What serves, as a version; its image where it lies now, which it can certainly be pulled from."""
        return self.delivery.version(self.found.image)

    def steps(self) -> tuple[str, ...]:
        """What would be written, for people; none where it is adopted already.

        Raises ``Differs`` where the config does not describe what serves.
        """
        version, place = self.version, self.delivery.environment
        unlike = [*differences(self.found, place.settings, self.delivery.config.artifact)]
        if unlike:
            what = f"the config does not describe what serves in {place.name}"
            cure = "Write down what serves, adopt it, and change it by a release after that."
            raise Differs(what, seen="\n".join(unlike), cure=cure)
        state = self.delivery.target.observe(version)
        if not state.settled:
            raise Unfinished(f"a change is under way in {place.name}", cure="Adopt it when that is over.")
        record = state.records.get(version.id)
        if state.serving == version.id and record and record.passed:
            return ()
        if state.serving and state.serving != version.id:
            what = f"{place.name} serves version {state.serving}, which modelway made"
            raise NotAllowed(what, cure="There is nothing to adopt.")
        if not (state.foreign or state.serving):
            raise Malformed(
                f"nothing serves in {place.name}", cure="Release the model: there is nothing to adopt."
            )
        return (*(need.words for need in state.needs), *self._writing(version))

    def _writing(self, version: Version) -> Iterator[str]:
        """What would be made and noted."""
        target, name = self.delivery.target, self.found.name
        whole, words = target.recognise(version.id, name), target.words(version.id)
        if not whole:
            yield f"make {words}, which says what {name} is and serves nothing"
        yield f"ask the contract tests ({len(self.delivery.contract.tests)}) of what serves"
        noted = f"that {name} is version {version.id}" if whole else f"on {words} that it is {name}"
        yield f"note {noted}, and that it passed"

    def carry_out(self) -> None:
        """Write the records; each can be written twice."""
        delivery, version = self.delivery, self.version
        target, clock = delivery.target, delivery.world.clock
        state = target.observe(version)
        whole = target.recognise(version.id, self.found.name)
        for need in state.needs:
            target.prepare(need.id, version)
        if not whole:
            target.stage(version, release=NAME)
        delivery.verify(version.id, _FULL)
        now = clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        target.record(version.id, Attempt(number=1, at=now, pointer=state.modified))
        target.record(version.id, Passed(contract=delivery.contract.hash, attempt=1, at=now))
        target.record(version.id, Adopted(name=self.found.name))


def site(delivery: Delivery, name: str, role: str | None) -> Site:
    """Where an environment's own thing is, and the role to look with."""
    place = delivery.environment
    return Site(
        target=place.target,
        account=place.account,
        region=place.region,
        name=name,
        role=role or place.deploy_role,
        cluster=str(place.settings.get("cluster", "")),
    )
