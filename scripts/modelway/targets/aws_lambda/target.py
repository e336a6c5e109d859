"""AWS Lambda: a version is a published version of the function, the pointer is its alias ``live``.

modelway keeps the clock: each waypoint is one update of the alias, which takes effect within seconds and is
all there is to a rollback. A version can be asked by its number before it has any traffic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelway.adapters.waits import waits
from modelway.core.analysis import Sample
from modelway.core.config import Capacity, Environment
from modelway.core.image import DOCKER_MANIFEST, OCI_MANIFEST
from modelway.core.naming import version_name
from modelway.core.plan import FULL, State
from modelway.core.record import Mark
from modelway.core.version import Version, VersionId
from modelway.errors import Unhealthy
from modelway.ports import ArtifactStore, HttpAnswer, HttpRequest
from modelway.targets.aws_lambda import settings as settings_
from modelway.targets.aws_lambda.alias import Alias
from modelway.targets.aws_lambda.concurrency import PATIENCE, POLL
from modelway.targets.aws_lambda.estate import Estate
from modelway.targets.aws_lambda.metrics import dimensions
from modelway.targets.aws_lambda.observation import ARTIFACT, Observer
from modelway.targets.aws_lambda.runtime import Runtime
from modelway.targets.aws_lambda.settings import ALIAS
from modelway.targets.aws_lambda.url import NEED as URL
from modelway.targets.aws_lambda.versions import Versions
from modelway.targets.shared.metrics import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Lambda:
    """One model's function in one account and region."""

    environment: Environment
    observer: Observer
    versions: Versions
    alias: Alias
    runtime: Runtime
    measurement: Measurement
    artifacts: ArtifactStore

    @property
    def estate(self) -> Estate:
        """What modelway made for the model here."""
        return Estate(
            client=self.observer.inventory.client,
            observer=self.observer,
            labels=self.versions.labels,
            clock=self.observer.clock,
        )

    @property
    def early(self) -> bool:
        """A version is asked by its number, whatever the alias points at."""
        return True

    @property
    def media_types(self) -> frozenset[str]:
        """Manifests of one platform; Lambda refuses indexes (aws/aws-lambda-roadmap#82)."""
        return frozenset({DOCKER_MANIFEST, OCI_MANIFEST})

    @property
    def most(self) -> int | None:
        """Lambda's guide, "Create a Lambda function using a container image": 10 GB, unpacked."""
        return 10 << 30

    @property
    def walks(self) -> bool:
        """Lambda moves the alias when it is told to, and never by itself."""
        return False

    @property
    def beside(self) -> bool:
        """Every published version can be asked as it is; none has to be put beside first."""
        return False

    @property
    def returning(self) -> str:
        """The alias is all there is to it."""
        return (
            "the alias is moved, which takes effect within seconds, and gets the URL it had then; what is "
            "provisioned follows it."
        )

    @property
    def capacity(self) -> Capacity | None:
        """Environments kept ready; none unless the config asks for them."""
        return self.environment.capacity

    @property
    def _function(self) -> str:
        return self.observer.inventory.function

    def words(self, version: VersionId, /) -> str:
        """The function with the number of the version, once it is published."""
        number = self.observer.inventory.number(version)
        return f"{self._function}:{number}" if number else self._function

    def images(self) -> frozenset[str]:
        """The images of every published version and of what was not published yet."""
        return self.observer.inventory.images()

    def observe(self, wanted: Version | None, /) -> State:
        """The function, its versions and its alias, and what the wanted one still needs."""
        return self.observer.observe(wanted)

    def prepare(self, need: str, version: Version, /) -> None:
        """Make one of the needs ``observe`` named."""
        if need == ARTIFACT and version.artifact:
            self.artifacts.bring(version.artifact)
        elif need == URL:
            self.observer.url.set(settings_.parse(version.settings).function_url)
        else:
            # Its metrics carry the number that Lambda gives the version when it is published.
            number = self.observer.inventory.number(version.id) or self.versions.make(version, "")
            function = self.observer.inventory.function
            name = version_name(function, version.id)
            self.observer.alarms.make(need, name, dimensions(function, number), self.versions.labels)

    def recognise(self, version: VersionId, name: str, /) -> bool:
        """What is adopted is published already: nothing is made for it."""
        self.observer.inventory.recognise(version, name)
        return True

    def stage(self, version: Version, /, *, release: str) -> None:
        """Publish the version, unless preparing its alarms did."""
        if not self.observer.inventory.number(version.id):
            self.versions.make(version, release)

    def shift(self, version: VersionId, percent: int, /, *, urgent: bool) -> None:
        """Move the alias; going forward, wait until what is provisioned is ready behind it."""
        new = self.observer.inventory.pointer() is None
        self.alias.move(version, percent, urgent=urgent)
        if new:
            self.observer.url.set(settings_.parse(self.environment.settings).function_url)
        if urgent:
            self._restore_url(version)
        elif percent == FULL:
            self._await_ready()

    def _restore_url(self, version: VersionId) -> None:
        """Going back, the alias gets the URL it had with that version, where that is known."""
        url = self.observer.inventory.url(version)
        if url is not None:
            self.observer.url.restore(url)

    def _await_ready(self) -> None:
        """Until all traffic is there; a version that does not start where it is provisioned never gets it."""
        try:
            self.observer.concurrency.await_ready(self.alias.held)
        except Unhealthy:
            self.alias.release()
            raise

    def interrupt(self) -> None:
        """A version beside is named no more, and one whose environments get ready gets no traffic."""
        self.alias.end_beside()
        self.alias.release()

    def measure(self, candidate: VersionId, baseline: VersionId, seconds: float, /) -> tuple[Sample, Sample]:
        """What the two answered through the alias."""
        return self.measurement.compare(self._share(candidate), self._share(baseline), seconds)

    def _share(self, version: VersionId) -> dict[str, str]:
        """The dimensions of a version's share of the alias."""
        inventory = self.observer.inventory
        return dimensions(inventory.function, inventory.number(version))

    def settle(self, say: Callable[[str], None], /, *, patience: float | None = None) -> None:
        """An alias that was moved has moved, unless Lambda first makes ready what is provisioned."""
        within, concurrency = PATIENCE if patience is None else patience, self.observer.concurrency
        pauses = waits(*POLL, within=within)
        while self.alias.held() and not concurrency.setback():
            say(f"{self._function}: Lambda moves the traffic when what is provisioned is ready")
            pause = next(pauses, None)
            if pause is None:
                if patience is not None:
                    return
                raise concurrency.endless()
            self.observer.clock.sleep(pause)

    def invoke(self, request: HttpRequest, version: VersionId | None, /) -> HttpAnswer:
        """Ask the version by its number, or what the alias has."""
        number = self.observer.inventory.number(version) if version else ALIAS
        return self.runtime.invoke(request, number)

    def logs(self, version: VersionId, /, lines: int = 20) -> tuple[str, ...]:
        """Last log lines of the version."""
        number = self.observer.inventory.number(version)
        return self.runtime.last_lines(lines, number) if number else ()

    def record(self, version: VersionId, mark: Mark, /) -> None:
        """Remember something about a version."""
        self.observer.records.write(version, mark, self.versions.labels)

    def configure(self, version: VersionId, capacity: Capacity, /) -> None:
        """Set what is provisioned for the alias, and its autoscaling."""
        del version
        self.alias.release()  # Lambda provisions nothing for an alias of two versions
        self.observer.concurrency.set(capacity)

    def retire(self, version: VersionId, /) -> None:
        """Delete what was made for the version; its marks last, because they say what it was."""
        self.observer.alarms.delete(version_name(self.observer.inventory.function, version))
        self.versions.delete(version)
        self.observer.records.forget(version)
