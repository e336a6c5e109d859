"""Policies laid over each other: the strictest of all counts, and who tries to loosen one is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum

from modelway.core.duration import words
from modelway.core.findings import Severity
from modelway.core.scan_spec import ANY, RULES, Doubt, Licences, Organisation, Policy, ScanSpec, Threshold

SOFTENERS = frozenset(
    {
        "base_image",
        "only_fixable",
        "unknown_fix",
        "grace",
        "severity_from",
        "unknown_severity",
        "unknown_severity_after",
    }
)
"""What takes vulnerabilities out of ``fail_on`` again: who says that one says these, too."""
_LOOSEST_FIRST: tuple[Threshold, ...] = ("off", "critical", "high", "medium", "low", "negligible")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loosening:
    """A field that asks for less than what it must not fall below."""

    field: str
    demanded: str
    """What stands above it, in words."""
    asked: str


def strictest(outer: ScanSpec, inner: ScanSpec) -> ScanSpec:
    """Both together: for each field that both say, the strictest; waivers of both."""
    met = _met(outer, inner)
    told = {name: getattr(met if name in outer.said else inner, name) for name in inner.said & {*RULES}}
    waivers = tuple(dict.fromkeys((*outer.waivers, *inner.waivers)))
    said = outer.said | inner.said
    return replace(outer, **told, waivers=waivers, ecr=outer.ecr or inner.ecr, said=said)


def demanded(spec: ScanSpec) -> ScanSpec:
    """What an organisation's policy binds: with ``fail_on``, also what could soften it."""
    return replace(spec, said=spec.said | SOFTENERS) if "fail_on" in spec.said else spec


def tightened(policy: Policy, wishes: Policy) -> Policy:
    """A policy with what others want stricter; their waivers, and what they want looser, do not count."""
    spec = strictest(binding(policy.spec), binding(wishes.spec))
    return replace(policy, spec=replace(spec, waivers=policy.spec.waivers))


def loosenings(outer: ScanSpec, inner: ScanSpec) -> Iterator[Loosening]:
    """What ``inner`` asks that is less strict than ``outer``."""
    met = _met(outer, inner)
    for name in RULES:
        asked = getattr(inner, name)
        if name in outer.said & inner.said and getattr(met, name) != asked:
            wanted = outer.fail_on if name == "base_image" and not outer.base_image else getattr(outer, name)
            yield Loosening(field=name, demanded=_shown(wanted), asked=_shown(asked))


def binding(spec: ScanSpec) -> ScanSpec:
    """The same, every default counting as said: what an environment may only tighten."""
    return replace(spec, said=frozenset(RULES))


def effective(
    scan: ScanSpec,
    environments: Mapping[str, ScanSpec],
    organisation: Organisation | None,
    environment: str | None,
) -> Policy:
    """What counts on the way into an environment; ``None`` is before it goes anywhere."""
    above = organisation or Organisation()
    spec = strictest(demanded(above.scan), scan)
    if environment is not None:
        for inner in (above.environments.get(environment), environments.get(environment)):
            spec = strictest(binding(spec), inner) if inner else spec
    return Policy(spec=spec, environment=environment, waiver_rules=above.waiver_rules)


def _met(outer: ScanSpec, inner: ScanSpec) -> ScanSpec:
    """The strictest combination of every field, whoever said it."""
    return ScanSpec(
        scanners=(*inner.scanners, *(name for name in outer.scanners if name not in inner.scanners)),
        fail_on=_threshold(outer.fail_on, inner.fail_on),
        base_image=_base_image(outer, inner),
        only_fixable=outer.only_fixable and inner.only_fixable,
        unknown_fix=_doubt(outer.unknown_fix, inner.unknown_fix),
        severity_from=_raters(outer.severity_from, inner.severity_from),
        floors=_floors(outer.floors, inner.floors),
        unknown_severity=max(outer.unknown_severity, inner.unknown_severity, key=lambda one: one.rank),
        unknown_severity_after=min(outer.unknown_severity_after, inner.unknown_severity_after),
        grace=_grace(outer.grace, inner.grace),
        known_exploited=outer.known_exploited or inner.known_exploited,
        epss=min((one for one in (outer.epss, inner.epss) if one is not None), default=None),
        secrets=_threshold(outer.secrets, inner.secrets),
        misconfigurations=_threshold(outer.misconfigurations, inner.misconfigurations),
        unsafe_models=_threshold(outer.unsafe_models, inner.unsafe_models),
        end_of_life=_threshold(outer.end_of_life, inner.end_of_life),
        licences=_licences(outer.licences, inner.licences),
        min_packages=max(outer.min_packages, inner.min_packages),
        max_database_age=min(outer.max_database_age, inner.max_database_age),
        warn_database_age=min(outer.warn_database_age, inner.warn_database_age),
    )


def _threshold(outer: Threshold, inner: Threshold) -> Threshold:
    """The one that stops more."""
    return max(outer, inner, key=_LOOSEST_FIRST.index)


def _base_image(outer: ScanSpec, inner: ScanSpec) -> Threshold | None:
    """The one that stops more, where ``None`` stands for ``fail_on``."""
    theirs, ours = outer.base_image or outer.fail_on, inner.base_image or inner.fail_on
    return inner.base_image if _threshold(theirs, ours) == ours else outer.base_image


def _doubt(outer: Doubt, inner: Doubt) -> Doubt:
    return "fail" if "fail" in {outer, inner} else "pass"


def _raters(outer: tuple[str, ...], inner: tuple[str, ...]) -> tuple[str, ...]:
    """Whoever says the worst is the strictest; other choices cannot be compared, and the outer one stays."""
    return (ANY,) if (ANY,) in {outer, inner} else outer


def _floors(outer: Mapping[Severity, float], inner: Mapping[Severity, float]) -> Mapping[Severity, float]:
    return {key: min(each[key] for each in (outer, inner) if key in each) for key in {**outer, **inner}}


def _grace(
    outer: Mapping[Severity, timedelta], inner: Mapping[Severity, timedelta]
) -> Mapping[Severity, timedelta]:
    return {key: min(outer[key], inner[key]) for key in inner if key in outer}


def _licences(outer: Licences, inner: Licences) -> Licences:
    both = [name for name in inner.allow if name in outer.allow]
    allow = (tuple(both) or ("NONE",)) if outer.allow and inner.allow else outer.allow or inner.allow
    theirs, ours = _denied(outer, inner), _denied(inner, outer)
    more = tuple(name for name in theirs if name not in ours)
    return Licences(
        deny=(*ours, *more),
        allow=allow,
        unknown=_doubt(outer.unknown, inner.unknown),
    )


def _denied(one: Licences, other: Licences) -> tuple[str, ...]:
    """What one refuses: with no exception allowed by name, a licence with an exception like the licence.

    The other's ``allow`` would let it pass, although it asks for less.
    """
    exempts = any(set("*?[") & set(name) or " with " in name.casefold() for name in other.allow)
    if one.allow or not exempts:
        return one.deny
    return (*one.deny, *(f"{name} WITH *" for name in one.deny))


def _shown(value: object) -> str:
    """A field's value as a config writes it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case Enum():
            return str(value.value)
        case timedelta():
            return words(value)
        case Mapping():
            return "{" + ", ".join(f"{_shown(key)}: {_shown(one)}" for key, one in value.items()) + "}"
        case tuple():
            return "[" + ", ".join(map(_shown, value)) + "]"
        case Licences():
            return f"{{deny: {_shown(value.deny)}, allow: {_shown(value.allow)}, unknown: {value.unknown}}}"
        case _:
            return str(value)
