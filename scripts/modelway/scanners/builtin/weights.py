"""The builtin scanner's part for weights; what reads model files is imported when there are some to read."""

from __future__ import annotations

from collections.abc import Iterator

from modelway.core.report import Report
from modelway.core.version import Artifact

GENERATION = 1
"""Raised when the same artifact begins to give another report."""


class Weights:
    """Implements ``ports.WeightsScanner``."""

    name = f"weights-{GENERATION}"

    def look(self, chunks: Iterator[bytes], artifact: Artifact, /) -> Report:
        """Report on the bytes of an artifact; what is in them is never raised for."""
        from modelway.scanners.builtin.models.artifact import look  # noqa: PLC0415 - a tenth of a second

        return look(chunks, artifact, self.name)
