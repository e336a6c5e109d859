"""Scan policies that satisfy their schema, made into the types of ``core.scan_spec``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import get_args

from modelway.core import duration
from modelway.core.ecr_scan import MODES, EcrScan
from modelway.core.fields import Fields
from modelway.core.findings import Severity
from modelway.core.json import Json
from modelway.core.scan_spec import (
    Doubt,
    Licences,
    Organisation,
    ScanSpec,
    Threshold,
    Waiver,
    WaiverRules,
)

_THRESHOLDS: tuple[Threshold, ...] = get_args(Threshold)
_DOUBTS: tuple[Doubt, ...] = get_args(Doubt)


def scan(value: Json) -> ScanSpec:
    """A scan policy; raises ``ValueError`` for a day that no calendar has."""
    fields = Fields(value)
    bare = ScanSpec()
    return ScanSpec(
        scanners=fields.texts("scanners") or bare.scanners,
        fail_on=_threshold(fields, "fail_on", bare.fail_on),
        base_image=_threshold(fields, "base_image", "high") if "base_image" in fields else None,
        only_fixable=fields.flag("only_fixable", default=False),
        unknown_fix=_doubt(fields, "unknown_fix", bare.unknown_fix),
        severity_from=fields.texts("severity_from"),
        floors={Severity(key): float(one) for key, one in _numbers(fields, "floors").items()},
        unknown_severity=Severity(fields.text("unknown_severity", bare.unknown_severity)),
        unknown_severity_after=fields.time("unknown_severity_after", bare.unknown_severity_after),
        grace={Severity(key): duration.parse(one) for key, one in fields.pairs("grace").items()},
        known_exploited=fields.flag("known_exploited", default=bare.known_exploited),
        epss=fields.number("epss") if "epss" in fields else None,
        secrets=_threshold(fields, "secrets", bare.secrets),
        misconfigurations=_threshold(fields, "misconfigurations", bare.misconfigurations),
        unsafe_models=_threshold(fields, "unsafe_models", bare.unsafe_models),
        end_of_life=_threshold(fields, "end_of_life", bare.end_of_life),
        licences=_licences(fields.raw("licences")) if "licences" in fields else bare.licences,
        min_packages=fields.whole("min_packages", bare.min_packages),
        max_database_age=fields.time("max_database_age", bare.max_database_age),
        warn_database_age=_warning(fields, bare),
        waivers=tuple(waiver(item) for item in fields.items("waivers")),
        ecr=_ecr(fields.raw("ecr")) if "ecr" in fields else None,
        said=frozenset(value) if isinstance(value, Mapping) else frozenset(),
    )


def _ecr(value: Json) -> EcrScan:
    """What is wanted of ECR's own scan."""
    fields, bare = Fields(value), EcrScan()
    wanted = fields.text("mode", bare.mode)
    return EcrScan(
        mode=next(known for known in MODES if known == wanted), timeout=fields.time("timeout", bare.timeout)
    )


def waiver(value: Json) -> Waiver:
    """One waiver; raises ``ValueError`` for a day that no calendar has."""
    fields = Fields(value)
    return Waiver(
        id=fields.text("id"),
        reason=fields.text("reason"),
        expires=date.fromisoformat(fields.text("expires")),
        package=fields.maybe("package"),
        path=fields.maybe("path"),
        fingerprint=fields.maybe("fingerprint"),
        environments=fields.texts("environments"),
        until_fixed=fields.flag("until_fixed", default=False),
        owner=fields.text("owner", ""),
        approver=fields.text("approver", ""),
        ticket=fields.text("ticket", ""),
    )


def organisation(value: Json, path: str) -> Organisation:
    """The organisation's policy; raises ``ValueError`` for a day that no calendar has."""
    fields = Fields(value)
    environments = fields.raw("environments")
    rules = Fields(fields.raw("waivers") if "waivers" in fields else {})
    return Organisation(
        scan=scan(fields.raw("scan") if "scan" in fields else {}),
        environments={name: scan(one) for name, one in environments.items()}
        if isinstance(environments, Mapping)
        else {},
        waiver_rules=WaiverRules(
            max_days=rules.whole("max_days", 365),
            max_days_critical=rules.whole("max_days_critical") if "max_days_critical" in rules else None,
            require=rules.texts("require"),
            never=rules.texts("never"),
        ),
        path=path,
    )


def _licences(value: Json) -> Licences:
    fields = Fields(value)
    return Licences(
        deny=fields.texts("deny"), allow=fields.texts("allow"), unknown=_doubt(fields, "unknown", "pass")
    )


def _warning(fields: Fields, bare: ScanSpec) -> timedelta:
    """When old advisories begin to be told of: not after they have begun to fail."""
    longest = fields.time("max_database_age", bare.max_database_age)
    return fields.time("warn_database_age", min(bare.warn_database_age, longest))


def _threshold(fields: Fields, key: str, default: Threshold) -> Threshold:
    wanted = fields.text(key, default)
    return next(known for known in _THRESHOLDS if known == wanted)


def _doubt(fields: Fields, key: str, default: Doubt) -> Doubt:
    wanted = fields.text(key, default)
    return next(known for known in _DOUBTS if known == wanted)


def _numbers(fields: Fields, key: str) -> Mapping[str, float]:
    inner = Fields(fields.raw(key) if key in fields else {})
    return {name: inner.number(name) for name in Severity if name in inner}
