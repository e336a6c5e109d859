"""The repository's policies: what stays, what goes, who may pull, and whose statements are left alone."""

from __future__ import annotations

import json

from modelway.core import ecr
from modelway.core.json import Json, JsonObject


def rules(policy: JsonObject) -> list[dict[str, Json]]:
    """The rules in the order ECR applies them."""
    listed: list[dict[str, Json]] = json.loads(json.dumps(policy))["rules"]
    return sorted(listed, key=lambda rule: str(rule["rulePriority"]))


def expires(tags: set[str], policy: JsonObject) -> str:
    """Which rule an image falls under: the first whose prefix one of its tags has, as ECR decides it."""
    for rule in rules(policy):
        selection = rule["selection"]
        assert isinstance(selection, dict)
        prefixes = selection["tagPrefixList"]
        assert isinstance(prefixes, list)
        if any(tag.startswith(str(prefixes[0])) for tag in tags):
            return f"{prefixes[0]} {selection['countType']} {selection['countNumber']}"
    return "never"


def test_what_an_environment_runs_never_falls_under_a_rule_that_expires() -> None:
    assert expires({"in-1", "env-production"}, ecr.lifecycle(20)) == "env- imageCountMoreThan 9999"


def test_releases_are_kept_by_number() -> None:
    assert expires({"in-1"}, ecr.lifecycle(7)) == "in- imageCountMoreThan 7"


def test_a_release_does_not_go_with_the_tag_it_was_pushed_under() -> None:
    assert expires({"in-1", "push-1"}, ecr.lifecycle(20)) == "in- imageCountMoreThan 20"


def test_left_overs_of_pushes_go_after_a_day() -> None:
    assert expires({"push-1"}, ecr.lifecycle(20)) == "push- sinceImagePushed 1"


def test_evidence_has_no_tag_and_never_expires_by_itself() -> None:
    assert expires(set(), ecr.lifecycle(20)) == "never"
    assert "untagged" not in json.dumps(ecr.lifecycle(20))


def test_the_policy_is_as_long_as_ecr_wants_it() -> None:
    assert 100 <= len(json.dumps(ecr.lifecycle(1))) <= 30720


THEIRS: JsonObject = {"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "ecr:ListImages"}


def test_statements_of_others_are_kept_and_ours_replaced() -> None:
    old = ecr.merged({"Version": "2012-10-17", "Statement": [THEIRS]}, ecr.pull_policy("aws", ["1" * 12]))
    new = ecr.merged(old, ecr.pull_policy("aws", ["2" * 12]))
    statements = new["Statement"]
    assert isinstance(statements, list)
    assert statements[0] == THEIRS
    assert len(statements) == 4
    assert "1" * 12 not in json.dumps(new)


def test_whom_our_own_statement_lets_pull_is_read_back_and_nobody_elses() -> None:
    """AWS names an account by its number or its root, and one that is gone by an id of another kind."""
    ours = ecr.pull_policy("aws-cn", ["1" * 12, "2" * 12])
    assert ecr.pullers(ecr.merged({"Statement": THEIRS}, ours)) == {"1" * 12, "2" * 12}
    told = {"AWS": ["3" * 12, "AIDAEXAMPLE1234567890", "arn:aws:iam::444444444444:root"]}
    statement: JsonObject = {"Sid": "ModelwayEnvironments", "Effect": "Allow", "Principal": told}
    assert ecr.pullers({"Statement": statement}) == {"3" * 12, "4" * 12}
    assert ecr.pullers({}) == frozenset()


def test_a_policy_with_one_statement_that_is_no_list_is_understood() -> None:
    kept = ecr.merged({"Statement": THEIRS}, ecr.pull_policy("aws", ["1" * 12]))["Statement"]
    assert isinstance(kept, list)
    assert THEIRS in kept


def test_the_same_policy_written_otherwise_is_the_same() -> None:
    one: JsonObject = {"Statement": [{"Action": ["a", "b"], "Principal": {"AWS": ["x"]}}]}
    other: JsonObject = {"Statement": {"Principal": {"AWS": "x"}, "Action": ["b", "a"]}}
    assert ecr.same_policy(one, other)
    assert not ecr.same_policy(one, {"Statement": {"Principal": {"AWS": "y"}, "Action": ["b", "a"]}})
    assert not ecr.same_policy(None, one)
