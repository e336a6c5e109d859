"""Sessions with AWS accounts: the caller's own where it is that account, an assumed role elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cache, cached_property
from threading import Lock
from typing import TYPE_CHECKING, TypeVar, cast

import modelway
from modelway.adapters.aws_errors import code, translated
from modelway.adapters.clock import from_environment
from modelway.adapters.pacing import Paces
from modelway.errors import Unavailable
from modelway.ports import Clock

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from botocore.credentials import Credentials, DeferredRefreshableCredentials, ReadOnlyCredentials
    from botocore.hooks import HierarchicalEmitter
    from botocore.loaders import Loader
    from botocore.session import Session as Core
    from mypy_boto3_sts import STSClient

C = TypeVar("C")
_OPENING = Lock()
"""One client after the other: a session may not open several at once."""
_SESSION_NAME = "modelway"


@cache
def patient() -> Config:
    """The configuration of ordinary clients: eight attempts with back-off, pinned.

    The default changed to three attempts with botocore 1.44, so it is never left to the default. The name it
    goes by is given whole, because botocore puts its own together twice a call: a twentieth of the time.
    """
    from botocore import __version__  # noqa: PLC0415 - keeps --help fast
    from botocore.config import Config  # noqa: PLC0415 - keeps --help fast

    return Config(
        retries={"mode": "standard", "total_max_attempts": 8},
        connect_timeout=5,
        read_timeout=60,
        user_agent=f"Botocore/{__version__} modelway/{modelway.__version__}",
    )


@cache
def once() -> Config:
    """The configuration of clients that send a request to a model: one attempt, nothing asked twice."""
    from botocore.config import Config  # noqa: PLC0415 - keeps --help fast

    return patient().merge(Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=70))


@cache
def _loader() -> Loader:
    """One reader of service models for all sessions: SageMaker's alone takes a tenth of a second."""
    from modelway.adapters import botocore_files  # noqa: PLC0415 - keeps --help fast

    return botocore_files.Loader()


@cache
def _handlers() -> HierarchicalEmitter:
    """What botocore does at its events: to register it takes 15 ms a session, to copy it one."""
    from botocore.hooks import HierarchicalEmitter  # noqa: PLC0415 - keeps --help fast
    from botocore.session import Session as Core  # noqa: PLC0415 - keeps --help fast

    hooks = HierarchicalEmitter()
    Core(event_hooks=hooks)
    return hooks


def _core(region: str = "") -> Core:
    """A botocore session in a region, or where the caller's settings say."""
    from botocore.session import Session as Core  # noqa: PLC0415 - keeps --help fast

    core = Core(event_hooks=copy(_handlers()), include_builtin_handlers=False)
    core.register_component("data_loader", _loader())
    if region:
        core.set_config_variable("region", region)
    return core


@dataclass(frozen=True, slots=True)
class Session:
    """What modelway uses of boto3's session: clients.

    boto3 itself also imports S3's transfer manager, a tenth of a second each command would pay.
    """

    core: Core
    region: str

    def client(self, service: str, *, region_name: str = "", config: Config | None = None) -> object:
        """A client of the service."""
        return self.core.create_client(service, region_name=region_name or self.region, config=config)


class _Later:
    """Stands for a client until it is asked for something."""

    def __init__(self, opens: Callable[[], object]) -> None:
        self._client = cache(opens)

    def __getattr__(self, name: str) -> object:
        """What the client has."""
        with _OPENING:
            client = self._client()
        return getattr(client, name)


def later(opens: Callable[[], C]) -> C:
    """A client that is opened when it is first used: 25 ms, and not every command asks every service."""
    return cast("C", _Later(opens))


class Accounts:
    """Opens sessions, whose calls keep a pace; asks who the caller is once."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._paces = Paces(clock or from_environment())
        self._sessions: dict[tuple[str, str, str], boto3.Session] = {}
        self._askers: dict[tuple[str, ReadOnlyCredentials], STSClient] = {}

    def session(self, account: str, region: str, role: str) -> boto3.Session:
        """A session in the account; raises ``Unavailable`` naming the role and the trust it needs."""
        key = (account, region, role)
        if key not in self._sessions:
            own = self.caller[0] == account
            opened = Session(_core(region), region) if own else self._assumed(*key)
            self._paces.keep(opened.core, account)
            # Typed as boto3's, whose stubs know what each client can do.
            self._sessions[key] = cast("boto3.Session", opened)
        return self._sessions[key]

    def become(self, account: str, region: str, role: str) -> str:
        """Act by this very role from now on, also where the caller is another of the account; its ARN.

        Raises ``Unavailable`` where the caller neither is the role nor may assume it.
        """
        arn = f"arn:{_partition(region)}:iam::{account}:role/{role}"
        if _principal(self.caller[1]) != arn:
            self._sessions[account, region, role] = cast(
                "boto3.Session", self._assumed(account, region, role)
            )
        return arn

    @cached_property
    def caller(self) -> tuple[str, str]:
        """The caller's account and ARN."""
        with translated("ask who is calling", service="sts"):
            region = str(_core().get_config_variable("region") or "us-east-1")
            answer = self._sts(region).get_caller_identity()
        return answer["Account"], answer["Arn"]

    @cached_property
    def own(self) -> Credentials:
        """The caller's credentials, looked for once: that may be a call, and each takes a file or two."""
        found = _core().get_credentials()
        if found is None:
            from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - keeps --help fast

            raise NoCredentialsError
        return found

    def _sts(self, region: str) -> STSClient:
        """The caller's client of STS in a region, the same one while the credentials are the same."""
        own = self.own.get_frozen_credentials()
        if (region, own) not in self._askers:
            made = _core(region).create_client(
                "sts",
                aws_access_key_id=own.access_key,
                aws_secret_access_key=own.secret_key,
                aws_session_token=own.token,
                config=patient(),
            )
            self._askers[region, own] = cast("STSClient", made)
        return self._askers[region, own]

    def _assumed(self, account: str, region: str, role: str) -> Session:
        """A session of the role, whose credentials renew themselves."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        arn = f"arn:{_partition(region)}:iam::{account}:role/{role}"
        with translated(f"assume the role {arn}", service="sts"):
            credentials = self._renewing(arn, region)
            try:
                credentials.get_frozen_credentials()
            except ClientError as error:
                if code(error) not in {"AccessDenied", "AccessDeniedException"}:
                    raise
                raise self._untrusted(arn, str(error)) from error
        core = _core(region)
        core._credentials = credentials  # type: ignore[attr-defined]  # noqa: SLF001 - botocore has no public way
        return Session(core, region)

    def _renewing(self, arn: str, region: str) -> DeferredRefreshableCredentials:
        """Credentials of the role that botocore renews before they expire."""
        from botocore.credentials import (  # noqa: PLC0415 - keeps --help fast
            AssumeRoleCredentialFetcher,
            DeferredRefreshableCredentials,
        )

        fetcher = AssumeRoleCredentialFetcher(
            client_creator=lambda *_, **_keys: self._sts(region),
            source_credentials=self.own,
            role_arn=arn,
            extra_args={"RoleSessionName": _SESSION_NAME},
        )
        return DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)

    def _untrusted(self, arn: str, seen: str) -> Unavailable:
        """The caller may not assume the role, or there is no such role."""
        caller = self.caller[1]
        trust = {"Effect": "Allow", "Principal": {"AWS": _principal(caller)}, "Action": "sts:AssumeRole"}
        return Unavailable(
            f"{caller} cannot assume the role {arn}",
            seen=seen,
            cure=f"create the role if it is missing, and let its trust policy say {json.dumps(trust)};"
            f" the caller itself needs sts:AssumeRole on {arn}",
        )


def _partition(region: str) -> str:
    """``aws``, or the partition of China or GovCloud."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


def _principal(caller: str) -> str:
    """What a trust policy calls the caller: a role, not one of its sessions."""
    head, _, rest = caller.partition(":assumed-role/")
    if not rest:
        return caller
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.split('/')[0]}"
