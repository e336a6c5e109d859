"""What a team's pull request shows under act: one touched model, good, broken, vulnerable, or of a fork."""

from __future__ import annotations

import pytest

from tests.act.consumer import WORKFLOW, Consumer
from tests.act.runner import Act, Ran
from tests.act.services import PULL, Services
from tests.rehearsal.clients import PRODUCTION

pytestmark = [pytest.mark.act, pytest.mark.docker, pytest.mark.rehearsal]


def pull(act: Act, consumer: Consumer, branch: str, *, fork: bool = False) -> Ran:
    """Push the branch as it is, and run the pull request's workflow."""
    consumer.commit(f"Change of {branch}")
    head = {"ref": branch, "repo": {"fork": fork}, "sha": consumer.git("rev-parse", "HEAD")}
    base = {"ref": "main", "sha": consumer.git("rev-parse", "main")}
    request = {"number": PULL, "head": head, "base": base}
    return act.run("pull_request", {"pull_request": request, "repository": {"default_branch": "main"}})


@pytest.fixture(scope="module")
def good(act: Act, consumer: Consumer) -> Ran:
    """A pull request that changes a setting."""
    consumer.branch("good")
    consumer.configure(version="next")
    return pull(act, consumer, "good")


def test_the_touched_model_is_built_scanned_tried_and_planned(good: Ran):
    assert good.code == 0, good.log[-3000:]
    assert good.values("count") == ["1"]
    assert set(good.values("result")) == {"succeeded"}
    assert any("Plan for tiny in staging" in text for text in good.summaries)
    assert any("Plan for tiny in production" in text for text in good.summaries)
    assert "answers 1 contract tests on this machine" in good.log


def test_its_jobs_hold_the_plan_role_at_most_and_nothing_is_pushed(good: Ran):
    assert list(good.roles) == [f"model arn:aws:iam::{PRODUCTION}:role/modelway-plan"]


def test_one_comment_says_it_and_is_updated_in_place(
    good: Ran, act: Act, consumer: Consumer, outside: Services
):
    assert good.code == 0
    (comment,) = outside.comments
    assert "tiny" in str(comment["body"])
    before = comment["body"]
    consumer.git("checkout", "--quiet", "good")
    again = pull(act, consumer, "good")
    assert again.code == 0, again.log[-3000:]
    assert len(outside.comments) == 1
    assert outside.comments[0]["body"] != before


def test_a_broken_config_is_annotated_on_its_line(act: Act, consumer: Consumer, outside: Services):
    consumer.branch("broken")
    consumer.configure(ownr="me")
    ran = pull(act, consumer, "broken")
    assert ran.code != 0
    on_lines = [note for note in ran.errors() if note.file == "model-configs/tiny.yaml"]
    assert on_lines
    assert any("ownr" in note.text and int(note.line) > 1 for note in on_lines)
    assert ran.results("touched models") == ["failure"]
    assert ran.results("tiny") == []
    assert "ownr" in str(outside.comments[0]["body"])


def test_a_vulnerable_package_blocks_and_says_what_fixes_it(act: Act, consumer: Consumer):
    """Act ends where a called workflow failed, so the comment that follows on GitHub is not seen here."""
    consumer.branch("vulnerable")
    consumer.install("brittle")
    ran = pull(act, consumer, "vulnerable")
    assert ran.code != 0
    assert "blocked" in ran.values("result")
    assert any("TEST-PyPI-1 in brittle 1.0 (fixed in 2.0)" in note.text for note in ran.errors())
    # Of what serves, to say what of it is new: by the role that can change nothing.
    assert list(ran.roles) == [f"model arn:aws:iam::{PRODUCTION}:role/modelway-plan"]


def test_a_fork_gets_everything_that_needs_no_credentials_and_no_comment(
    act: Act, consumer: Consumer, outside: Services
):
    comments = [dict(one) for one in outside.comments]
    consumer.branch("fork")
    consumer.configure(version="of a fork")
    ran = pull(act, consumer, "fork", fork=True)
    assert ran.code == 0, ran.log[-3000:]
    assert ran.roles == ()
    assert any("tiny" in text for text in ran.summaries)
    assert outside.comments == comments


def test_a_change_that_touches_no_model_costs_one_job(act: Act, consumer: Consumer):
    consumer.branch("readme")
    (consumer.root / "README.md").write_text("# Our models\n")
    ran = pull(act, consumer, "readme")
    assert ran.code == 0, ran.log[-3000:]
    assert len(ran.jobs) == 1


def test_a_wrong_input_is_one_error_that_names_it(act: Act, consumer: Consumer):
    """Straight from a step: the workflows' own inputs are typed by GitHub."""
    consumer.branch("wrong")
    step = (
        "      - uses: acme/modelway/actions/build@"
        + "0" * 39
        + "1\n        with: {config: c, offline: perhaps}\n"
    )
    (consumer.root / ".github/workflows/wrong.yml").write_text(
        "on: pull_request\npermissions: {}\njobs:\n  wrong:\n    runs-on: ubuntu-24.04\n    steps:\n" + step
    )
    (consumer.root / WORKFLOW).unlink()
    ran = pull(act, consumer, "wrong")
    assert ran.code != 0
    (error,) = ran.errors()
    assert error.text.startswith("input offline: 'perhaps' is not allowed\nAllowed: true, false.")
