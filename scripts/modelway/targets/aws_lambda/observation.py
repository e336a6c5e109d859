"""What an environment looks like, in the planner's terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from modelway.core.config import Environment, RolloutStrategy
from modelway.core.naming import role_arn, version_name
from modelway.core.plan import Need, Obstacle, State
from modelway.core.record import Record
from modelway.core.record_tags import PREFIX, from_tags
from modelway.core.version import Version, VersionId
from modelway.errors import Differs
from modelway.ports import ArtifactStore, Clock
from modelway.targets.aws_lambda import settings as settings_
from modelway.targets.aws_lambda.concurrency import Concurrency
from modelway.targets.aws_lambda.inventory import Inventory, Pointer, Published
from modelway.targets.aws_lambda.records import Records
from modelway.targets.aws_lambda.settings import ALIAS
from modelway.targets.aws_lambda.url import Url
from modelway.targets.shared.rollout_alarms import RolloutAlarms

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import GetFunctionResponseTypeDef

    from modelway.targets.shared.rollout_alarms import Looked

ARTIFACT = "artifact"
_MANAGED = "modelway:model"
_PASSED, _REMEMBERED = f"{PREFIX}passed", {f"{PREFIX}failed", f"{PREFIX}withdrawn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Looks at one function and all around it."""

    environment: Environment
    inventory: Inventory
    records: Records
    alarms: RolloutAlarms
    concurrency: Concurrency
    url: Url
    artifacts: ArtifactStore
    clock: Clock

    def observe(self, wanted: Version | None) -> State:
        """The state, and what the wanted version does not find yet."""
        function = self.inventory.find()
        if function is None:
            alarms = self._alarms(wanted)
            needs, obstacles = self._needs(wanted, None, alarms), self._obstacles(wanted, {}, None, alarms)
            return State(needs=needs, obstacles=obstacles)
        # First the marks: a version without them may be new, marks without their version are left over.
        marks = self.records.read()
        self.inventory.remember(marks)
        pointer, published = self.inventory.pointer(), self.inventory.versions()
        if wanted:
            _refuse_another(wanted, published.get(wanted.id))
        traffic = _traffic(pointer, published)
        alarms, held = self._alarms(wanted), pointer is not None and pointer.held is not None
        setback = self.concurrency.setback() if held else None
        return State(
            records={id_: _record(id_, each, marks.get(id_, {})) for id_, each in published.items()},
            traffic=traffic,
            settled=not held or setback is not None,
            setback=setback,
            modified=pointer.revision if pointer else None,
            needs=self._needs(wanted, pointer, alarms),
            obstacles=self._obstacles(wanted, published, pointer, alarms),
            sick=alarms[2] if wanted and traffic.get(wanted.id) else None,
            capacity=self.concurrency.observe(self.environment.capacity) if pointer else None,
            foreign=_foreign(function, pointer, published),
            soaked=self._soaked(pointer, traffic),
            leftovers=tuple(id_ for id_ in marks if id_ not in published and _retirable(marks[id_])),
        )

    def _soaked(self, pointer: Pointer | None, traffic: Mapping[VersionId, int]) -> float:
        """Seconds since our last step; none where the alias is not as that step left it."""
        step = pointer.step if pointer else None
        if step is None or traffic.get(step[0]) != step[1]:
            return 0.0
        return self.clock.elapsed(datetime.fromisoformat(step[2]))

    def _alarms(self, wanted: Version | None) -> Looked:
        """What the rollout's alarms lack, forbid and say of the version; asked once a look."""
        if wanted is None:
            return (), (), None
        return self.alarms.look(version_name(self.inventory.function, wanted.id))

    def _needs(self, wanted: Version | None, pointer: Pointer | None, alarms: Looked) -> tuple[Need, ...]:
        """What the version lacks around it."""
        if wanted is None:
            return ()
        settings = settings_.parse(wanted.settings)
        # Whether or not the version is staged: somebody may have written there since.
        artifact = self._artifact(wanted)
        url = self.url.look(settings.function_url) if pointer else ()  # else it comes with the alias
        return (*artifact, *alarms[0], *url)

    def _artifact(self, wanted: Version) -> tuple[Need, ...]:
        """The copy of the weights the version is to load."""
        if wanted.artifact is None or self.artifacts.find(wanted.artifact):
            return ()
        words = f"copy {wanted.artifact.uri} to {self.artifacts.target_uri(wanted.artifact)} and verify it"
        return (Need(id=ARTIFACT, words=words),)

    def _obstacles(
        self,
        wanted: Version | None,
        published: Mapping[VersionId, Published],
        pointer: Pointer | None,
        alarms: Looked,
    ) -> tuple[Obstacle, ...]:
        """What is in the way of moving traffic to the version."""
        if wanted is None:
            return ()
        return (*alarms[1], *self._other_role(wanted, published, pointer))

    def _other_role(
        self, wanted: Version, published: Mapping[VersionId, Published], pointer: Pointer | None
    ) -> Iterator[Obstacle]:
        """An alias shares its traffic between versions of one execution role only."""
        serving = next((p for p in published.values() if pointer and p.number in pointer.shares), None)
        settings, place = settings_.parse(wanted.settings), self.environment
        role = role_arn(settings.execution_role, place.account, place.region)
        shares = place.rollout.strategy in {RolloutStrategy.CANARY, RolloutStrategy.LINEAR}
        if shares and serving and serving.role != role:
            yield Obstacle(
                what=f"an alias cannot share traffic between versions of two execution roles: {role}",
                seen=f"What serves has {serving.role}.",
                cure="Release this once with strategy: all_at_once or blue_green, then go on as before.",
            )


def _retirable(marks: Mapping[str, str]) -> bool:
    """Whether a version of these marks can have been retired; others are remembered on purpose."""
    return _PASSED in marks and not _REMEMBERED & marks.keys()


def _traffic(pointer: Pointer | None, published: Mapping[VersionId, Published]) -> dict[VersionId, int]:
    """Percent by version, of those that are ours; what runs beside has none."""
    if pointer is None:
        return {}
    ids = {each.number: id_ for id_, each in published.items()}
    shares = {ids[number]: share for number, share in pointer.shares.items() if number in ids}
    step = pointer.step
    if step and step[1] == 0 and step[0] in published and step[0] not in shares:
        shares[step[0]] = 0
    return shares


def _foreign(
    function: GetFunctionResponseTypeDef, pointer: Pointer | None, published: Mapping[VersionId, Published]
) -> str | None:
    """What serves, where modelway did not make it."""
    name = function["Configuration"]["FunctionName"]
    shares = pointer.shares if pointer else {}
    adopted = any(each.adopted for each in published.values())  # its tags stay as they were
    if not adopted and _MANAGED not in function.get("Tags", {}):
        return f"the function {name}, which has no tag {_MANAGED}"
    ours = {each.number for each in published.values()}
    others = [number for number in shares if number not in ours]
    return f"version {others[0]} of the function {name} behind the alias {ALIAS}" if others else None


def _record(id_: VersionId, published: Published, marks: Mapping[str, str]) -> Record:
    """What Lambda says of the version and what is remembered of it; raises ``Differs``."""
    bare = {f"{PREFIX}digest": f"sha256:{published.sha256}", f"{PREFIX}release": published.release}
    if published.artifact:
        bare[f"{PREFIX}artifact"] = f"sha256:{published.artifact}"
    try:
        record = from_tags(id_, {**bare, **marks})
    except ValueError as error:
        shown = ", ".join(f"{key}={value!r}" for key, value in sorted(marks.items()))
        cure = "Delete the parameter that is wrong: what it said is then forgotten."
        raise Differs(
            f"the marks of version {id_} are not as modelway wrote them", seen=shown, cure=cure
        ) from error
    return record or replace(Record(id=id_, digest=bare[f"{PREFIX}digest"]))


def _refuse_another(wanted: Version, published: Published | None) -> None:
    """The proof of the one digest: Lambda's own hash of what the version runs; and of its weights."""
    if published is None:
        return
    image, weights = published.sha256, wanted.artifact.sha256.hex if wanted.artifact else None
    if image != wanted.image.digest.hex:
        other, seen = "another image", f"expected {wanted.image.digest}, got sha256:{image}"
    elif published.loads != weights:
        other, seen = "other weights", f"expected {weights or 'none'}, got {published.loads or 'none'}"
    else:
        return
    what = f"version {published.number}, which is to be {wanted.id}, runs {other}"
    raise Differs(what, seen=seen, cure="Delete that version of the function, then release again.")
