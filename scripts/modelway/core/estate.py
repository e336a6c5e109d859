"""What modelway made for a model in one environment, as values: what `retire` lists and takes away."""

from __future__ import annotations

from dataclasses import dataclass

from modelway.errors import Differs


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing modelway made: by its name a second run knows it again."""

    kind: str
    """The target's own word, as ``endpoint`` or ``alarm``."""
    name: str
    words: str
    """What goes, for people: ``the function iris-production with its alias live and versions 1, 2``."""
    going: bool = False
    """Somebody asked for its end already, and it is not over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Everything of one model in one environment, in the order it is taken away."""

    environment: str
    account: str
    region: str
    things: tuple[Thing, ...]
    requests: int | None
    """How often the model was asked here in the last minutes; ``None`` where nobody counts."""

    @property
    def use(self) -> str:
        """That it is used, or may be, for people; empty where nobody asks it."""
        where = f"in {self.environment}"
        if self.requests is None:
            return f"nobody counts them {where}: it runs without a load balancer"
        return f"{self.requests} {where}" if self.requests else ""


def words(model: str, removal: Removal) -> str:
    """A removal as people read it."""
    where = f"{model} in {removal.environment} ({removal.account}, {removal.region})"
    if not removal.things:
        return f"{where}: nothing modelway made is left"
    lines = [f"{where}: would be deleted, in this order"]
    return "\n".join([*lines, *(f"  {n}. {thing.words}" for n, thing in enumerate(removal.things, 1))])


def json(model: str, removal: Removal) -> dict[str, object]:
    """A removal as programs read it."""
    return {
        "model": model,
        "environment": removal.environment,
        "account": removal.account,
        "region": removal.region,
        "requests": removal.requests,
        "things": [{"kind": one.kind, "name": one.name, "words": one.words} for one in removal.things],
    }


def made_by_others(what: str, delete: str) -> Differs:
    """What has the traffic is not modelway's to delete: it was adopted, or somebody made it anew."""
    seen = "It lacks the tags modelway gives to what it creates: it was adopted, or somebody made it anew."
    cure = f"If it is to go, delete it yourself, then run this again for the rest: {delete}"
    return Differs(f"{what} was not made by modelway", seen=seen, cure=cure)
