"""The alias's function URL, and who may call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from modelway.adapters.aws_errors import code, translated
from modelway.core.plan import Need
from modelway.targets.aws_lambda.reasons import refused
from modelway.targets.aws_lambda.settings import ALIAS

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.literals import FunctionUrlAuthTypeType

NEED = "url"
_AUTH: dict[str, FunctionUrlAuthTypeType] = {"iam": "AWS_IAM", "public": "NONE"}
_OPEN, _VIA = "modelway-public-url", "modelway-public-invoke"
"""Statements of the resource policy that let everybody in: since October 2025 it takes both.

docs.aws.amazon.com/lambda/latest/dg/urls-auth.html.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """The URL of one function's alias; it stays the same from release to release."""

    client: LambdaClient
    function: str

    def look(self, wanted: str) -> tuple[Need, ...]:
        """What is to be done so that the alias, which is there, has the URL that is wanted.

        Late: callers of a version that fails keep the URL they have, and nobody else gets one.
        """
        now = self._auth()
        if now == _AUTH.get(wanted):
            return ()
        alias = f"{self.function}:{ALIAS}"
        if not wanted:
            return (Need(id=NEED, words=f"remove the function URL of {alias}", late=True),)
        who = "everybody" if wanted == "public" else "callers with IAM permission"
        return (Need(id=NEED, words=f"give {alias} a function URL for {who}", late=True),)

    def _auth(self) -> FunctionUrlAuthTypeType | None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"read the function URL of {self.function}", service="lambda"):
            try:
                found = self.client.get_function_url_config(FunctionName=self.function, Qualifier=ALIAS)
            except ClientError as error:
                if code(error) == "ResourceNotFoundException":
                    return None
                raise
        return found["AuthType"]

    def found(self) -> str:
        """The URL the alias has, as a config says it; empty for none."""
        now = self._auth()
        return next((said for said, auth in _AUTH.items() if auth == now), "")

    def set(self, wanted: str) -> None:
        """Make, change or remove it; the policy first where it opens, last where it closes."""
        now, auth = self._auth(), _AUTH.get(wanted)
        if auth == "NONE":
            self._let_everybody_in()
        with translated(f"set the function URL of {self.function}", service="lambda"):
            if auth is None:
                self._unless("ResourceNotFoundException", self._delete)
            elif now is None:
                self._unless("ResourceConflictException", lambda: self._create(auth))
            elif now != auth:
                self._unless("", lambda: self._update(auth))
        if auth != "NONE":
            self._let_nobody_in()

    def restore(self, wanted: str) -> None:
        """Make it what it was with the version gone back to; one look where it still is."""
        if self.found() != wanted:
            self.set(wanted)

    def _create(self, auth: FunctionUrlAuthTypeType) -> None:
        self.client.create_function_url_config(FunctionName=self.function, Qualifier=ALIAS, AuthType=auth)

    def _update(self, auth: FunctionUrlAuthTypeType) -> None:
        self.client.update_function_url_config(FunctionName=self.function, Qualifier=ALIAS, AuthType=auth)

    def _delete(self) -> None:
        self.client.delete_function_url_config(FunctionName=self.function, Qualifier=ALIAS)

    def _let_everybody_in(self) -> None:
        with translated(f"let everybody call the URL of {self.function}", service="lambda"):
            self._unless(
                "ResourceConflictException",
                lambda: self.client.add_permission(
                    FunctionName=self.function,
                    Qualifier=ALIAS,
                    StatementId=_OPEN,
                    Action="lambda:InvokeFunctionUrl",
                    Principal="*",
                    FunctionUrlAuthType="NONE",
                ),
            )
            self._unless(
                "ResourceConflictException",
                lambda: self.client.add_permission(
                    FunctionName=self.function,
                    Qualifier=ALIAS,
                    StatementId=_VIA,
                    Action="lambda:InvokeFunction",
                    Principal="*",
                    InvokedViaFunctionUrl=True,
                ),
            )

    def _let_nobody_in(self) -> None:
        with translated(f"close the URL of {self.function}", service="lambda"):
            for statement in (_OPEN, _VIA):
                self._unless(
                    "ResourceNotFoundException",
                    partial(
                        self.client.remove_permission,
                        FunctionName=self.function,
                        Qualifier=ALIAS,
                        StatementId=statement,
                    ),
                )

    def _unless(self, harmless: str, call: Callable[[], object]) -> None:
        """Do something that may be done already."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        try:
            call()
        except ClientError as error:
            if code(error) != harmless:
                raise refused(error, self.client.meta.region_name) from error
