"""CVSS base scores of vectors, and the words for them (FIRST, CVSS v3.1 section 7, v2 section 3.2).

Version 4 scores need FIRST's lookup table; advisories that have a v4 vector also say the word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from modelway.core.findings import Severity

_V3 = re.compile(r"CVSS:3\.[01]((?:/[A-Za-z]{1,4}:[A-Za-z])+)\Z")
_V2 = re.compile(r"AV:([LAN])/AC:([HML])/Au:([MSN])/C:([NPC])/I:([NPC])/A:([NPC])(?:/.*)?\Z")
_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0},
    "I": {"H": 0.56, "L": 0.22, "N": 0},
    "A": {"H": 0.56, "L": 0.22, "N": 0},
}
_PRIVILEGES: Mapping[str, Mapping[str, float]] = {
    "U": {"N": 0.85, "L": 0.62, "H": 0.27},
    "C": {"N": 0.85, "L": 0.68, "H": 0.5},
}
_V2_WEIGHTS = (
    {"L": 0.395, "A": 0.646, "N": 1.0},
    {"H": 0.35, "M": 0.61, "L": 0.71},
    {"M": 0.45, "S": 0.56, "N": 0.704},
)
_V2_IMPACT = {"N": 0.0, "P": 0.275, "C": 0.66}
_WORDS = (
    (9.0, Severity.CRITICAL),
    (7.0, Severity.HIGH),
    (4.0, Severity.MEDIUM),
    (0.1, Severity.LOW),
    (0.0, Severity.NEGLIGIBLE),
)


@lru_cache(maxsize=4096)
def base_score(vector: str) -> float | None:
    """The base score of a v3 or v2 vector; ``None`` for one that cannot be scored here."""
    if found := _V3.match(vector):
        metrics = dict(part.split(":") for part in found[1][1:].split("/"))
        try:
            return _v3(metrics)
        except KeyError:
            return None
    if found := _V2.match(vector):
        return _v2(found.groups())
    return None


def word(score: float) -> Severity:
    """The qualitative rating of a v3 score."""
    return next((severity for least, severity in _WORDS if score >= least), Severity.UNKNOWN)


def _v3(metrics: Mapping[str, str]) -> float:
    """Section 7.1 of the specification, rounded up as appendix A rounds."""
    weight = {name: values[metrics[name]] for name, values in _WEIGHTS.items()}
    changed = metrics["S"] == "C"
    privileges = _PRIVILEGES[metrics["S"]][metrics["PR"]]
    base = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if changed else 6.42 * base
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    return _round_up(min((1.08 if changed else 1) * (impact + exploitability), 10))


def _round_up(score: float) -> float:
    """To one decimal, without floating point's surprises."""
    hundred_thousands = round(score * 100_000)
    if hundred_thousands % 10_000 == 0:
        return hundred_thousands / 100_000
    return (hundred_thousands // 10_000 + 1) / 10


def _v2(metrics: Sequence[str]) -> float:
    """Section 3.2.1 of version 2: three metrics of exploitability, three of impact."""
    kept = 1.0
    for metric in metrics[3:]:
        kept *= 1 - _V2_IMPACT[metric]
    impact = 10.41 * (1 - kept)
    exploitability = 20.0
    for weights, metric in zip(_V2_WEIGHTS, metrics[:3], strict=True):
        exploitability *= weights[metric]
    return round((0.6 * impact + 0.4 * exploitability - 1.5) * (1.176 if impact else 0), 1)
