"""A good release, a bad one and a rollback on each target, in an account. Nobody has run it on AWS yet."""

from __future__ import annotations

import pytest

from tests.live.account import SHARES
from tests.live.conftest import Sandbox

pytestmark = [pytest.mark.docker]


@pytest.mark.parametrize("sandbox", [*SHARES], indirect=True)
def test_a_good_release_a_bad_one_and_a_rollback(sandbox: Sandbox) -> None:
    sandbox.write(1)
    sandbox.step(0, "release", "--yes-production")
    first = sandbox.serving()
    sandbox.write(2, "failing")
    sandbox.step(6, "release", "--yes-production")
    assert sandbox.serving() == first, "the bad release left nothing behind that serves"
    sandbox.write(3)
    sandbox.step(0, "release", "--yes-production")
    assert sandbox.serving() != first
    sandbox.step(0, "rollback", "-e", "sandbox")
    assert sandbox.serving() == first
