"""From a file's values to a config: every part that the schema accepts is parsed and checked.

A part is checked although another is still wrong, so that one run says all there is to correct.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from modelway.core import checks, checks_evidence, checks_scan, parse, parse_scan
from modelway.core.checks import Subject, TargetCheck, Wanted
from modelway.core.checks_scan import Demands
from modelway.core.config import Environment, ModelConfig, Signing, Strategy
from modelway.core.json import Json, JsonObject
from modelway.core.problem import Flaw, Level
from modelway.core.scan_spec import Organisation, ScanSpec, WaiverRules

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
    value: Json,
    wrong: Sequence[Flaw],
    *,
    today: date,
    targets: Mapping[str, TargetCheck],
    organisation: Organisation | None = None,
) -> Assembled:
    """Parse and check what the schema found nothing ``wrong`` with; raises nothing."""
    sections = _Sections(value, wrong)
    days = tuple(sections.waivers(today, organisation))
    sections = _Sections(value, (*wrong, *days))
    image = sections.parsed("image", parse.image)
    tests = sections.parsed("contract_tests", parse.contract_tests) or ()
    environments = parse.in_release_order(sections.environments())
    platform = image.platform if image else None
    artifact = isinstance(value, Mapping) and "model_artifact" in value
    subject = Subject(model=sections.name(), platform=platform, artifact=artifact)
    flaws = (
        *days,
        *sections.policies(environments, organisation),
        *sections.authors(environments),
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
        value = self._at(*path)
        touching = (flaw for flaw in self.wrong if flaw.path and _touch(flaw.path, path))
        return value is not None and next(touching, None) is None

    def parsed(self, key: str, parser: Callable[[Json], Part]) -> Part | None:
        """A part, if it is sound."""
        return parser(self._top()[key]) if self._sound(key) else None

    def name(self) -> str:
        """The model's name; empty while it is wrong."""
        return str(self._top()["name"]) if self._sound("name") else ""

    def waivers(self, today: date, organisation: Organisation | None) -> Iterator[Flaw]:
        """Flaws of all waivers, of the model's and of its environments' policies."""
        names = [*self._written("environments")]
        rules = organisation.waiver_rules if organisation else WaiverRules()
        by = organisation.path if organisation else ""
        demands = Demands(today=today, environments=names, rules=rules, by=by)
        for keys in (("scan",), *(("environments", name, "scan") for name in names)):
            if self._sound(*keys):
                yield from checks_scan.waivers(self._at(*keys, "waivers"), (*keys, "waivers"), demands)

    def policies(
        self, environments: Mapping[str, Environment], organisation: Organisation | None
    ) -> Iterator[Flaw]:
        """Flaws of the sound policies beside each other."""
        scan = self.parsed("scan", parse_scan.scan)
        inner = {name: place.scan for name, place in environments.items() if place.scan}
        yield from checks_scan.loosened(scan, inner, organisation)
        yield from checks_scan.idle(scan, ("scan",)) if scan else ()
        for name, one in inner.items():
            yield from checks_scan.idle(one, ("environments", name, "scan"))

    def authors(self, environments: Mapping[str, Environment]) -> Iterator[Flaw]:
        """Flaws of who signs what."""
        registry = self.parsed("registry", parse.registry)
        home = (registry.account, registry.region) if registry else ("", "")
        signing = self.parsed("evidence", parse.signing)
        return checks_evidence.authors(signing, home, environments, self._written("environments"))

    def _at(self, *path: str) -> Json:
        """The value at a path; ``None`` where there is none."""
        value: Json = self.value
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def _written(self, key: str) -> JsonObject:
        """A mapping of the top, whatever is wrong with it."""
        value = self._top().get(key)
        return value if isinstance(value, Mapping) else {}

    def environments(self) -> dict[str, Environment]:
        """The sound environments."""
        return {
            name: parse.environment(name, value)
            for name, value in self._written("environments").items()
            if self._sound("environments", name)
        }

    def promotions(self) -> dict[str, str | None]:
        """Where every environment says it is promoted from, sound or not."""
        found: dict[str, str | None] = {}
        for name, value in self._written("environments").items():
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
            scan=self.parsed("scan", parse_scan.scan) or ScanSpec(),
            evidence=self.parsed("evidence", parse.signing) or Signing(),
            contract_tests=self.parsed("contract_tests", parse.contract_tests) or (),
            environments=environments,
        )


def _touch(flawed: Sequence[str | int], path: Sequence[str]) -> bool:
    """Whether a flaw lies in the part, or the part lies in what is wrong as a whole."""
    shared = min(len(flawed), len(path))
    return tuple(flawed[:shared]) == tuple(path[:shared])
