"""The pull request's comment: always within GitHub's limit, and nothing in it but what we meant."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core import markup, preview_parts, preview_scan
from modelway.core.json import Json, JsonObject
from modelway.core.preview import COMMENT_LIMIT, MARKER, Mark, Part, Preview, comment
from modelway.core.problem import Level, Problem
from tests.core.test_markup import ANY, MENTION, Seen, render

TAGS = {
    *("h2", "h3", "p", "strong", "em", "code", "pre", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


def parts(words: str, log: str) -> tuple[Part, ...]:
    """What the steps of one model found, all of it from elsewhere."""
    problem = Problem(file=words, line=1, column=1, message=words, cure=log)
    finding = {"id": words, "package": words, "why": log, "severity": "high", "fixed_in": ""}
    document: JsonObject = {
        "reports": [{"findings": [{"id": words, "title": log}]}],
        "verdict": {"ok": False, "blocking": [finding], "waived": [finding], "stale": words},
    }
    place: JsonObject = {"environment": words, "version": log, "judged": True, "findings": [finding]}
    serving: list[JsonObject] = [{"environments": [place]}]
    return (
        preview_parts.validation([problem]),
        preview_parts.build("failed", {"reused": words}, log),
        preview_scan.scan("blocked", document, serving, log),
        preview_parts.contract(words, log),
        preview_parts.no_plan("staging", "unavailable", log),
        preview_parts.permissions(f"{words}\n  + {log}"),
    )


HOSTILE_PREVIEW = st.builds(
    lambda name, words, log: Preview(model=name, config=words, reason=words, parts=parts(words, log)),
    ANY,
    ANY,
    ANY,
)


@given(st.lists(HOSTILE_PREVIEW, max_size=3), ANY)
def test_what_others_wrote_stays_text(previews: list[Preview], revision: str) -> None:
    seen = Seen(render(comment(previews, revision)))
    assert {*seen.tags} <= TAGS
    assert not seen.attributes or {name for name, _ in seen.attributes} == {"lang"}
    assert not MENTION.search(seen.text)


@given(st.lists(HOSTILE_PREVIEW, max_size=4), st.integers(2_000, 6_000))
def test_a_short_limit_is_kept_and_nothing_stays_open(previews: list[Preview], limit: int) -> None:
    markdown = comment(previews, "r1", limit=limit)
    assert len(markdown.encode()) <= limit
    html = render(markdown)
    assert html.count("<details>") == html.count("</details>")


def many(number: int, mark: Mark = Mark.GOOD) -> list[Preview]:
    log = markup.block("\n".join(f"line {n}" for n in range(40)))
    part = Part(title="Image", mark=mark, words="built", detail=log)
    return [
        Preview(model=f"model-{mark.name.lower()}-{n}", config=f"c/{n}.yaml", reason="r", parts=(part,))
        for n in range(number)
    ]


@pytest.mark.parametrize("number", [0, 1, 30, 200, 2_000])
def test_however_many_models_there_are_github_takes_it(number: int) -> None:
    markdown = comment(many(number), "r1")
    assert len(markdown.encode()) <= COMMENT_LIMIT
    assert markdown.startswith(MARKER)


def test_what_is_left_out_is_said() -> None:
    assert "*Shortened" not in comment(many(3), "r1")
    assert "details of" in comment(many(200), "r1")
    assert "left out here" in comment(many(2_000), "r1")


def test_what_stops_comes_first_and_keeps_its_details() -> None:
    markdown = comment([*many(200), *many(2, Mark.STOPS)], "r1")
    first = markdown.partition("### ")[2]
    assert first.startswith("`model-stops-0`")
    assert "line 39" in first.partition("### ")[0]
    assert "2 of 202 models cannot go out" in markdown


def test_what_was_not_looked_at_is_not_green() -> None:
    told = comment([Preview(model="m", config="c", reason="", parts=(preview_parts.contract("", ""),))], "")
    assert "not all was" in told
    assert "✅" not in told


@pytest.mark.parametrize(
    ("result", "mark"),
    [
        ("succeeded", Mark.GOOD),
        ("blocked", Mark.STOPS),
        ("not_evaluated", Mark.STOPS),
        ("superseded", Mark.WARNING),
        ("", Mark.NOTHING),
        ("something else", Mark.STOPS),
    ],
)
def test_a_steps_result_is_its_mark(result: str, mark: Mark) -> None:
    assert preview_parts.contract(result, "").mark is mark


def test_a_scan_says_what_stops_what_is_waived_and_what_is_new() -> None:
    def named(id_: str, **more: Json) -> JsonObject:
        return {"id": id_, "package": "zlib", "severity": "high", "installed": "1", "fix": "2", **more}

    document: JsonObject = {
        "verdict": {
            "ok": False,
            "blocking": [
                named("CVE-1", why="high; fail_on is high", ruling="stops", title="Overflow in inflate")
            ],
            "waived": [named("CVE-2", why="waived until 2026-12-01: not reachable", ruling="waived")],
            "below": [named("CVE-3")],
        },
    }
    serves: JsonObject = {"environment": "production", "version": "v1", "judged": True}
    gone = named("CVE-4", ruling="stops")
    place: JsonObject = {**serves, "findings": [gone], "below": [named("GHSA-3", aliases=["cve-3"])]}
    staging: JsonObject = {"environment": "staging", "version": "v2", "judged": True}
    part = preview_scan.scan("blocked", document, [{"environments": [staging, place]}], "")
    assert part.mark is Mark.STOPS
    assert part.words == (
        "the policy says no: 1 stop the release, 1 waived, 1 below the policy. Since version v1 in"
        " production: 2 new (1 would stop it), 1 fixed (1 would stop it), 1 still there"
    )
    assert "| fixed |" in part.detail
    assert "Overflow in inflate" in part.detail
    assert "not reachable" in part.detail


def test_what_serves_and_could_not_be_judged_is_said() -> None:
    place: JsonObject = {
        "environment": "production",
        "judged": False,
        "words": "could not be judged: no scan report",
    }
    part = preview_scan.scan("succeeded", {"verdict": {"ok": True}}, [{"environments": [place]}], "")
    assert part.words == (
        "no findings. What changed since production could not be told: could not be judged: no scan report"
    )


def test_a_verdict_that_is_not_ok_is_never_green() -> None:
    part = preview_scan.scan("succeeded", {"verdict": {"ok": "yes", "below": []}}, None, "")
    assert part.mark is Mark.STOPS


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(
                    ["verdict", "blocking", "environments", "environment", "judged", "findings", "id", "ok"]
                ),
                x,
            )
        ),
        max_leaves=12,
    )
)
def test_any_document_can_be_shown(document: object) -> None:
    text = json.loads(json.dumps(document))
    preview_scan.scan("blocked", text, text, "")
    preview_parts.build("failed", text, "")


def test_a_log_is_shown_without_its_commands() -> None:
    log = "::group::Build\nstep 1\n::error file=a,line=1::it broke%0Ahere\n::endgroup::\n::stop-commands::x\n"
    assert [*preview_parts.spoken(log)] == ["Build", "step 1", "error: it broke\nhere", ""]


def test_warnings_alone_do_not_stop() -> None:
    problem = Problem(file="f", line=1, column=1, message="m", level=Level.WARNING)
    assert preview_parts.validation([problem]).mark is Mark.WARNING
