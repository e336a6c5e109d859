"""Answers are judged as the contract tests say, to the number."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.config import ContractTest, Expect
from modelway.core.contract import Answer, complaints, contract_hash

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def answer(value: object, **more: object) -> Answer:
    return Answer(status=200, body=json.dumps(value).encode(), **more)  # type: ignore[arg-type]


@given(JSON_VALUES)
def test_the_expected_answer_has_nothing_wrong(value):
    assert complaints(Expect(json=value, has_json=True), answer(value)) == ()


@given(JSON_VALUES, JSON_VALUES)
def test_another_answer_is_noticed(expected, seen):
    wrong = complaints(Expect(json=expected, has_json=True), answer(seen))
    assert bool(wrong) == (json.dumps(expected, sort_keys=True) != json.dumps(seen, sort_keys=True))


@pytest.mark.parametrize(
    ("expect", "got", "words"),
    [
        (Expect(json=[1.0], has_json=True, tolerance=0.1), answer([1.05]), None),
        (
            Expect(json=[1.0], has_json=True, tolerance=0.01),
            answer([1.05]),
            r"at \$\[0\] expected 1.0, got 1.05",
        ),
        (Expect(json=[1], has_json=True, tolerance=5), answer([True]), r"expected 1, got true"),
        (Expect(json={"a": 1}, has_json=True), answer({"b": 1}), r"expected keys \['a'\], got \['b'\]"),
        (Expect(json=[1, 2], has_json=True), answer([1]), "expected 2 items, got 1"),
        (Expect(json=None, has_json=True), answer(0), "expected null, got 0"),
        (Expect(json=[0], has_json=True), Answer(status=200, body=b"oops"), "expected JSON, got oops"),
        (Expect(status=200), Answer(status=500, body=b"boom"), "expected status 200, got 500: boom"),
        (
            Expect(max_latency_ms=100),
            answer(1, latency=0.25),
            "expected an answer within 100 ms, took 250 ms",
        ),
        (
            Expect(content_type="text/csv"),
            answer(1, content_type="application/json"),
            "content type text/csv",
        ),
        (Expect(content_type="text/csv"), answer(1, content_type="text/csv; charset=utf-8"), None),
        (Expect(json=[1.5], has_json=True, tolerance=1), Answer(status=200, body=b"[NaN]"), "got nan"),
    ],
)
def test_what_is_wrong_is_said_as_expected_and_seen(expect, got, words):
    found = complaints(expect, got)
    if words is None:
        assert found == ()
    else:
        assert len(found) == 1
        assert re.search(words, found[0])


def test_a_pass_is_bound_to_everything_a_test_asks_and_accepts():
    test = ContractTest(name="a", expect=Expect(json=[0], has_json=True))
    base = contract_hash([test], {"a": b"[1]"})
    assert base == contract_hash([test], {"a": b"[1]"})
    others = [
        contract_hash([test], {"a": b"[2]"}),
        contract_hash([ContractTest(name="a", expect=Expect(json=[1], has_json=True))], {"a": b"[1]"}),
        contract_hash([ContractTest(name="a", expect=Expect())], {"a": b"[1]"}),
        contract_hash([], {}),
    ]
    assert base not in others
    assert len(set(others)) == len(others)
