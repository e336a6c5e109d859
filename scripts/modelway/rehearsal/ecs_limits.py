"""What there is too little of for ECS, when somebody asks for it through ``/_rehearse/services``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelway.core.json import Json, JsonObject


@dataclass(slots=True, kw_only=True)
class Limits:
    """Limits of all accounts."""

    startup_seconds: float = 60.0
    """No task gets longer than this to become healthy, whatever its health check says."""
    capacity: dict[str, int] = field(default_factory=dict)
    """Tasks a launch type or capacity provider has room for in one revision; one not named never runs out."""

    def room(self, kind: str, tasks: int) -> bool:
        """Whether so many tasks can be placed."""
        return tasks <= self.capacity.get(kind, tasks)

    def set(self, payload: JsonObject) -> Json:
        """Change one of ``capacity``, ``startup_seconds``; answer both."""
        match payload:
            case {"capacity": Mapping() as capacity}:
                self.capacity = {kind: count for kind, count in capacity.items() if isinstance(count, int)}
            case {"startup_seconds": int() | float() as seconds}:
                self.startup_seconds = float(seconds)
            case _:
                msg = f"expected one of capacity, startup_seconds; got {sorted(payload)}"
                raise ValueError(msg)
        return {"capacity": dict(self.capacity), "startup_seconds": self.startup_seconds}
