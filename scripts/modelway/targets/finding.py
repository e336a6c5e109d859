"""Reading what somebody else made, on whichever platform can be adopted from."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from modelway.core.adoption import Found, Site
from modelway.core.version import Artifact
from modelway.errors import Malformed

if TYPE_CHECKING:
    from modelway.adapters.aws import Accounts


def find(target: str, accounts: Accounts, site: Site) -> Found:
    """What serves there, its weights read to tell their sum; ``target`` is the platform's module."""
    from modelway.adapters.artifacts import summed  # noqa: PLC0415 - keeps --help fast

    if find_spec(f"{target}.adoption") is None:
        what = f"what runs on {site.target} cannot be adopted yet"
        cure = "Release the model beside it under another name, and move the callers when it does as well."
        raise Malformed(what, cure=cure)
    session = accounts.session(site.account, site.region, site.role)
    found, uri = import_module(f"{target}.adoption").find(session, site)
    told: Found = replace(found, artifact=Artifact(uri=uri, sha256=summed(session, uri)) if uri else None)
    return told
