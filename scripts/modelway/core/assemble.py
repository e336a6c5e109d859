"""From a file's values to a config: every part that the schema accepts is parsed and checked.

A part is checked although another is still wrong, so that one run says all there is to correct.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from modelway.core import checks, parse
from modelway.core.checks import Subject, TargetCheck, Wanted
from modelway.core.config import Environment, ModelConfig, ScanSpec, Signing, Strategy
from modelway.core.json import Json, JsonObject
from modelway.core.problem import Flaw, Level

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """What became of a file's values."""

    config: ModelConfig | None
    """There unless a flaw is an error."""
    flaws: tuple[Flaw, ...]
    """What the schema could not see."""
    wanted: tuple[Wanted, ...]
    """Paths that must be there; somebody with a file system has to look."""


def assemble(
    value: Json, wrong: Sequence[Flaw], *, today: date, targets: Mapping[str, TargetCheck]
) -> Assembled:
    """Parse and check what the schema found nothing ``wrong`` with."""
    sections = _Sections(value, wrong)
    image = sections.parsed("image", parse.image)
    tests = sections.parsed("contract_tests", parse.contract_tests) or ()
    environments = parse.in_release_order(sections.environments())
    late = tuple(sections.waivers(today))
    platform = image.platform if image else None
    artifact = isinstance(value, Mapping) and "model_artifact" in value
    subject = Subject(model=sections.name(), platform=platform, artifact=artifact)
    flaws = (
        *late,
        *(checks.secrets(image) if image else ()),
        *checks.tests(tests),
        *checks.promotions(sections.promotions()),
        *_environment_flaws(subject, environments, targets),
    )
    wanted = (*(checks.image_paths(image) if image else ()), *checks.test_paths(tests))
    broken = any(flaw.level is Level.ERROR for flaw in (*wrong, *flaws))
    return Assembled(
        config=None if broken or image is None else sections.config(image, environments),
        flaws=flaws,
        wanted=wanted,
    )


def _environment_flaws(
    subject: Subject, environments: Mapping[str, Environment], targets: Mapping[str, TargetCheck]
) -> Iterator[Flaw]:
    """What each environment gets wrong, in general and for its target."""
    for environment in environments.values():
        yield from checks.environment(environment)
        if environment.target in targets:
            yield from targets[environment.target](subject, environment)


@dataclass(frozen=True, slots=True)
class _Sections:
    """A file's top-level parts."""

    value: Json
    wrong: Sequence[Flaw]

    def _top(self) -> JsonObject:
        return self.value if isinstance(self.value, Mapping) else {}

    def _sound(self, *path: str) -> bool:
        """Whether the part is there and the schema found nothing wrong in it or with all of it."""
        value: Json = self.value
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        touching = (flaw for flaw in self.wrong if flaw.path and _touch(flaw.path, path))
        return value is not None and next(touching, None) is None

    def parsed(self, key: str, parser: Callable[[Json], Part]) -> Part | None:
        """A part, if it is sound."""
        return parser(self._top()[key]) if self._sound(key) else None

    def name(self) -> str:
        """The model's name; empty while it is wrong."""
        return str(self._top()["name"]) if self._sound("name") else ""

    def waivers(self, today: date) -> Iterator[Flaw]:
        """Flaws of the waivers' days."""
        scan = self._top().get("scan")
        if self._sound("scan") and isinstance(scan, Mapping):
            yield from checks.waiver_days(scan.get("waivers"), today)

    def environments(self) -> dict[str, Environment]:
        """The sound environments."""
        written = self._top().get("environments")
        names = written if isinstance(written, Mapping) else {}
        return {
            name: parse.environment(name, value)
            for name, value in names.items()
            if self._sound("environments", name)
        }

    def promotions(self) -> dict[str, str | None]:
        """Where every environment says it is promoted from, sound or not."""
        written = self._top().get("environments")
        found: dict[str, str | None] = {}
        for name, value in written.items() if isinstance(written, Mapping) else ():
            source = value.get("promote_from") if isinstance(value, Mapping) else None
            found[name] = source if isinstance(source, str) else None
        return found

    def config(self, image: Strategy, environments: Mapping[str, Environment]) -> ModelConfig:
        """The whole, every part being sound."""
        top = self._top()
        return ModelConfig(
            name=str(top["name"]),
            owner=str(top["owner"]),
            description=str(top.get("description", "")),
            image=image,
            artifact=self.parsed("model_artifact", parse.artifact),
            registry=parse.registry(top["registry"]),
            scan=self.parsed("scan", parse.scan) or ScanSpec(),
            evidence=self.parsed("evidence", parse.signing) or Signing(),
            contract_tests=self.parsed("contract_tests", parse.contract_tests) or (),
            environments=environments,
        )


def _touch(flawed: Sequence[str | int], path: Sequence[str]) -> bool:
    """Whether a flaw lies in the part, or the part lies in what is wrong as a whole."""
    shared = min(len(flawed), len(path))
    return tuple(flawed[:shared]) == tuple(path[:shared])
