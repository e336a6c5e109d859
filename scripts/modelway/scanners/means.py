"""What a scanner is opened with. No scanner itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelway.adapters.aws import Accounts
    from modelway.core.config import ModelConfig
    from modelway.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Everything a scanner may use beside the image."""

    config: ModelConfig
    """The model: its Dockerfile, and its registry's account and region."""
    root: Path
    """The repository the config's paths are relative to."""
    database: Path
    """The builtin scanner's index of advisories."""
    say: Callable[[str], None]
    """Tells what is going on right now."""
    clock: Clock
    accounts: Callable[[], Accounts]
    """Sessions with AWS accounts, opened when one is needed."""
