"""Which models a change touches, as far as paths decide it."""

from __future__ import annotations

from typing import Any

import pytest

from modelway.adapters import context
from modelway.core.changes import Scope, batches, deleted, touched

IRIS = Scope(
    config="model-configs/iris.yaml",
    model="iris",
    files=frozenset({"docker/Dockerfile", "tests/body.json"}),
    context="models/iris",
    ignore="*.md\ndata\n!data/keep.csv\n",
    repositories=frozenset({"modelway/iris", "111111111111.dkr.ecr.eu-west-1.amazonaws.com/ml/iris"}),
)
EXTENDED = Scope(
    config="model-configs/extended.yaml",
    model="extended",
    files=frozenset({"requirements.txt"}),
    folders=frozenset({"src/", "schemas"}),
    bases=frozenset({"modelway/iris"}),
)
GRANDCHILD = Scope(
    config="model-configs/grandchild.yaml",
    model="grandchild",
    bases=frozenset({"modelway/extended"}),
)
WHOLE = Scope(config="model-configs/whole.yaml", model="whole", context=".", ignore="docs\n")
PLAIN = [IRIS, EXTENDED]


@pytest.mark.parametrize(
    ("path", "models"),
    [
        ("model-configs/iris.yaml", {"iris", "extended"}),
        ("docker/Dockerfile", {"iris", "extended"}),
        ("docker/Dockerfile.other", set()),
        ("tests/body.json", {"iris", "extended"}),
        ("models/iris/app.py", {"iris", "extended"}),
        ("models/iris/deep/er/app.py", {"iris", "extended"}),
        ("models/iris2/app.py", set()),
        ("models/iris", {"iris", "extended"}),  # a submodule
        ("models/iris/README.md", set()),
        ("models/iris/data/big.csv", set()),
        ("models/iris/data/keep.csv", {"iris", "extended"}),
        ("requirements.txt", {"extended"}),
        ("src/main.py", {"extended"}),
        ("schemas/targets/x.json", {"extended"}),
        ("README.md", set()),
    ],
)
def test_a_path_touches_the_models_it_belongs_to(path, models):
    assert {one.model for one in touched(PLAIN, [path], context.sent)} == models


def test_the_reason_is_the_path_or_the_base():
    found = touched([IRIS, EXTENDED], ["README.md", "models/iris/app.py"], context.sent)
    assert [one.reason for one in found] == [
        "models/iris/app.py",
        "its base image is built by model-configs/iris.yaml",
    ]


def test_bases_of_bases_count():
    middle = Scope(
        config="e", model="e", bases=IRIS.repositories, repositories=frozenset({"modelway/extended"})
    )
    found = touched([GRANDCHILD, middle, IRIS], ["models/iris/app.py"], context.sent)
    assert [one.model for one in found] == ["grandchild", "e", "iris"]


def test_a_circle_of_bases_ends():
    one = Scope(config="1", model="1", bases=frozenset({"b"}), repositories=frozenset({"a"}))
    other = Scope(config="2", model="2", bases=frozenset({"a"}), repositories=frozenset({"b"}))
    assert len(touched([one, other], ["1"], context.sent)) == 2


def test_the_root_as_context_is_everything_but_what_is_ignored():
    assert touched([WHOLE], ["anything"], context.sent)
    assert not touched([WHOLE], ["docs/page.md"], context.sent)


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (256, [256]), (257, [256, 1])])
def test_more_than_a_matrix_holds_comes_in_batches(count, sizes):
    scopes = [Scope(config=f"{n}", model=f"m{n}") for n in range(count)]
    found = touched(scopes, [scope.config for scope in scopes], context.sent)
    made: list[Any] = batches(found, 256)
    assert [len(one["include"]) for one in made] == sizes
    if made:
        assert made[0]["include"][0] == {"config": "0", "model": "m0"}


def test_a_config_that_moved_is_not_deleted():
    assert deleted({"old.yaml": "iris", "gone.yaml": "churn"}, [IRIS]) == (("gone.yaml", "churn"),)
