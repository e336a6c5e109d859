"""Limits read from botocore's own files."""

from __future__ import annotations

import subprocess
import sys

import pytest

from modelway.adapters import service_models
from modelway.errors import Unavailable
from modelway.targets import sagemaker_checks


def test_every_limit_the_checks_need_is_in_the_installed_botocore() -> None:
    limits = service_models.limits("sagemaker", sagemaker_checks.SHAPES)
    assert "ml.m5.large" in limits[sagemaker_checks.INSTANCE_TYPE].options
    assert limits[sagemaker_checks.WAIT].maximum == 3600
    assert all(limit.options or limit.maximum is not None for limit in limits.values())


@pytest.mark.parametrize(("service", "shape"), [("sagemaker", "NoSuchShape"), ("no-such-service", "Any")])
def test_what_is_not_there_is_unavailable(service: str, shape: str) -> None:
    with pytest.raises(Unavailable) as caught:
        service_models.limits(service, [shape])
    assert caught.value.cure


def test_botocore_itself_is_not_imported() -> None:
    """Its import costs more than all of validate."""
    code = (
        "import sys; from modelway.adapters.service_models import limits; "
        "limits('sagemaker', ['EndpointName']); sys.exit('botocore' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": "scripts"})
    assert done.returncode == 0
