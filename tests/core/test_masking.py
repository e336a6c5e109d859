"""Secrets and the forms they take; each case was a way to read one in a log."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.adapters.lines import Masks
from modelway.core.masking import forms

SECRET = "p/ss wörd+\"x\\y'=&é"

ENCODED = {
    "as it is": SECRET,
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 without padding": base64.b64encode(SECRET.encode()).decode().rstrip("="),
    "base64 for addresses": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "a URL's path": quote(SECRET),
    "a URL's password": quote(SECRET, safe=""),
    "a form": quote_plus(SECRET),
    "JSON": json.dumps({"password": SECRET}),
    "JSON as people write it": json.dumps({"password": SECRET}, ensure_ascii=False),
}


@pytest.mark.parametrize("told", ENCODED.values(), ids=ENCODED)
def test_no_form_of_a_secret_is_shown(told: str) -> None:
    masks = Masks()
    masks.add(SECRET)
    shown = masks.over(f"before {told} after")
    assert "***" in shown
    assert "wörd" not in shown
    assert told not in shown


@pytest.mark.parametrize("user", ["u", "us", "user", "AWS", "x-token"])
def test_a_password_in_a_basic_login_is_not_shown(user: str) -> None:
    masks = Masks()
    masks.add("correct horse battery")
    header = base64.b64encode(f"{user}:correct horse battery".encode()).decode()
    left = masks.over(header).replace("***", "")
    assert len(left) < len(header) - 20


def test_each_line_of_a_key_is_hidden_alone() -> None:
    masks = Masks()
    masks.add("-----BEGIN KEY-----\nfirstfirst\n  secondsecond\n")
    assert masks.over("secondsecond, firstfirst") == "***, ***"


@pytest.mark.parametrize("text", ["", "   ", "abc", "\n", "333333333333", "true", "None"])
def test_what_is_no_secret_hides_nothing(text: str) -> None:
    assert forms(text) == ()


def test_an_account_id_on_a_secrets_own_line_stays_readable() -> None:
    masks = Masks()
    masks.add("333333333333\nsecretsecret")
    assert masks.over("333333333333 secretsecret") == "333333333333 ***"


@given(st.text(min_size=1))
def test_no_form_is_short_or_empty(secret: str) -> None:
    assert all(len(form) >= 4 for form in forms(secret))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=4).filter(forms))
def test_any_secret_is_hidden_whole_in_any_encoding(secret: str) -> None:
    masks = Masks()
    masks.add(secret)
    for told in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
        assert secret not in masks.over(f"<<{told}>>")
        assert told not in masks.over(f"<<{told}>>")
