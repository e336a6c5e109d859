"""Who is calling: the laptop's own account, or a role assumed in one of the others.

As in AWS, the access key is the account. moto takes any key for its account 123456789012;
here a key nobody was given is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

LAPTOP = "999999999999"
"""The account of the credentials a rehearsal hands out; roles of every account can be assumed from it."""
_PARTITION = "aws"
_USER = "laptop"


@dataclass(frozen=True, slots=True)
class Principal:
    """A signer of calls."""

    account: str
    arn: str


_known: dict[str, Principal] = {}


def create_laptop(identity: str, secret: str) -> None:
    """Make the user whose keys the rehearsal has handed out already."""
    backend = iam_backends[LAPTOP][_PARTITION]
    user = backend.create_user(_PARTITION, user_name=_USER)
    key = backend.create_access_key(user_name=_USER)
    del backend.access_keys[key.access_key_id]
    key.access_key_id, key.secret_access_key = identity, secret
    backend.access_keys[identity] = key
    _known[identity] = Principal(LAPTOP, user.arn)


def principal(access_key: str) -> Principal | None:
    """Whose key it is; keys and sessions never change owner, so an answer is remembered."""
    if access_key not in _known:
        found = _session(access_key) or _user(access_key)
        if found:
            _known[access_key] = found
    return _known.get(access_key)


def _session(access_key: str) -> Principal | None:
    for account, backends in list(sts_backends.items()):
        role = backends[_PARTITION].get_assumed_role_from_access_key(access_key)
        if role:
            return Principal(account, role.arn)
    return None


def _user(access_key: str) -> Principal | None:
    for account, backends in list(iam_backends.items()):
        if access_key in backends[_PARTITION].access_keys:
            name = backends[_PARTITION].access_keys[access_key].user_name
            return Principal(account, f"arn:{_PARTITION}:iam::{account}:user/{name}")
    return None
