"""Names that fit, and where a config does not describe what was found."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from modelway.core.adoption import Found, Site, config, differences, model_of
from modelway.core.image import Digest, Image
from modelway.core.json import Json
from modelway.core.version import Artifact
from modelway.errors import Malformed


def site(name: str) -> Site:
    return Site(target="sagemaker", account="222222222222", region="eu-west-1", name=name, role="look")


def found(**more: Json) -> Found:
    image = Image("repo", Digest.parse("sha256:" + "a" * 64))
    return Found(name="by-hand", image=image, settings={"instance_type": "ml.m5.large", **more}, capacity={})


def test_the_models_name_is_what_is_left_without_the_environment():
    assert model_of(site("iris-classifier-production"), "production") == "iris-classifier"


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("iris-prod", "--environment prod"),
        ("iris", "release it under a name that fits"),
        ("Iris-production", "release it under a name that fits"),
        ("-production", "release it under a name that fits"),
        (f"{'x' * 41}-production", "release it under a name that fits"),
    ],
)
def test_a_name_that_does_not_fit_is_refused_with_the_environment_that_would(name, cure):
    with pytest.raises(Malformed, match="is not called <model>-production") as caught:
        model_of(site(name), "production")
    assert caught.value.cure.startswith(("name the environment", "release"))
    assert cure in caught.value.cure


def test_a_config_that_says_the_same_has_no_differences():
    assert [*differences(found(), {"instance_type": "ml.m5.large"}, None)] == []


def test_a_network_is_the_same_in_whatever_order_it_is_listed():
    """AWS takes them for sets, and nobody says in which order they are told."""
    there = found(vpc={"subnets": ["b", "a"], "security_groups": ["y", "x"]}, command=["a", "b"])
    here: dict[str, Json] = {
        "instance_type": "ml.m5.large",
        "vpc": {"subnets": ["a", "b"], "security_groups": ["x", "y"]},
        "command": ["a", "b"],
    }
    assert [*differences(there, here, None)] == []
    (told,) = differences(there, {**here, "command": ["b", "a"]}, None)
    assert told.startswith("settings.command:")
    (told,) = differences(there, {**here, "vpc": {"subnets": ["a"], "security_groups": ["x", "y"]}}, None)
    assert told.startswith("settings.vpc:")


def test_what_says_how_it_is_asked_may_be_added_and_what_was_found_may_not_be_changed():
    there = replace(found(log_group="/theirs"), free=frozenset({"path", "log_group"}))
    here = {"instance_type": "ml.m5.large", "log_group": "/theirs", "path": "/score"}
    assert [*differences(there, here, None)] == []
    assert [*differences(there, {**here, "log_group": "/ours"}, None)] == [
        'settings.log_group: "/theirs" serves, the config says "/ours"'
    ]


def test_the_config_names_another_platform_and_a_bake_time_only_where_they_count():
    plain = config(site("iris-production"), "production", "tests", replace(found(), alarms=("slow",)))
    assert "platform" not in plain
    assert "bake_time: 10m" in plain
    other = replace(found(), alarms=("slow",), platform="linux/arm64", bakes=False)
    told = config(site("iris-production"), "production", "tests", other)
    assert "\n  platform: linux/arm64\n" in told
    assert "bake_time" not in told
    assert 'alarms: ["slow"]' in told


def test_each_field_that_differs_is_told_with_both_values():
    weights = Artifact(uri="s3://b/k", sha256=Digest.parse("sha256:" + "b" * 64))
    told = [*differences(found(volume_gb=9), {"instance_type": "ml.m5.xlarge"}, weights)]
    assert told == [
        'settings.instance_type: "ml.m5.large" serves, the config says "ml.m5.xlarge"',
        "settings.volume_gb: 9 serves, the config says null",
        f"model_artifact.sha256: none serves, the config says {weights.sha256}",
    ]


@pytest.mark.parametrize("owner", ["ml-platform", "team #1: a", "null", "123", "Équipe 'ML'", "- x"])
def test_whoever_answers_for_it_is_read_back_as_written(owner):
    """A number sign once cut the owner short."""
    written = config(site("iris-production"), "production", owner, found())
    assert yaml.safe_load(written)["owner"] == owner
