"""Serve the same WSGI application on AWS Lambda, whose runtime interface client calls ``handler``.

An event is an HTTP request as a function URL writes it (payload format 2.0). An answer of 5xx is raised:
only what is raised counts in Lambda's metric ``Errors``, which alarms and a canary's analysis look at.
"""

import lambda_init

lambda_init.bring_model()
lambda_init.bring_secrets()

from apig_wsgi import make_lambda_handler  # noqa: E402 - the application reads the model while it is imported
from app import application  # noqa: E402 - as above

SERVER_ERROR = 500
answer = make_lambda_handler(application)


class ModelFailed(Exception):
    """The application answered 5xx."""


def handler(event: dict, context: object) -> dict:
    """One request."""
    answered = answer(event, context)
    if answered["statusCode"] >= SERVER_ERROR:
        raise ModelFailed(f"{answered['statusCode']}: {answered['body']}")
    return answered
