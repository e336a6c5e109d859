"""Licences of packages against what a policy denies and allows: SPDX expressions, or plain words.

SPDX specification 2.3, annex D: of ``OR`` one may choose, of ``AND`` all must be kept, ``WITH`` adds an
exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from modelway.core.findings import Finding, Fixable, Kind, Package, Severity
from modelway.core.scan_spec import Licences

APPLICATION = frozenset({"pypi", "conda", "npm", "golang", "maven", "gem", "cargo", "nuget"})
"""Ecosystems whose licences are asked about: a distribution's packages come under its own terms."""
_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_LONGEST = 500
"""Characters; some packages have the whole licence's text where its name belongs."""
UNKNOWN = "unknown-licence"


def findings(packages: Sequence[Package], licences: Licences) -> Iterator[Finding]:
    """A finding for each package whose licence the policy does not let pass."""
    if not licences.asked:
        return
    for package in packages:
        if package.ecosystem in APPLICATION and not package.owner:
            name = refused(package.licences, licences)
            said = "; ".join(package.licences) or "nobody knows which"
            if name:
                yield Finding(
                    kind=Kind.LICENCE,
                    id=name,
                    package=package,
                    severity=Severity.HIGH,
                    severity_source="policy",
                    fixable=Fixable.NO,
                    title=f"Licence of {package.name}: {said}",
                )


def refused(names: Sequence[str], licences: Licences) -> str:
    """The licence that is refused, as an id; empty when all may be used."""
    if not any(name.strip() for name in names):
        return UNKNOWN if licences.unknown == "fail" else ""
    return next((_id(name) for name in names if not passes(name, licences)), "")


def passes(expression: str, licences: Licences) -> bool:
    """Whether an expression leaves a choice that the policy lets pass."""
    tokens = _TOKEN.findall(expression)
    if len(expression) <= _LONGEST and {"AND", "OR", "WITH"} & {token.upper() for token in tokens}:
        parsed = _Expression(tokens, licences)
        choice = parsed.either()
        if parsed.done:
            return choice
    return _allowed(expression.strip(), licences)


def _allowed(name: str, licences: Licences) -> bool:
    if any(_like(name, pattern) for pattern in licences.deny):
        return False
    return not licences.allow or any(_like(name, pattern) for pattern in licences.allow)


def _like(name: str, pattern: str) -> bool:
    return fnmatchcase(name.casefold(), pattern.casefold())


def _id(name: str) -> str:
    """A licence's name as a finding's id: one word, not a page."""
    return "-".join(name.split())[:64] or UNKNOWN


class _Expression:
    """Reads an expression from left to right; what is no expression is not ``done`` afterwards."""

    def __init__(self, tokens: Sequence[str], licences: Licences) -> None:
        self._tokens, self._licences, self._at = tokens, licences, 0

    @property
    def done(self) -> bool:
        """Whether all of it was an expression."""
        return self._at == len(self._tokens)

    def either(self) -> bool:
        """Alternatives: one that passes is enough."""
        passed = self._all()
        while self._next("OR"):
            passed = self._all() or passed
        return passed

    def _all(self) -> bool:
        passed = self._one()
        while self._next("AND"):
            passed = self._one() and passed
        return passed

    def _one(self) -> bool:
        if self._next("("):
            passed = self.either()
            return self._next(")") and passed
        name = self._word()
        if self._next("WITH"):
            name = f"{name} WITH {self._word()}"
            return _allowed(name, self._licences) and (
                _allowed(name.partition(" ")[0], self._licences)
                or any(_like(name, pattern) for pattern in self._licences.allow)
            )
        return bool(name) and _allowed(name, self._licences)

    def _word(self) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at] not in {"(", ")"}:
            self._at += 1
            return self._tokens[self._at - 1]
        self._at = len(self._tokens) + 1  # no expression
        return ""

    def _next(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at].upper() == word:
            self._at += 1
            return True
        return False
