"""Logging in to the rehearsal's registry, as its users do."""

from __future__ import annotations

import base64

from mypy_boto3_ecr import ECRClient


def login(ecr: ECRClient) -> str:
    """``AWS:password``, as ``aws ecr get-login-password`` gives it to ``docker login``."""
    data = ecr.get_authorization_token()["authorizationData"][0]
    return base64.b64decode(data["authorizationToken"]).decode()
