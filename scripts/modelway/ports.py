"""What modelway needs of the world, as Protocols. Adapters, targets and scanners implement them.

Every method may be called twice without harm. Every method may raise ``errors.Unavailable``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Never, Protocol

# On every command's way: what this module only names is not loaded for it.
if TYPE_CHECKING:
    from modelway.core.adoption import Found, Site
    from modelway.core.analysis import Sample
    from modelway.core.changes import Scope
    from modelway.core.config import BuildSecret, Capacity, Environment, ModelConfig, RegistrySpec
    from modelway.core.diagnosis import Examination
    from modelway.core.drift import About, Change
    from modelway.core.ecr_scan import Setup, Sighting
    from modelway.core.estate import Thing
    from modelway.core.hosting import HostedEnvironment, HostedRepository, Subject
    from modelway.core.iam import Permissions
    from modelway.core.image import Digest, Image
    from modelway.core.inputs import Entry
    from modelway.core.json import JsonObject
    from modelway.core.lifecycle import Doomed, Stored
    from modelway.core.manifest import Manifest
    from modelway.core.plan import State
    from modelway.core.problem import Problem
    from modelway.core.record import Mark
    from modelway.core.report import Database, Report
    from modelway.core.rules import Governing
    from modelway.core.scan_spec import Organisation
    from modelway.core.span import Span
    from modelway.core.statement import Envelope
    from modelway.core.verdict import Approval
    from modelway.core.version import Artifact, Version, VersionId
    from modelway.core.weights import Copy, Expiry


class Reporter(Protocol):
    """Where people and workflows read what happens: data on standard output, the rest on standard error."""

    def stage(self, title: str, /) -> AbstractContextManager[None]:
        """A named part of the work: a group in a workflow, a heading with its duration on a terminal."""

    def note(self, text: str, /) -> None:
        """Something worth knowing."""

    def progress(self, text: str, /) -> None:
        """What is going on right now; replaces the last progress on a terminal."""

    def warn(self, text: str, /, *, file: str = "", line: int = 0, column: int = 0) -> None:
        """Something that may become a problem; an annotation in a workflow."""

    def error(self, text: str, /, *, file: str = "", line: int = 0, column: int = 0) -> None:
        """Something that is a problem; an annotation in a workflow."""

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], /) -> None:
        """Rows under columns, in the workflow's summary too."""

    def summary(self, markdown: str, /) -> None:
        """Markdown for the workflow's summary; nothing on a terminal."""

    def output(self, name: str, value: str, /) -> None:
        """A named result for later steps of a workflow; nothing on a terminal."""

    def mask(self, secret: str, /) -> None:
        """Never show this text from now on."""

    def data(self, text: str, /) -> None:
        """What the command was asked for, to standard output."""


class Clock(Protocol):
    """Time. The rehearsal compresses waits, never the time of day."""

    def now(self) -> datetime:
        """The time of day, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only go forward, as a process measures durations."""

    def sleep(self, seconds: float, /) -> None:
        """Wait; the rehearsal divides by its clock factor."""

    def elapsed(self, since: datetime, /) -> float:
        """Seconds since then, as waits count them: multiplied by the rehearsal's clock factor."""

    def ago(self, seconds: float, /) -> datetime:
        """The time of day so many seconds ago, as waits count them: ``elapsed`` of it is that many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Where and for whom this process runs."""

    root: Path
    """The repository the configs' paths are relative to."""
    workspace: Path
    """Folder for files that may be thrown away (``.modelway/`` under the root)."""
    ci: bool = False
    """Inside a GitHub Actions job."""
    source: str = ""
    """URL of the repository, without credentials; empty when unknown."""
    revision: str = ""
    """The commit, 40 hex digits; ``-dirty`` follows when files differ; empty outside git."""
    ref: str = ""
    """The ref a workflow runs for, as in ``refs/tags/v1``."""
    workflow: str = ""
    """The workflow's file with its ref, as in ``OWNER/REPO/.github/workflows/release.yml@refs/tags/v1``."""
    url: str = ""
    """The workflow run's address; empty on a laptop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """All a builder needs."""

    context: Path
    dockerfile: str
    """The Dockerfile's text."""
    platform: str
    tag: str
    """Local name the image gets, ``modelway/<model>:in-<hash>``."""
    ignore: str = ""
    """The ``.dockerignore``'s text."""
    build_args: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[BuildSecret, ...] = ()


class Builder(Protocol):
    """Builds images with BuildKit and keeps them on this machine."""

    def find(self, tag: str, /) -> bool:
        """Whether the local image exists."""

    def identity(self, tag: str, /) -> str:
        """The engine's own content address of a local image: equal ids are equal images.

        Empty when there is none. Never compare it with a registry's digest: classic engines use the
        config's digest, containerd image stores the manifest's.
        """

    def base_digest(self, reference: str, /) -> Digest | None:
        """The digest a base image's name means now; ``None`` where nobody can tell.

        The manifest's digest; for an image that was only ever built here, its config's.
        """

    def entries(self, context: Path, ignore: str, /) -> tuple[Entry, ...]:
        """What a build would read of its context; raises ``Malformed`` for links that leave it."""

    def config_digest(self, tag: str, /) -> Digest:
        """The digest of a local image's config, as its archive holds it."""

    def build(self, request: BuildRequest, /) -> None:
        """Build and tag, showing progress; raises ``Malformed`` with the failing lines."""

    def export(self, tag: str, /) -> AbstractContextManager[BinaryIO]:
        """The image as a docker archive, readable once from start to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request to a model."""

    body: bytes
    content_type: str = "application/json"
    accept: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What a model answered."""

    status: int
    body: bytes
    content_type: str
    latency: float
    """Seconds from sending the request to having the whole answer."""


class Container(Protocol):
    """One running container of an image on this machine."""

    def invoke(self, request: HttpRequest, /) -> HttpAnswer:
        """POST to ``/invocations``."""

    def logs(self, lines: int = 20) -> tuple[str, ...]:
        """Its last log lines."""


class Containers(Protocol):
    """Runs images on this machine as SageMaker would."""

    def serve(
        self, tag: str, /, *, environment: Mapping[str, str], model: Path | None, timeout: float
    ) -> AbstractContextManager[Container]:
        """Run ``IMAGE serve`` until ``/ping`` answers; raises ``Unhealthy`` naming the usual mistake."""

    def train(self, tag: str, output: Path, /, *, environment: Mapping[str, str]) -> None:
        """Run ``IMAGE train``; what it writes to ``/opt/ml/model`` lands in ``output``."""


class Registry(Protocol):
    """The model's ECR repository."""

    @property
    def repository(self) -> str:
        """``<account>.dkr.ecr.<region>.amazonaws.com/<name>``, or the rehearsal's address."""

    def ensure(
        self,
        spec: RegistrySpec,
        pullers: Sequence[str],
        owner: str,
        model: str,
        /,
        *,
        waits: Callable[[JsonObject], str],
    ) -> tuple[str, ...]:
        """Create or correct the repository and its policies; say what was changed.

        ``waits`` is asked of a lifecycle policy that is about to be set on a repository that was there: why
        it must wait, empty where it may be set; it raises what forbids to go on. It is asked first of all.
        """

    def find(self, tag: str, /) -> Manifest | None:
        """What a tag names."""

    def manifest(self, digest: Digest, /) -> Manifest | None:
        """A manifest by digest, its digest recomputed."""

    def manifests_of(self, digests: Sequence[Digest], /) -> Mapping[Digest, Manifest]:
        """Those of many manifests that are there, in few calls; else as ``manifest``."""

    def built(self, image: Manifest, /) -> bytes:
        """An image's config, which says what it was built for; its digest is checked."""

    def tags(self, digest: Digest, /) -> tuple[str, ...]:
        """The tags of a digest."""

    def push(self, local: str, tag: str, /) -> Manifest:
        """Push a local image; the result is single-platform Docker v2 schema 2."""

    def pull(self, source: Image, local: str, /, *, platform: str) -> None:
        """Bring an image of any registry to this machine under a local name."""

    def copy(self, source: Image, tag: str, /, *, platform: str) -> Manifest:
        """Bring an image from another registry here, its digest unchanged where its type allows.

        Where it stays the same, what is attached to it comes along.
        """

    def retag(self, digest: Digest, tag: str, /) -> None:
        """Give a digest one more tag, moving no bytes."""

    def attach(
        self,
        subject: Digest,
        artifact_type: str,
        body: bytes,
        /,
        *,
        created: datetime,
        annotations: Mapping[str, str] | None = None,
    ) -> Digest:
        """Attach a document to a digest as an OCI referrer; the same document is attached once."""

    def attached(self, subject: Digest, /, *artifact_types: str) -> tuple[bytes, ...]:
        """Documents of these types attached to a digest, newest first."""

    def export(self, digest: Digest, /) -> AbstractContextManager[BinaryIO]:
        """An image as an archive, readable once from start to end, its digests checked while it is read.

        Raises ``Differs`` for what is not there or not what its digest says.
        """

    def publish(self, name: str, artifact_type: str, file: Path, /, *, created: datetime) -> Digest:
        """Keep a file beside the images under its name; the newest of a name is the one ``fetch`` finds."""

    def fetch(self, name: str, artifact_type: str, into: Path, /, *, most: int) -> Digest | None:
        """Download the newest file of a name, its digest checked; ``None`` where there is none.

        Raises ``Differs`` for what is of another type or has more than ``most`` bytes.
        """


class Stock(Protocol):
    """All that a model's ECR repository holds, whoever put it there, for who may delete from it."""

    def stored(self) -> tuple[Stored, ...]:
        """Everything with a manifest, archived or not; nothing where there is no repository."""

    def lifecycle(self) -> JsonObject | None:
        """The repository's lifecycle policy; ``None`` where it has none."""

    def preview(self, policy: JsonObject, /) -> tuple[Doomed, ...]:
        """What ECR says that a policy would take now; raises ``Malformed`` for one it refuses."""

    def delete(self, digests: Sequence[Digest], /) -> None:
        """Delete images with all their tags; one that is not there is deleted already."""

    def untag(self, tags: Sequence[str], /) -> None:
        """Take tags away. ECR deletes an image with its last tag: never give that."""


class Keys(Protocol):
    """The keys of those who say something of an image: the build, and each environment."""

    def seal(self, author: str, payload: bytes, /) -> bytes | None:
        """The statement signed with the author's key; ``None`` where the config names none."""

    def signed_by(self, envelope: Envelope, /) -> frozenset[str]:
        """The authors whose keys or identities the signatures are by, as the config knows them."""


class ArtifactStore(Protocol):
    """Model artifacts of one environment: write-once, named by content."""

    def find(self, artifact: Artifact, /) -> str | None:
        """The S3 URI of our verified copy, if there is one."""

    def target_uri(self, artifact: Artifact, /) -> str:
        """The S3 URI our copy has or will have."""

    def bring(self, artifact: Artifact, /) -> str:
        """Copy and verify; raises ``NotAllowed`` when the bytes are not the ones the config names."""

    def fetch(self, artifact: Artifact, folder: Path, /) -> Path:
        """Download into the folder and verify; raises ``NotAllowed`` like ``bring``."""

    def stream(self, artifact: Artifact, /) -> Iterator[bytes]:
        """The bytes as they lie where the config says, piece by piece; whoever takes them verifies them."""


class WeightsScanner(Protocol):
    """Looks into model artifacts."""

    @property
    def name(self) -> str:
        """Equal names see the same in the same bytes."""

    def look(self, chunks: Iterator[bytes], artifact: Artifact, /) -> Report:
        """Everything wrong with it; what cannot be read is ``unread`` in the report, never raised."""


class Estate(Protocol):
    """Everything modelway made for one model in one environment."""

    def things(self) -> tuple[Thing, ...]:
        """What there is now, in the order it is taken away: first what has the traffic.

        Raises ``Differs`` where what has the traffic was made by somebody else, or holds what they made.
        """

    def remove(self, thing: Thing, /) -> None:
        """Delete one and wait for its end; what is gone already is no error."""

    def requests(self, seconds: float, /) -> int:
        """How often the model was asked in the last so many seconds, as the platform counts."""


class Shelf(Protocol):
    """All copies of one model's artifacts in one environment's bucket, for who may delete them."""

    def copies(self) -> tuple[Copy, ...]:
        """Every version of every object under the model's prefix; none where there is no bucket."""

    def expiries(self) -> tuple[Expiry, ...]:
        """The bucket's own rules that delete objects, or move them to where nothing loads them."""

    def delete(self, copy: Copy, /) -> bool:
        """Delete this very version, if modelway wrote it; whether it is gone."""


class Target(Protocol):
    """A place that runs versions of one model in one environment."""

    @property
    def estate(self) -> Estate:
        """What modelway made there."""

    @property
    def early(self) -> bool:
        """Whether a version can be asked before it has traffic."""

    @property
    def media_types(self) -> frozenset[str]:
        """Manifests it can run."""

    @property
    def most(self) -> int | None:
        """Bytes of the largest image it runs, unpacked; ``None`` where it names none."""

    @property
    def walks(self) -> bool:
        """Whether the platform walks the whole rollout by itself, in one shift to 100 %.

        Otherwise every waypoint is a shift of its own, and the state is settled between them.
        """

    @property
    def beside(self) -> bool:
        """Whether a version can run beside what serves and be asked there: a shift to 0 %."""

    @property
    def capacity(self) -> Capacity | None:
        """What the config wants counted here; ``None`` where there is nothing to count."""

    @property
    def returning(self) -> str:
        """How the way back is taken there, and how long that takes: a sentence for people."""

    def images(self) -> frozenset[str]:
        """Digests of the images that the platform itself says are behind the pointer, whoever made them."""

    def observe(self, wanted: Version | None, /) -> State:
        """What is there, and what ``wanted`` would still need."""

    def prepare(self, need: str, version: Version, /) -> None:
        """Make one of the needs ``observe`` named."""

    def recognise(self, version: VersionId, name: str, /) -> bool:
        """Take the version for what is called so there, which somebody else made; nothing is written.

        Whether that is all: where not, it is staged beside that like any other, to hold its record.
        """

    def stage(self, version: Version, /, *, release: str) -> None:
        """Make the version exist, without traffic."""

    def shift(self, version: VersionId, percent: int, /, *, urgent: bool) -> None:
        """Begin to send this share of traffic to the version; ``urgent`` is the way back: all at once.

        To 0 %: run it beside what serves, without traffic. Urgent is the shortest way there is, also
        when it takes back a change under way.
        """

    def interrupt(self) -> None:
        """Take back the change under way as fast as the platform can; nothing where none is under way.

        What runs beside without traffic is such a change. Raises ``NotAllowed``, naming what can be
        done, where the platform has no cancel.
        """

    def measure(self, candidate: VersionId, baseline: VersionId, seconds: float, /) -> tuple[Sample, Sample]:
        """What the two answered in the last so many seconds, the same for both, in that order."""

    def settle(self, say: Callable[[str], None], /, *, patience: float | None = None) -> None:
        """Wait until no change is under way, or for so many seconds, saying what happens."""

    def invoke(self, request: HttpRequest, version: VersionId | None, /) -> HttpAnswer:
        """Ask the version; ``None`` asks whatever has the traffic."""

    def logs(self, version: VersionId, /, lines: int = 20) -> tuple[str, ...]:
        """Last log lines of the version's containers; none where they cannot be read."""

    def record(self, version: VersionId, mark: Mark, /) -> None:
        """Remember something about a version."""

    def configure(self, version: VersionId, capacity: Capacity, /) -> None:
        """Set instance counts and autoscaling of what serves."""

    def retire(self, version: VersionId, /) -> None:
        """Delete a version that serves nothing."""

    def words(self, version: VersionId, /) -> str:
        """What the version is called there: the endpoint config's name, say."""


class Scanner(Protocol):
    """Looks into an image and says what it found; the policy judges, never the scanner."""

    def fingerprint(self) -> str:
        """What a report depends on beside the image: the tool's version and its advisories.

        Raises ``NotEvaluated`` when there are no advisories.
        """

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Scan a docker archive, read once.

        What it should have read and cannot is ``unread`` in its report; ``NotEvaluated`` is for what leaves
        no report at all: a broken archive, a tool that is missing.
        """


class RegistryScan(Protocol):
    """The registry's own scan of the images in it."""

    def setup(self) -> Setup:
        """How the repository is scanned."""

    def start(self, digest: Digest, /) -> None:
        """Ask for a scan of an image; a scan that was asked for today already stands."""

    def look(self, digest: Digest, /) -> Sighting:
        """What is known of the image now; raises ``NotEvaluated`` for an answer that cannot be read."""


class Advisories(Protocol):
    """The index of known vulnerabilities on this machine."""

    @property
    def path(self) -> Path:
        """The index's file, whether it is there or not."""

    def about(self) -> Database:
        """What the index knows; raises ``NotEvaluated`` when there is none, or it is damaged."""

    def bring(self, sources: Sequence[Path], /, *, note: str, as_of: datetime | None) -> Database:
        """Replace the index by OSV records of files, folders and zips; raises ``Malformed``.

        ``as_of`` is the day the records speak for; ``None`` takes the newest change in the oldest source.
        """

    def match(self, report: Report, /) -> Report:
        """The builtin scanner's report, its packages asked about again with the advisories of today.

        Raises ``NotEvaluated`` like ``about``.
        """

    def update(
        self, ecosystems: Sequence[str], base_url: str, /, *, kev_url: str = "", epss_url: str = ""
    ) -> Database:
        """Bring the index to what OSV publishes now, and CISA and FIRST where they can be reached."""

    def pack(self, into: Path, /) -> Database:
        """Write the index to a file, packed; raises ``NotEvaluated`` when there is none."""

    def take(self, packed: Path, /) -> Database:
        """Replace the index by what another machine packed; raises ``NotEvaluated`` for what is no index."""


class Configs(Protocol):
    """Reads model configs from the repository."""

    def find(self, paths: Sequence[str], /) -> tuple[Path, ...]:
        """Config files under the paths; under ``model-configs/`` when none is given."""

    def read(self, path: Path, /) -> tuple[ModelConfig | None, tuple[Problem, ...]]:
        """Parse and check one file: the config unless there are errors, and every problem."""

    def load(self, path: Path, /) -> ModelConfig:
        """Parse and check one file; raises ``Malformed`` listing every error."""

    def organisation(self) -> tuple[Organisation | None, tuple[Problem, ...]]:
        """The organisation's policy as it lies here, unless there is none or it has errors."""


class History(Protocol):
    """The repository's commits."""

    def span(self, base: str | None, head: str | None, /) -> Span:
        """The two commits to compare: as named, or as the workflow's event or the branch suggests.

        Raises ``Malformed`` for a name git does not know, ``Unavailable`` where a clone is too shallow.
        """

    def commit(self, name: str | None, /) -> str:
        """The commit a name means, HEAD without one; raises ``Malformed``."""

    def paths(self, span: Span, /) -> tuple[str, ...]:
        """Every path that differs; a renamed file is two of them."""

    def scopes(self, commit: str, /) -> tuple[Scope, ...]:
        """What each config of a commit is made from."""

    def models(self, commit: str, paths: Iterable[str], /) -> Mapping[str, str]:
        """Those of the paths that are configs in a commit, and their models."""

    def configs(self, commit: str, /) -> Mapping[str, ModelConfig | None]:
        """Every config of a commit by its path; ``None`` where it has errors."""

    def sent(self, ignore: str, paths: Sequence[str], /) -> Sequence[str]:
        """Which paths of a build context a ``.dockerignore``'s text lets through."""


class CodeHost(Protocol):
    """GitHub, as far as it is asked about this repository."""

    def pull_request(self) -> int | None:
        """The number of the pull request this workflow runs for."""

    def comment(self, pull_request: int, marker: str, markdown: str, /) -> str | None:
        """Write the comment that begins with the marker, or update our own; its address.

        ``None`` where the token may only read, as a fork's.
        """

    def issue(self, marker: str, title: str, markdown: str, /) -> str | None:
        """Open the issue whose text begins with the marker, or update our own open one; its address.

        ``None`` where the token may only read.
        """

    def close_issue(self, marker: str, words: str, /) -> str | None:
        """Say why, and close our own open issue that begins with the marker; ``None`` where there is none."""

    def repository(self) -> HostedRepository:
        """The repository, and its owner's plan where the token may ask."""

    def environments(self) -> tuple[HostedEnvironment, ...]:
        """Its environments and their reviewers."""

    def subject(self) -> Subject:
        """How its jobs are named in OIDC tokens."""

    def approval(self, environment: str, /) -> Approval | None:
        """Who started this workflow run and approved it for the environment; ``None`` outside one."""


def of_checkout(config: ModelConfig) -> Governing:
    """Where there is no protected branch, what lies here counts."""
    from modelway.core import rules  # noqa: PLC0415  (at first use)

    return rules.Governing(rules=rules.of_checkout(config))


def unopened(*_: object) -> Never:
    """What a world without a port does when it is asked for it all the same."""
    msg = "this world has no such port"
    raise AssertionError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a command may use. Only ``wiring`` makes one; what costs imports is opened on demand."""

    reporter: Reporter
    clock: Clock
    run: Run
    configs: Configs
    builder: Callable[[], Builder]
    containers: Callable[[], Containers]
    registry: Callable[[RegistrySpec], Registry]
    artifacts: Callable[[ModelConfig, Environment], ArtifactStore]
    target: Callable[[ModelConfig, Environment], Target]
    scanner: Callable[[str, ModelConfig, Path], Scanner]
    """A scanner by name, for a model, with the advisories' index it is to use."""
    advisories: Callable[[Path | None], Advisories]
    """An index of advisories; ``None`` for this user's own."""
    history: Callable[[], History]
    permissions: Callable[[ModelConfig, Environment], Permissions]
    """What the target's verbs need in its account."""
    changes: Callable[[ModelConfig, Environment, About], tuple[Change, ...]] = unopened
    """Who changed what an environment runs, newest first; raises ``Unavailable`` where nobody can tell."""
    found: Callable[[Site], Found] = unopened
    """What serves somewhere that somebody else made it; raises what keeps it from being adopted."""
    stock: Callable[[RegistrySpec], Stock] = unopened
    """All that a repository holds."""
    shelf: Callable[[ModelConfig, Environment], Shelf] = unopened
    """All copies of a model's artifacts in an environment's bucket."""
    keys: Callable[[ModelConfig], Keys] = unopened
    """The signing keys a config names."""
    acting: Callable[[ModelConfig, Environment], str] = unopened
    """ARN of the role by which the environment is changed, after making sure that it is that role.

    For an emergency, whose rights are another's: raises ``Unavailable`` where it may not be assumed.
    """
    registry_scan: Callable[[ModelConfig], RegistryScan] = unopened
    """The registry's own scan of the model's images."""
    weights: Callable[[], WeightsScanner] = unopened
    """What looks into model artifacts."""
    rules: Callable[[ModelConfig], Governing] = of_checkout
    """Which scan policy and which waivers count for a model."""
    hosting: Callable[[], CodeHost] = unopened
    """GitHub; raises ``Unavailable`` where the token or the repository is unknown."""
    examinations: Callable[[Sequence[ModelConfig]], Sequence[Examination]] = unopened
    """What ``doctor`` looks at beside the configs themselves."""
