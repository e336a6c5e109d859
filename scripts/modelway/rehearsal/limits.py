"""What there is too little of, when somebody asks for it through ``/_rehearse/endpoints``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelway.core.json import Json, JsonObject


@dataclass(slots=True, kw_only=True)
class Limits:
    """Limits of all accounts."""

    startup_seconds: float = 60.0
    """No container gets longer than this to become healthy, whatever the endpoint config says."""
    capacity: dict[str, int] = field(default_factory=dict)
    """Instances there are of a type for a new fleet; a type not named here never runs out."""
    silent_rollback: bool = False
    """Leave ``FailureReason`` empty after a rollback, as SageMaker was seen to do."""

    def set(self, payload: JsonObject) -> Json:
        """Change one of ``capacity``, ``startup_seconds``, ``silent_rollback``; answer all of them."""
        match payload:
            case {"capacity": Mapping() as capacity}:
                self.capacity = {kind: count for kind, count in capacity.items() if isinstance(count, int)}
            case {"startup_seconds": int() | float() as seconds}:
                self.startup_seconds = float(seconds)
            case {"silent_rollback": bool() as silent}:
                self.silent_rollback = silent
            case _:
                msg = f"expected one of capacity, startup_seconds, silent_rollback; got {sorted(payload)}"
                raise ValueError(msg)
        return {
            "capacity": dict(self.capacity),
            "startup_seconds": self.startup_seconds,
            "silent_rollback": self.silent_rollback,
        }
