"""What only one environment of one model can have: two would overwrite each other's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from modelway.core.config import Environment, ModelConfig
from modelway.core.json import Json, JsonObject
from modelway.core.naming import pointer_name
from modelway.core.problem import Problem


class _Owner(NamedTuple):
    """Who had it first."""

    file: str
    environment: str


class _Place(NamedTuple):
    """Where an environment is."""

    environment: str
    target: str
    account: str
    region: str


class _Model(NamedTuple):
    """What is kept of a config: of thousands, so little."""

    file: str
    places: tuple[_Place, ...]


@dataclass(slots=True)
class Collisions:
    """Configs read one after the other; of two that have the same thing, the later one is wrong."""

    _models: dict[str, _Model] = field(default_factory=dict)
    """By name."""
    _places: dict[tuple[_Place, ...], tuple[_Place, ...]] = field(default_factory=dict)
    """Each list of places once: most models share theirs."""
    _routes: dict[str, _Owner] = field(default_factory=dict)
    """Target groups and listener rules, by ARN."""

    def problems(self, config: ModelConfig) -> Iterator[Problem]:
        """What this config has that one before it, or another environment of it, has already."""
        places = tuple(
            _Place(one.name, one.target, one.account, one.region) for one in config.environments.values()
        )
        own = _Model(config.path, self._places.setdefault(places, places))
        first = self._models.setdefault(config.name, own)
        if first.file != config.path:
            message = f"the model {config.name!r} is defined in {first.file} already"
            yield _problem(config, message, "Give it another name: resources are named by it.")
            return
        for place in config.environments.values():
            yield from self._pointer(config, place)
            yield from self._balancer(config, place)

    def _pointer(self, config: ModelConfig, place: Environment) -> Iterator[Problem]:
        """Two names that join to one: ``a`` in ``b-c`` and ``a-b`` in ``c`` would be one endpoint."""
        name = pointer_name(config, place)
        parts = name.split("-")
        for count in range(1, len(parts)):
            model, environment = "-".join(parts[:count]), "-".join(parts[count:])
            first = self._models.get(model)
            there = _Place(environment, place.target, place.account, place.region)
            if first and model != config.name and there in first.places:
                message = (
                    f"{config.name} in {place.name} is called {name} on {place.target}, as is what "
                    f"{first.file} names in {environment}, in the same account and region"
                )
                cure = "Give the model or the environment another name: resources are named by both."
                yield _problem(config, message, cure)

    def _balancer(self, config: ModelConfig, place: Environment) -> Iterator[Problem]:
        """Two services in a target group get each other's requests; a rule sends them to one of the two."""
        owner = _Owner(config.path, place.name)
        for arn in _routes(place.settings):
            first = self._routes.setdefault(arn, owner)
            if first != owner:
                there = (
                    first.environment if first.file == config.path else f"{first.file}, {first.environment}"
                )
                cure = "Give each environment of a model target groups and a listener rule of its own."
                yield _problem(config, f"{config.name} in {place.name} has {arn}, as {there} does", cure)


def _routes(settings: JsonObject) -> Iterator[str]:
    """The target groups and listener rules of a service, each once."""
    balancer = settings.get("load_balancer")
    if not isinstance(balancer, dict):
        return
    groups: Json = balancer.get("target_groups")
    named = [*(groups if isinstance(groups, list | tuple) else ())]
    named += [balancer.get("listener_rule"), balancer.get("test_listener_rule")]
    yield from dict.fromkeys(arn for arn in named if isinstance(arn, str))


def _problem(config: ModelConfig, message: str, cure: str) -> Problem:
    """A problem of the whole file."""
    return Problem(file=config.path, line=1, column=1, message=message, cure=cure)
