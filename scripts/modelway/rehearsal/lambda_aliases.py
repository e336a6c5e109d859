"""Lambda's aliases and what is kept ready behind them: one or two versions, and provisioned concurrency."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from modelway.core.json import Json, JsonObject
from modelway.rehearsal.endpoints import Answer
from modelway.rehearsal.lambda_environments import Environments
from modelway.rehearsal.lambda_state import (
    LATEST,
    Alias,
    Function,
    Place,
    Provisioned,
    Version,
    check_revision,
    conflict,
    every_function,
    find,
    invalid,
    missing,
)
from modelway.rehearsal.refusals import refusal

_INIT_SECONDS = 120
"""How long a start of a provisioned environment may take here."""
_QUOTA = 1000
"""Concurrent executions of an account and region (Lambda quotas)."""
_INIT_FAILED = "FUNCTION_ERROR_INIT_FAILURE"


@dataclass(frozen=True, slots=True)
class AliasOperations:
    """One method an operation; what they return is the operation's output."""

    environments: Environments

    NAMES = (
        *("create_alias", "update_alias", "get_alias", "list_aliases", "delete_alias"),
        *("put_provisioned_concurrency_config", "get_provisioned_concurrency_config"),
        *("delete_provisioned_concurrency_config", "list_provisioned_concurrency_configs"),
        *("get_account_settings",),
    )

    def create_alias(self, place: Place, asked: JsonObject) -> Answer:
        """CreateAlias."""
        function, _ = find(place, asked)
        name = str(asked["Name"])
        with function.lock:
            if name in function.aliases:
                raise conflict(f"Alias already exists: {function.arn}:{name}")
            number, weights = str(asked["FunctionVersion"]), weights_of(asked)
            check_routes(function, number, weights)
            alias = Alias(
                name=name, version=number, weights=weights, description=str(asked.get("Description") or "")
            )
            function.aliases[name] = alias
            return alias.describe(function.arn)

    def update_alias(self, place: Place, asked: JsonObject) -> Answer:
        """UpdateAlias: what is not named stays, and an empty routing ends it."""
        function, _ = find(place, asked)
        with function.lock:
            alias = _alias(function, asked)
            check_revision(asked.get("RevisionId"), alias.revision, "GetAlias")
            number = str(asked.get("FunctionVersion") or alias.version)
            weights = alias.weights if asked.get("RoutingConfig") is None else weights_of(asked)
            check_routes(function, number, weights)
            if asked.get("Description") is not None:
                alias.description = str(asked["Description"])
            if number != alias.version and not weights:
                weights = _held(function, alias, number)
            moved = (number, weights) != (alias.version, alias.weights)
            alias.version, alias.weights, alias.credit = number, weights, 0.0
            alias.revision = str(uuid.uuid4())
            if moved and alias.name in function.provisioned:
                self._provision(function, alias.name)
            return alias.describe(function.arn)

    def get_alias(self, place: Place, asked: JsonObject) -> Answer:
        """GetAlias."""
        function, _ = find(place, asked)
        return _alias(function, asked).describe(function.arn)

    def list_aliases(self, place: Place, asked: JsonObject) -> Answer:
        """ListAliases, on one page."""
        function, _ = find(place, asked)
        wanted = asked.get("FunctionVersion")
        found = [a for a in function.aliases.values() if wanted in {None, a.version, *a.weights}]
        return {"Aliases": [alias.describe(function.arn) for alias in found]}

    def delete_alias(self, place: Place, asked: JsonObject) -> Answer:
        """DeleteAlias: no error where there is none."""
        function, _ = find(place, asked)
        function.aliases.pop(str(asked["Name"]), None)
        function.provisioned.pop(str(asked["Name"]), None)
        function.urls.pop(str(asked["Name"]), None)
        return {}

    def put_provisioned_concurrency_config(self, place: Place, asked: JsonObject) -> Answer:
        """PutProvisionedConcurrencyConfig: on its way until the environments are ready."""
        function, qualifier = find(place, asked)
        wanted = int(str(asked["ProvisionedConcurrentExecutions"]))
        with function.lock:
            if qualifier in {None, LATEST}:
                raise invalid(
                    "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
                )
            function.target(qualifier)
            alias = function.aliases.get(str(qualifier))
            if alias and alias.weights:
                raise invalid("Alias with weights can not be used with Provisioned Concurrency")
            self._check_limit(function, str(qualifier), wanted)
            before = function.provisioned.get(str(qualifier))
            behind, turn = (before.behind, before.turn) if before else (None, 0)
            function.provisioned[str(qualifier)] = Provisioned(wanted=wanted, behind=behind, turn=turn)
            self._provision(function, str(qualifier))
            return function.provisioned[str(qualifier)].describe()

    def _check_limit(self, function: Function, qualifier: str, wanted: int) -> None:
        """What may be provisioned in an account is what the control says, where it says anything."""
        most = self.environments.limits.left(function.account)
        now = function.provisioned.get(qualifier)
        if most is not None and wanted - (now.wanted if now else 0) > most:
            message = (
                "Specified ConcurrentExecutions for function decreases account's "
                "UnreservedConcurrentExecution below its minimum value of [100]."
            )
            raise invalid(message)

    def _provision(self, function: Function, qualifier: str) -> None:
        """Start what the qualifier names, and say when it is ready."""
        config = function.provisioned[qualifier]
        config.status, config.reason, config.turn = "IN_PROGRESS", "", config.turn + 1
        alias = function.aliases.get(qualifier)
        numbers = (alias.version, *alias.weights) if alias else (qualifier,)
        versions = [function.version(number) for number in numbers]
        work = (function, qualifier, config.turn, versions)
        threading.Thread(target=self._warm, args=work, daemon=True).start()

    def _warm(self, function: Function, qualifier: str, turn: int, versions: list[Version]) -> None:
        """Start them; once all are ready, an alias whose traffic was held sends it on."""
        failed = [v for v in versions if self.environments.of(function, v).warm(_INIT_SECONDS) is not None]
        with function.lock:
            config, alias = function.provisioned.get(qualifier), function.aliases.get(qualifier)
            if config is None or config.turn != turn:
                return
            if failed:
                config.status, config.reason = "FAILED", _INIT_FAILED
                return
            if alias and alias.weights == _held(function, alias, alias.version):
                alias.weights, alias.revision = {}, str(uuid.uuid4())
            config.status, config.behind = "READY", alias.version if alias else qualifier

    def get_provisioned_concurrency_config(self, place: Place, asked: JsonObject) -> Answer:
        """GetProvisionedConcurrencyConfig."""
        function, qualifier = find(place, asked)
        function.target(qualifier)
        config = function.provisioned.get(str(qualifier))
        if config is None:
            message = f"No Provisioned Concurrency Config found for this function: {function.arn}:{qualifier}"
            raise refusal(message, "ProvisionedConcurrencyConfigNotFoundException")
        return config.describe()

    def delete_provisioned_concurrency_config(self, place: Place, asked: JsonObject) -> Answer:
        """DeleteProvisionedConcurrencyConfig."""
        function, qualifier = find(place, asked)
        function.provisioned.pop(str(qualifier), None)
        return {}

    def list_provisioned_concurrency_configs(self, place: Place, asked: JsonObject) -> Answer:
        """ListProvisionedConcurrencyConfigs, on one page."""
        function, _ = find(place, asked)
        found = [
            {"FunctionArn": f"{function.arn}:{qualifier}", **config.describe()}
            for qualifier, config in function.provisioned.items()
        ]
        return {"ProvisionedConcurrencyConfigs": found}

    def get_account_settings(self, place: Place, asked: JsonObject) -> Answer:
        """GetAccountSettings: a new account's quota, less what is provisioned."""
        del asked
        mine = [f for f in every_function() if (f.account, f.region) == (place.account, place.region)]
        taken = sum(each.wanted for function in mine for each in function.provisioned.values())
        limit: Answer = {
            "ConcurrentExecutions": _QUOTA,
            "UnreservedConcurrentExecutions": _QUOTA - taken,
            "CodeSizeUnzipped": 262144000,
            "CodeSizeZipped": 52428800,
            "TotalCodeSize": 80530636800,
        }
        return {"AccountLimit": limit, "AccountUsage": {"FunctionCount": len(mine), "TotalCodeSize": 0}}


def _held(function: Function, alias: Alias, number: str) -> Mapping[str, float]:
    """The traffic stays where environments are ready until they are so behind the version named now.

    hashicorp/terraform-provider-aws#48116; an empty routing that names no other version ends it.
    """
    config = function.provisioned.get(alias.name)
    behind = config.behind if config else None
    return {behind: 1.0} if behind and behind != number else {}


def weights_of(asked: JsonObject) -> Mapping[str, float]:
    """The other version's share."""
    routing = asked.get("RoutingConfig")
    given: Json = routing.get("AdditionalVersionWeights") if isinstance(routing, Mapping) else None
    return {key: float(str(value)) for key, value in given.items()} if isinstance(given, Mapping) else {}


def check_routes(function: Function, number: str, weights: Mapping[str, float]) -> None:
    """Refuse what an alias cannot point at (its guide, configuring-alias-routing)."""
    first = function.version(number)
    if not weights:
        return
    if LATEST in {number, *weights}:
        raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    [(other, weight)] = weights.items()
    if other == number:
        raise invalid(f"Function version {other} is already included in routing configuration.")
    if not 0 <= weight <= 1:
        raise invalid(f"The weight {weight} is outside of 0.0 to 1.0")
    if function.version(other).settings.role != first.settings.role:
        raise invalid("The execution roles of the function versions an alias points to must be the same")


def _alias(function: Function, asked: JsonObject) -> Alias:
    found = function.aliases.get(str(asked["Name"]))
    if found is None:
        raise missing(f"Cannot find alias arn: {function.arn}:{asked['Name']}")
    return found
