"""Authors of evidence that cannot be told apart, and keys that only look alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelway.core.checks_evidence import authors
from modelway.core.config import Identity, Signing
from modelway.core.problem import Level
from tests.configs import model_config

HOME = ("333333333333", "eu-west-1")
WORKFLOW = Identity(issuer="https://token.actions.githubusercontent.com", subject="https://github.com/a/b/.*")
ALIAS = "awskms:///alias/modelway"


def found(build: Signing, staging: Signing, production: Signing) -> list[tuple[Level, str, str]]:
    """Level, place and words of what is wrong."""
    places = model_config(artifact=None).environments
    signed = {"staging": staging, "production": production}
    places = {name: replace(place, evidence=signed[name]) for name, place in places.items()}
    told = authors(build, HOME, places, places)
    return [(one.level, ".".join(map(str, one.path)), one.message) for one in told]


def by(*keys: str | Identity) -> Signing:
    return Signing(verify_with=keys)


def test_keys_of_their_own_and_aliases_of_other_accounts_are_told_apart():
    assert found(by("a.pub"), by("b.pub", "c.pub"), by("d.pub")) == []
    assert found(by(ALIAS), by(ALIAS), by("d.pub")) == []


@pytest.mark.parametrize(
    ("keys", "level", "place", "words"),
    [
        ((by("a"), by("b", "a"), by("c")), Level.ERROR, "staging.evidence.verify_with.1", "build's key, too"),
        ((by("a"), by("b"), by("b")), Level.WARNING, "production.evidence.verify_with.0", "staging's key"),
        ((by(WORKFLOW), by(WORKFLOW), by("c")), Level.WARNING, "staging.evidence", "signs for build, too"),
        (
            (by("a"), Signing(sign_with="k"), by("c")),
            Level.WARNING,
            "sign_with",
            "staging signs decides nothing",
        ),
    ],
)
def test_who_can_say_what_only_another_may_is_named(keys, level, place, words):
    ((seen, path, message),) = found(*keys)
    assert seen is level
    assert place in path
    assert words in message
