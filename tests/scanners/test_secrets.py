"""Secrets are found where they lie; what only looks like one is not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.core.findings import Severity
from modelway.scanners.builtin.secrets import search as module
from modelway.scanners.builtin.secrets.checks import has_checksum
from modelway.scanners.builtin.secrets.configuration import secrets_in
from modelway.scanners.builtin.secrets.files import Ear, Secrets
from modelway.scanners.builtin.secrets.narrow import BEFORE, RUN, narrowed
from modelway.scanners.builtin.secrets.rule import Rule
from modelway.scanners.builtin.secrets.rules import RULES
from modelway.scanners.builtin.secrets.search import AHEAD, BACK, Search
from tests.scanners.secrets import AWS_ID, AWS_SECRET, FILES, TOKENS, checked, drawn, jwt, pem

ANYWHERE = [(rule, text) for rule, texts in TOKENS.items() for text in texts]
SOMEWHERE = [(rule, path, text) for rule, files in FILES.items() for path, text in files]


def found(text: str | bytes, path: str = "app/settings.py", *, piece: int = 1 << 20) -> list[str]:
    """Ids of the rules that find something."""
    data = text.encode() if isinstance(text, str) else text
    into = Secrets()
    ear = Ear(path, len(data), into)
    for at in range(0, len(data), piece):
        ear.feed(data[at : at + piece])
    ear.end()
    return [one.hit.rule.id for one in into.found]


def test_every_rule_has_an_example() -> None:
    assert {rule.id for rule in RULES} == {*TOKENS, *FILES} | {"putty-private-key"}


@pytest.mark.parametrize(("rule", "text"), ANYWHERE)
def test_known_secrets_are_found_anywhere(rule: str, text: str) -> None:
    assert rule in found(text)
    assert rule in found(f"x = 1\n{text}\ny = 2\n")


@pytest.mark.parametrize(("rule", "path", "text"), SOMEWHERE)
def test_files_for_credentials_are_read_as_such(rule: str, path: str, text: str) -> None:
    assert found(text, path) == [rule]
    assert rule not in found(text, "app/readme.txt")


def test_a_putty_key_is_found() -> None:
    text = "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 8\n"
    assert found(text + drawn(64)) == ["putty-private-key"]


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "aws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}",
        "gh" + "p_" + "x" * 36,
        "hf_" + "a" * 34,
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\n" + "not base 64 at all, " * 10,
        pem().replace("PRIVATE", "PUBLIC"),
        "https://user:password@example.com/",
        "https://user:${TOKEN}@pypi.corp.io/",
        "http://localhost:8080/a@b",
        jwt({"sub": "1234567890", "name": "John Doe", "iat": 1516239022}),
        "eyJhbGciOi.eyJhbGciOi.x",
        "sk-learn is a library and sk-ant-hill is not a key",
        '"auth": "bm90IGEgbG9naW4="',
        drawn(20) + AWS_ID + drawn(20),
    ],
)
def test_what_only_looks_like_a_secret_is_none(text: str) -> None:
    assert found(text) == []


def test_checksums_raise_the_severity_and_their_absence_does_not_hide_a_token() -> None:
    token = checked("gh" + "p_")
    spoiled = token[:-1] + ("a" if token[-1] != "a" else "b")
    assert has_checksum(token.encode())
    assert not has_checksum(spoiled.encode())
    search = Search("x")
    search.feed(f"{token}\n{spoiled}\n".encode(), last=True)
    assert [hit.severity for hit in search.hits] == [Severity.CRITICAL, Severity.HIGH]


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("app/test_key.pem", Severity.CRITICAL),
        ("opt/venv/lib/python3.11/site-packages/tls/tests/key.pem", Severity.LOW),
        ("opt/venv/lib/python3.11/site-packages/tls/key.pem", Severity.CRITICAL),
        ("usr/share/doc/tls/key.pem", Severity.LOW),
    ],
)
def test_a_librarys_own_tests_are_public(path: str, severity: Severity) -> None:
    search = Search(path)
    search.feed(pem().encode(), last=True)
    assert [hit.severity for hit in search.hits] == [severity]


def test_a_key_with_a_passphrase_is_less_bad() -> None:
    head, _, body = pem().partition("\n")
    locked = f"{head}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,{drawn(32, 'ABCDEF0123')}\n\n{body}"
    search = Search("x")
    search.feed(locked.encode(), last=True)
    assert [hit.severity for hit in search.hits] == [Severity.MEDIUM]


def test_text_written_by_powershell_is_read() -> None:
    assert found(f"KEY={AWS_ID}\r\n".encode("utf-16")) == ["aws-access-key-id"]


def test_compiled_modules_are_searched() -> None:
    assert found(b"\x6f\r\r\n\0\0\0\0" * 8 + AWS_ID.encode() + b"\0" * 50, "app/settings.pyc") == [
        "aws-access-key-id"
    ]


def test_large_binaries_are_passed_over_and_counted() -> None:
    data = b"\x7fELF\0" + b"\0" * (1 << 20) + AWS_ID.encode()
    into = Secrets()
    ear = Ear("lib/x.so", len(data), into)
    ear.feed(data[:100])
    ear.feed(data[100:9000])
    ear.feed(data[9000:])
    ear.end()
    assert (into.found, into.searched, into.passed, into.passed_bytes) == ([], 0, 1, len(data))


def test_the_line_is_told_in_large_files_too() -> None:
    data = b"".join(b"a line of a log file, number %d\n" % n for n in range(200_000))
    at = data.index(b"number 150000\n")
    data = data[: at + 14] + AWS_ID.encode() + b"\n" + data[at + 14 :]
    into = Secrets()
    ear = Ear("var/log/x", len(data), into)
    for start in range(0, len(data), 300_001):
        ear.feed(data[start : start + 300_001])
    ear.end()
    assert [(one.hit.rule.id, one.hit.line) for one in into.found] == [("aws-access-key-id", 150_002)]


@given(st.sampled_from(ANYWHERE), st.integers(0, 9000), st.integers(AHEAD + 1, 3 * AHEAD))
def test_no_secret_is_lost_between_pieces(example: tuple[str, str], before: int, piece: int) -> None:
    rule, text = example
    data = (" " * before + "\n" + text + "\n" + " " * 9000).encode()
    search = Search("app/x")
    for at in range(0, len(data), piece):
        search.feed(data[at : at + piece], last=at + piece >= len(data))
    assert rule in [hit.rule.id for hit in search.hits]


@given(
    st.lists(
        st.one_of(st.sampled_from([b" ", b"\n", b"A" * RUN, b"word", b'"']), st.binary(max_size=40)),
        max_size=60,
    )
)
def test_narrowing_keeps_every_long_run_and_what_is_before_it(parts: list[bytes]) -> None:
    data = b"".join(parts)
    kept = narrowed(data)
    for run in re.finditer(rb"[A-Za-z0-9_\-+/=.~]{%d,}" % RUN, data):
        assert data[max(0, run.start() - BEFORE) : run.end()] in kept


def test_no_pattern_looks_further_than_pieces_overlap() -> None:
    """What the search promises of a stream rests on it."""
    import re._parser as parser  # type: ignore[import-not-found,unused-ignore]

    for rule in RULES:
        shortest, longest = parser.parse(rule.pattern.pattern).getwidth()
        assert 0 <= shortest <= longest < AHEAD, rule.id
        assert rule.back < BACK, rule.id


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.path is None], ids=lambda rule: rule.id)
def test_bytes_made_to_keep_a_rule_busy_do_not(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries are counted, not seconds: literals side by side, each tried once, and no more than allowed."""
    monkeypatch.setattr(module, "CANDIDATES", 300)
    monkeypatch.setattr(module, "CANDIDATES_BACK", 300)
    for literal in rule.literals:
        search = Search("app/x")
        search.feed((literal + b"A" * RUN) * 400, last=True)
        assert search._tried[rule.id] <= 301  # noqa: SLF001
        assert rule.id in search.crowded


@given(st.binary(max_size=3000))
def test_any_bytes_are_searched_without_complaint(data: bytes) -> None:
    found(data, "root/.netrc")


# What the config tells.


def told(**document: object) -> Iterator[tuple[str, str, str]]:
    """Rule, place and secret."""
    for one in secrets_in(document):  # type: ignore[arg-type]
        yield one.rule.id, one.place, one.secret


def test_variables_that_hold_secrets() -> None:
    env = [
        "PATH=/usr/bin",
        "API_TOKEN=s3cr3t-9913",
        f"ANYTHING={checked('gh' + 'p_')}",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "MAX_TOKENS=512",
        "TOKENIZERS_PARALLELISM=false",
        "DB_PASSWORD_FILE=/run/secrets/db",
        "DB_PASSWORD=/run/secrets/db",
        "SECRET=arn:aws:secretsmanager:eu-west-1:111111111111:secret:x",
        "API_KEY=",
        "PASSWORD=changeme",
    ]
    assert list(told(config={"Env": env})) == [
        ("secret-in-env", "config.Env.API_TOKEN", "s3cr3t-9913"),
        ("github-token", "config.Env.ANYTHING", checked("gh" + "p_")),
    ]


def test_a_build_argument_that_leaked_into_history() -> None:
    step = f"RUN |2 PIP_TOKEN={drawn(14)} VERSION=1.2 /bin/sh -c pip install x # buildkit"
    assert list(told(history=[{"created_by": "ARG PIP_TOKEN"}, {"created_by": step}])) == [
        ("secret-in-history", "history[2]", drawn(14))
    ]


@pytest.mark.parametrize(
    "step",
    [
        f"curl -H 'Authorization: Bearer {drawn(30)}' https://x.io",
        f"curl -u robot:{drawn(30)} https://x.io",
        f"login --password={drawn(30)}",
        f"pip install --index-url https://robot:{drawn(30)}@pypi.corp.io/simple x",
    ],
)
def test_passwords_on_command_lines(step: str) -> None:
    assert [secret for _, _, secret in told(history=[{"created_by": f"RUN /bin/sh -c {step}"}])] == [
        drawn(30)
    ]
    assert [secret for _, _, secret in told(config={"Cmd": ["sh", "-c", step]})] == [drawn(30)]


def test_labels_and_health_checks_tell_too() -> None:
    assert list(told(config={"Labels": {"ci.token": drawn(16)}})) == [
        ("secret-in-label", "config.Labels.ci.token", drawn(16))
    ]
    test = ["CMD-SHELL", f"curl -H 'authorization: token {drawn(30)}' http://localhost"]
    assert [place for _, place, _ in told(config={"Healthcheck": {"Test": test}})] == ["config.Healthcheck"]


@given(
    st.recursive(
        st.none() | st.text(max_size=20) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["config", "history", "Env", "Labels", "Cmd", "created_by", "Healthcheck", "Test"]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_config_is_looked_through(document: object) -> None:
    if isinstance(document, dict):
        list(secrets_in(document))


def test_secrets_of_both_kinds_of_a_key_are_told_apart() -> None:
    assert found(f"aws_access_key_id={AWS_ID}\naws_secret_access_key={AWS_SECRET}\n") == [
        "aws-secret-access-key",
        "aws-access-key-id",
    ]
