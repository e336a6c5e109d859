"""How a function is named and reached: its tags, function URLs, and who else may call it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from modelway.core.json import JsonObject
from modelway.rehearsal.context import Context
from modelway.rehearsal.endpoints import Answer
from modelway.rehearsal.lambda_functions import check_tags
from modelway.rehearsal.lambda_state import (
    LATEST,
    Function,
    Place,
    conflict,
    every_function,
    find,
    invalid,
    missing,
    parse_name,
)

URL_PATH = "/_url/"
"""Where this cloud answers a function's URL: AWS has a host name for each."""


@dataclass(frozen=True, slots=True)
class AccessOperations:
    """One method an operation; what they return is the operation's output."""

    context: Context

    NAMES = (
        *("tag_resource", "untag_resource", "list_tags", "add_permission", "remove_permission", "get_policy"),
        *("create_function_url_config", "get_function_url_config", "update_function_url_config"),
        *("delete_function_url_config",),
    )

    def tag_resource(self, place: Place, asked: JsonObject) -> Answer:
        """TagResource, of functions: versions and aliases have no tags."""
        function, tags = self._tagged(place, asked), asked.get("Tags")
        given = {key: str(value) for key, value in tags.items()} if isinstance(tags, Mapping) else {}
        check_tags({**function.tags, **given})
        function.tags.update(given)
        return {}

    def untag_resource(self, place: Place, asked: JsonObject) -> Answer:
        """UntagResource."""
        function, keys = self._tagged(place, asked), asked.get("TagKeys")
        for key in keys if isinstance(keys, list) else [keys]:
            function.tags.pop(str(key), None)
        return {}

    def list_tags(self, place: Place, asked: JsonObject) -> Answer:
        """ListTags."""
        return {"Tags": dict(self._tagged(place, asked).tags)}

    def _tagged(self, place: Place, asked: JsonObject) -> Function:
        resource = str(asked["Resource"])
        if parse_name(resource)[1]:
            message = "Tags on function aliases and versions are not supported. Specify a function ARN."
            raise invalid(message)
        return find(place, {"FunctionName": resource})[0]

    def add_permission(self, place: Place, asked: JsonObject) -> Answer:
        """AddPermission."""
        function, qualifier = find(place, asked)
        function.target(qualifier)
        name, statements = str(asked["StatementId"]), function.policies[qualifier or LATEST]
        if name in statements:
            raise conflict(f"The statement id ({name}) provided already exists.")
        statement: Answer = {
            "Sid": name,
            "Effect": "Allow",
            "Principal": _principal(str(asked["Principal"])),
            "Action": asked["Action"],
            "Resource": f"{function.arn}:{qualifier}" if qualifier else function.arn,
        }
        conditions = {
            "lambda:FunctionUrlAuthType": asked.get("FunctionUrlAuthType"),
            "lambda:InvokedViaFunctionUrl": asked.get("InvokedViaFunctionUrl"),
        }
        kept = {key: str(value) for key, value in conditions.items() if value is not None}
        if kept:
            statement["Condition"] = {"StringEquals": kept}
        statements[name] = statement
        return {"Statement": json.dumps(statement)}

    def remove_permission(self, place: Place, asked: JsonObject) -> Answer:
        """RemovePermission."""
        function, qualifier = find(place, asked)
        if function.policies[qualifier or LATEST].pop(str(asked["StatementId"]), None) is None:
            raise missing(f"Statement {asked['StatementId']} is not found in resource policy.")
        return {}

    def get_policy(self, place: Place, asked: JsonObject) -> Answer:
        """GetPolicy."""
        function, qualifier = find(place, asked)
        statements = list(function.policies[qualifier or LATEST].values())
        if not statements:
            raise missing("The resource you requested does not exist.")
        document = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        return {"Policy": json.dumps(document), "RevisionId": function.latest.shown_revision}

    def create_function_url_config(self, place: Place, asked: JsonObject) -> Answer:
        """CreateFunctionUrlConfig, of an alias or of $LATEST."""
        function, qualifier = find(place, asked)
        key = qualifier or LATEST
        if qualifier and qualifier not in function.aliases:
            raise missing(f"Function not found: {function.arn}:{qualifier}")
        if key in function.urls:
            raise conflict(f"FunctionUrlConfig exists for this Lambda function: {function.arn}:{key}")
        made: Answer = {
            "FunctionUrl": f"http://{self.context.address}{URL_PATH}{secrets.token_hex(16)}/",
            "FunctionArn": f"{function.arn}:{qualifier}" if qualifier else function.arn,
            "AuthType": asked["AuthType"],
            "CreationTime": _now(),
            "InvokeMode": asked.get("InvokeMode") or "BUFFERED",
        }
        function.urls[key] = made | ({"Cors": asked["Cors"]} if asked.get("Cors") else {})
        return function.urls[key]

    def get_function_url_config(self, place: Place, asked: JsonObject) -> Answer:
        """GetFunctionUrlConfig."""
        function, qualifier = find(place, asked)
        found = function.urls.get(qualifier or LATEST)
        if found is None:
            raise missing("The resource you requested does not exist.")
        return {"LastModifiedTime": found["CreationTime"], **found}

    def update_function_url_config(self, place: Place, asked: JsonObject) -> Answer:
        """UpdateFunctionUrlConfig."""
        found = self.get_function_url_config(place, asked)
        function, qualifier = find(place, asked)
        changed = {k: asked[k] for k in ("AuthType", "Cors", "InvokeMode") if asked.get(k) is not None}
        function.urls[qualifier or LATEST] = {**found, **changed, "LastModifiedTime": _now()}
        return function.urls[qualifier or LATEST]

    def delete_function_url_config(self, place: Place, asked: JsonObject) -> Answer:
        """DeleteFunctionUrlConfig."""
        self.get_function_url_config(place, asked)
        function, qualifier = find(place, asked)
        del function.urls[qualifier or LATEST]
        return {}


def by_url(url: str) -> tuple[Function, str, str] | None:
    """The function, qualifier and authentication behind a function URL."""
    for function in every_function():
        for qualifier, config in function.urls.items():
            if str(config["FunctionUrl"]).endswith(url):
                return function, qualifier, str(config["AuthType"])
    return None


def is_public(function: Function, qualifier: str) -> bool:
    """Whether the resource policy lets everybody call the URL: both actions, since October 2025."""
    actions = {each["Action"] for each in function.policies[qualifier].values() if each["Principal"] == "*"}
    return {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"} <= actions


def _principal(given: str) -> object:
    if given == "*":
        return "*"
    return {"Service": given} if given.endswith(".amazonaws.com") else {"AWS": given}


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
