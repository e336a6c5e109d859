"""The rehearsal keeps no event history (moto has no LookupEvents), and modelway says so."""

from __future__ import annotations

import pytest

from modelway.adapters import trail
from modelway.adapters.aws import Accounts
from modelway.errors import Unavailable
from modelway.rehearsal.launch import Cloud
from tests.rehearsal.clients import REGION, STAGING

pytestmark = pytest.mark.rehearsal


def test_in_the_rehearsal_nobody_can_be_asked_who_changed_it(cloud: Cloud, monkeypatch: pytest.MonkeyPatch):
    for name, value in cloud.environment({}).items():
        monkeypatch.setenv(name, value)
    session = Accounts().session(STAGING, REGION, "modelway-plan")
    with pytest.raises(Unavailable, match="the rehearsal keeps no event history"):
        trail.changes(session, "iris-staging", ["UpdateEndpoint"])
