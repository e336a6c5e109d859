"""Looks for secrets in bytes: literals first, then a pattern where one stands; bounded whatever the bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from modelway.core.findings import Severity
from modelway.scanners.builtin.secrets.narrow import narrowed
from modelway.scanners.builtin.secrets.rule import Rule
from modelway.scanners.builtin.secrets.rules import RULES

AHEAD = 4096
"""No pattern looks further ahead than this; a stream's pieces overlap by as much."""
BACK = 256
"""No pattern looks further back."""
CANDIDATES = 1_000_000
"""How many literals of one rule are tried in one file, at most 6 µs each: more were made to keep us busy."""
CANDIDATES_BACK = 20_000
"""The same, where each try looks through all of a window."""
HITS = 50
"""How many secrets of one rule are kept of one file: more say nothing new."""
_INSTALLED = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules)/|^usr/(?:share|include|lib/python3|lib/git-core|lib/perl)"
    r"|(?:^|/)lib/python3\.\d+/"
)
_EXAMPLES = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules)/(?:.*/)?(?:(?:tests?|testing)(?:_[^/]*)?|testdata|[^/]*_test|examples?)(?:/|\.py\Z)"
    r"|^usr/share/(?:doc|man|perl)"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A secret in a text."""

    rule: Rule
    secret: bytes
    line: int
    severity: Severity


@dataclass(slots=True)
class Search:
    """One text, in one piece or several."""

    path: str
    hits: list[Hit] = field(default_factory=list)
    crowded: set[str] = field(default_factory=set)
    """Rules of which there were too many candidates to try them all."""
    _rules: Sequence[Rule] = ()
    _tried: dict[str, int] = field(default_factory=dict)
    _known: set[bytes] = field(default_factory=set)
    _line: int = 1
    _tail: bytes = b""
    _looked: int = 0
    """How much of the tail was looked through already; it is kept for what looks back."""

    def __post_init__(self) -> None:
        self._rules = rules_for(self.path)

    @property
    def begun(self) -> bool:
        """Whether a first piece was looked through."""
        return bool(self._tail)

    def feed(self, piece: bytes, *, last: bool) -> None:
        """Look through the next piece; all but the last should be longer than ``AHEAD``."""
        data, start = self._tail + piece, self._looked
        end = len(data) if last else max(start, len(data) - AHEAD)
        for rule in self._rules:
            if rule.short:
                self._look(rule, data, start, end)
        tokens = narrowed(data)
        folded = tokens.lower()
        for rule in self._rules:
            text = folded if rule.folded else tokens
            if not rule.short and any(literal in text for literal in rule.literals):
                self._look(rule, data, start, end)
        kept = max(0, end - BACK)
        self._tail, self._looked = data[kept:], end - kept
        self._line += data.count(b"\n", 0, kept)

    def _look(self, rule: Rule, data: bytes, start: int, end: int) -> None:
        """Try a rule wherever one of its literals stands between two places."""
        for at in _places(rule, data, start, end):
            tried = self._tried[rule.id] = self._tried.get(rule.id, 0) + 1
            if tried > (CANDIDATES_BACK if rule.back else CANDIDATES):
                self.crowded.add(rule.id)
                return
            found = _match(rule, data, at)
            if found is None or found[1] in self._known:
                continue
            severity = rule.judge(found[1])
            if severity is None:
                continue
            if sum(hit.rule is rule for hit in self.hits) >= HITS:
                self.crowded.add(rule.id)
                return
            self._known.add(found[1])
            line = self._line + data.count(b"\n", 0, found.start(1))
            self.hits.append(Hit(rule, found[1], line, _eased(severity, self.path)))


def rules_for(path: str) -> tuple[Rule, ...]:
    """The rules that concern a file of this path."""
    installed = _INSTALLED.search(path) is not None
    return tuple(
        rule
        for rule in RULES
        if (rule.path is None or rule.path.search(path)) and not (rule.own and installed)
    )


def is_example(path: str) -> bool:
    """Whether a file belongs to an installed package's own tests or documentation, which are public."""
    return _EXAMPLES.search(path) is not None


def _eased(severity: Severity, path: str) -> Severity:
    """What everybody can download is no secret of the image's."""
    return Severity.LOW if is_example(path) else severity


def _places(rule: Rule, data: bytes, start: int, end: int) -> Iterator[int]:
    """Where the rule's literals begin, from one place up to another."""
    text = data.lower() if rule.folded else data
    for literal in rule.literals:
        at = text.find(literal, start)
        while 0 <= at < end:
            yield at
            at = text.find(literal, at + len(literal))


def _match(rule: Rule, data: bytes, at: int) -> re.Match[bytes] | None:
    """Try the pattern at a literal, or just before it."""
    if not rule.back:
        return rule.pattern.match(data, at, at + AHEAD)
    return rule.pattern.search(data, max(0, at - rule.back), at + AHEAD)
