"""A rehearsal releases the user's config, with what differs on this machine replaced and said."""

from __future__ import annotations

import pytest

from modelway.core.json import Json, JsonObject
from modelway.rehearsal import derive
from modelway.rehearsal.derive import Derived

CONFIG: JsonObject = {
    "name": "m",
    "image": {"strategy": "byoc", "build_args": {"OTHER": "1"}},
    "model_artifact": {"uri": "s3://b/k", "sha256": "a" * 64},
    "environments": {
        "staging": {"settings": {"environment": {"LOG_LEVEL": "info"}}},
        "production": {"settings": {}, "promote_from": "staging"},
    },
}


def at(document: Json, *path: str) -> Json:
    for key in path:
        assert isinstance(document, dict)
        document = document[key]
    return document


def test_another_base_is_a_build_argument_and_is_said() -> None:
    made = derive.on_base(Derived(CONFIG), "BASE", "python:3.11", "local/python:1")
    assert at(made.document, "image", "build_args") == {"OTHER": "1", "BASE": "local/python:1"}
    assert made.said == ("image.build_args.BASE: local/python:1 stands in for python:3.11",)


def test_another_base_of_an_extended_image_replaces_the_base() -> None:
    made = derive.on_base(Derived({"image": {"base": "python:3.11"}}), "", "python:3.11", "local/python:1")
    assert at(made.document, "image", "base") == "local/python:1"


def test_the_base_that_is_here_changes_nothing_and_says_nothing() -> None:
    assert derive.on_base(Derived(CONFIG), "BASE", "python:3.11", "python:3.11") == Derived(CONFIG)


def test_deriving_leaves_the_users_document_alone() -> None:
    before = repr(CONFIG)
    derive.with_artifact(derive.on_base(Derived(CONFIG), "BASE", "a", "b"), "c" * 64)
    Derived(CONFIG).environment(["staging"], "X", "1", "")
    assert repr(CONFIG) == before


def test_an_artifact_with_the_same_bytes_is_the_users_own() -> None:
    assert derive.with_artifact(Derived(CONFIG), "a" * 64).said == ()


def test_an_artifact_trained_to_other_bytes_is_said() -> None:
    made = derive.with_artifact(Derived(CONFIG), "b" * 64)
    assert at(made.document, "model_artifact", "sha256") == "b" * 64
    assert "model_artifact.sha256" in made.said[0]


def test_a_variable_is_added_to_the_environments_named_and_no_other() -> None:
    made = Derived(CONFIG).environment(["staging"], "MODELWAY_FAULT", "x", "said")
    staging = at(made.document, "environments", "staging", "settings", "environment")
    assert staging == {"LOG_LEVEL": "info", "MODELWAY_FAULT": "x"}
    assert at(made.document, "environments", "production", "settings") == {}


def test_a_secret_the_config_mounts_itself_stays_as_it_is() -> None:
    own: JsonObject = {"image": {"build_secrets": [{"id": "ca_bundle", "env": "MY_CA"}]}}
    assert derive.with_secret(Derived(own), "ca_bundle", "/etc/ca.pem", "why") == Derived(own)


def test_a_secret_is_optional_so_that_the_config_builds_without_it_too() -> None:
    made = derive.with_secret(Derived(CONFIG), "ca_bundle", "/etc/ca.pem", "why")
    secrets = at(made.document, "image", "build_secrets")
    assert secrets == [{"id": "ca_bundle", "file": "/etc/ca.pem", "required": False}]


def test_production_is_what_nothing_is_promoted_from() -> None:
    assert derive.production(CONFIG) == "production"


@pytest.mark.parametrize(
    ("variables", "bundle"),
    [
        ({}, ""),
        ({"SSL_CERT_FILE": "/s.pem"}, "/s.pem"),
        ({"SSL_CERT_FILE": "/s.pem", "PIP_CERT": "/p.pem"}, "/p.pem"),
    ],
)
def test_pips_own_certificates_come_first(variables: dict[str, str], bundle: str) -> None:
    assert derive.ca_bundle(variables) == bundle


PRIVATE = "[global]\nindex-url = https://u:p@packages.example/simple\ntrusted-host = packages.example\n"


@pytest.mark.parametrize(
    ("variables", "files", "lines"),
    [
        ({}, [], []),
        ({}, ["[global]\ncert = /x.pem\nfind-links = /opt/wheels\n"], []),
        ({}, ["[global]\nextra-index-url = file:///opt/a file:///opt/b\n"], []),
        ({}, ["no section\n", "[global\n"], []),
        (
            {},
            [PRIVATE],
            ["index-url = https://u:p@packages.example/simple", "trusted-host = packages.example"],
        ),
        ({"PIP_INDEX_URL": "https://other.example"}, [PRIVATE], ["index-url = https://other.example"]),
        (
            {"PIP_EXTRA_INDEX_URL": "https://a.example file:///b"},
            [],
            ["extra-index-url = https://a.example"],
        ),
    ],
    ids=["nothing", "nothing about indexes", "folders", "unreadable", "private", "variable wins", "mixed"],
)
def test_only_indexes_a_build_can_reach_are_mounted(
    variables: dict[str, str], files: list[str], lines: list[str]
) -> None:
    text = derive.pip_conf(variables, files)
    assert bool(text) == bool(lines)
    assert [line for line in lines if line in text.splitlines()] == lines
    assert "file:" not in text
