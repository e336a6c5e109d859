"""Moving the alias: to another version, or to two, guarded by the revision that was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.core.plan import FULL
from modelway.core.version import VersionId
from modelway.errors import Differs, Malformed
from modelway.ports import Clock
from modelway.targets.aws_lambda.inventory import Inventory, Pointer, pointed
from modelway.targets.aws_lambda.reasons import refused
from modelway.targets.aws_lambda.settings import ALIAS

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_lambda import LambdaClient

_LOST = {"PreconditionFailedException", "ResourceConflictException"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """The alias of one function."""

    client: LambdaClient
    inventory: Inventory
    clock: Clock

    def move(self, version: VersionId, percent: int, *, urgent: bool = False) -> None:
        """Send this share of traffic to the version, the rest to the one with most of it now.

        What is written down beside it in the same update is the step and its time: Lambda keeps none.
        Urgent waits for nothing that is provisioned. Raises ``Differs`` where somebody else moved it
        meanwhile.
        """
        number, seen = self.inventory.number(version), self.inventory.pointer()
        if seen is None:
            self._create(version, number, pointed(version, FULL, self._now()))
            return
        if seen.held:  # what was provisioned for the version it names now came to nothing
            self.release()
            seen = self.inventory.pointer() or seen
        told = pointed(version, percent, self._now())
        others = {n: share for n, share in seen.shares.items() if n != number}
        rest = max(others, key=lambda n: others[n], default=number)
        first = number if percent == FULL or rest == number else rest
        weights = {number: percent / FULL} if first == rest != number and percent else {}
        self._update(version, percent, seen, (first, weights, told))
        if urgent and (now := self.inventory.pointer()) and now.held:
            self._update(version, percent, now, (number, {}, told))

    def _now(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def held(self) -> bool:
        """Whether Lambda keeps the traffic where it was, for what is provisioned."""
        seen = self.inventory.pointer()
        return seen is not None and seen.held is not None

    def release(self) -> None:
        """Let the alias name the version that has the traffic, where Lambda kept it there."""
        seen = self.inventory.pointer()
        if seen and seen.held:
            self._point(seen, seen.held)

    def _point(self, seen: Pointer, number: str) -> None:
        """All traffic to a version that has it already."""
        serving = next((v for v, p in self.inventory.versions().items() if p.number == number), None)
        if serving:
            self._update(serving, FULL, seen, (number, {}, pointed(serving, FULL, self._now())))

    def _create(self, version: VersionId, number: str, told: str) -> None:
        """The first version's alias."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"create the alias {ALIAS}", service="lambda"):
            try:
                self.client.create_alias(
                    FunctionName=self.inventory.function,
                    Name=ALIAS,
                    FunctionVersion=number,
                    Description=told,
                )
            except ClientError as error:
                if code(error) not in _LOST:
                    raise self._refused(error) from error
                self._accept(version, FULL, error)

    def _update(
        self, version: VersionId, percent: int, seen: Pointer, to: tuple[str, dict[str, float], str]
    ) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        first, weights, told = to
        with translated(f"move the alias {ALIAS} to version {version}", service="lambda"):
            try:
                self.client.update_alias(
                    FunctionName=self.inventory.function,
                    Name=ALIAS,
                    FunctionVersion=first,
                    # Left out, an older share would stay.
                    RoutingConfig={"AdditionalVersionWeights": weights},
                    Description=told,
                    RevisionId=seen.revision,
                )
            except ClientError as error:
                if code(error) not in _LOST:
                    raise self._refused(error) from error
                self._accept(version, percent, error)

    def _refused(self, error: ClientError) -> Exception:
        """The failure a refusal means; that an alias is provisioned for is no quota."""
        if code(error) != "InvalidParameterValueException" or "Provisioned Concurrency" not in str(error):
            return refused(error, self.client.meta.region_name)
        alias = f"{self.inventory.function}:{ALIAS}"
        what = f"Lambda does not move {alias} like this while concurrency is provisioned for it"
        cure = (
            "Release this once with strategy: all_at_once or blue_green, or without capacity, then as before."
        )
        return Malformed(what, seen=str(error), cure=cure)

    def _accept(self, version: VersionId, percent: int, error: Exception) -> None:
        """An update whose answer was lost was sent again: what is there may be what was asked for."""
        now, number = self.inventory.pointer(), self.inventory.number(version)
        if now and now.step and now.step[:2] == (version, percent):
            held = now.held is not None and now.first == number
            if held or now.shares.get(number, 0) == percent:
                return
        what = f"somebody else moved the alias {self.inventory.function}:{ALIAS} meanwhile"
        cure = "Look at what serves now (scripts/run status), then run this again."
        raise Differs(what, seen=str(error), cure=cure) from error

    def end_beside(self) -> None:
        """A version that ran beside without traffic does so no more."""
        seen = self.inventory.pointer()
        step = seen.step if seen else None
        if seen is None or step is None or step[1] != 0 or len(seen.shares) != 1:
            return
        [number] = seen.shares
        self._point(seen, number)
