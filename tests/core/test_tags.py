"""Release tags: what they name, and what is said of those that name nothing."""

from __future__ import annotations

import pytest

from modelway.core import tags
from modelway.errors import Malformed

MODELS = {"iris-classifier", "iris-serverless", "churn"}


@pytest.mark.parametrize(
    ("tag", "model", "version"),
    [
        ("iris-classifier/v1.4.0", "iris-classifier", "1.4.0"),
        ("refs/tags/churn/v2.0.0-rc.1+b", "churn", "2.0.0-rc.1+b"),
    ],
)
def test_a_tag_names_a_model_and_a_version(tag, model, version):
    release = tags.parse(tag, MODELS)
    assert (release.model, str(release.version)) == (model, version)
    assert str(release) == tag.removeprefix("refs/tags/")


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("iris-clasifier/v1.0.0", "closest names: iris-classifier"),
        ("iris-clasifier/v1.0.0", "git tag iris-classifier/v1.0.0"),
        ("iris-clasifier/v1", "git tag iris-classifier/v1.4.0"),
        ("fraud/v1.0.0", "There are: churn, iris-classifier, iris-serverless."),
        ("churn/1.0.0", "no semantic version: '1.0.0'"),
        ("churn/vv1.0.0", "no semantic version"),
        ("churn/v1.0", "v1.4.0-rc.1"),
        ("churn/", "no semantic version: ''"),
        ("v1.0.0", "names no release of a model"),
        ("churn-v1.0.0", "as in churn/v1.4.0"),
    ],
)
def test_what_is_wrong_with_a_tag_is_said_with_the_closest_names(tag, said):
    with pytest.raises(Malformed) as failure:
        tags.parse(tag, MODELS)
    assert said in str(failure.value)


def test_a_repository_without_models_has_no_names_to_offer():
    with pytest.raises(Malformed, match="no model"):
        tags.parse("a/v1.0.0", set())
