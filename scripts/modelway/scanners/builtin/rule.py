"""What a rule says of itself: of misconfigurations and of model files."""

from __future__ import annotations

from dataclasses import dataclass

from modelway.core.findings import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that can be wrong."""

    id: str
    severity: Severity
    title: str
    why: str
    cure: str

    @property
    def remark(self) -> str:
        """Why it matters and what to do, in one line."""
        return f"{self.why}; {self.cure}"
