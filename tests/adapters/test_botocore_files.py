"""Clients opened by our reader of botocore's files are those that botocore's own would open."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import create_loader

from modelway.adapters import service_models
from modelway.adapters.botocore_files import Loader

SERVICES = ("ecr", "ecs", "lambda", "sagemaker", "sagemaker-runtime", "sts")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1"])
def test_what_is_read_is_what_botocore_reads(service: str, kind: str) -> None:
    """Also where the limits were read before: what botocore adds to a model is in both."""
    service_models.limits("sagemaker", ["EndpointName"])
    assert Loader().load_service_model(service, kind) == create_loader().load_service_model(service, kind)


def test_the_order_of_what_is_read_is_botocores() -> None:
    ours, theirs = (one.load_data("endpoints") for one in (Loader(), create_loader()))
    assert [list(part["services"]) for part in ours["partitions"]] == [
        list(part["services"]) for part in theirs["partitions"]
    ]


def test_a_service_that_is_not_there_is_told_as_botocore_tells_it() -> None:
    with pytest.raises(UnknownServiceError, match=r"'sagemakr'.*sagemaker,"):
        Loader().load_service_model("sagemakr", "service-2")


def test_a_folder_of_other_models_is_looked_into(tmp_path: Path) -> None:
    """As AWS_DATA_PATH names them."""
    (folder := tmp_path / "sagemaker" / "2099-01-01").mkdir(parents=True)
    (folder / "service-2.json").write_text('{"metadata": {}, "shapes": {}}')
    loader = Loader()
    loader.search_paths.append(str(tmp_path))
    assert loader.determine_latest_version("sagemaker", "service-2") == "2099-01-01"
