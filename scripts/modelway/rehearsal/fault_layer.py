# ruff: noqa: I002  (runs inside a faulty image as a gunicorn configuration, on whatever Python it has)
"""The layer that makes an image faulty: a gunicorn configuration that spoils what the model answers.

Copied into the image by ``--fault``; without MODELWAY_FAULT in its environment the image is a healthy one.
https://docs.gunicorn.org/en/stable/settings.html#post-worker-init
"""

import itertools
import json
import os
import time

GOOD_FOR = 25
"""Requests that ``errors-under-traffic`` still answers: what a contract test sends never meets the fault."""


def post_worker_init(worker):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201  (a hook of gunicorn)
    """Put the fault between gunicorn and the model."""
    spoil = {
        "unhealthy": _unhealthy,
        "wrong-answers": _wrong_answers,
        "errors-under-traffic": _errors_under_traffic,
    }.get(os.environ.get("MODELWAY_FAULT", ""))  # noqa: TID251  (inside the image there is no adapter)
    if spoil:
        worker.wsgi = spoil(worker.wsgi)


def _unhealthy(model):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Never answers /ping in the two seconds SageMaker waits."""

    def application(environ, start_response):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if environ["PATH_INFO"] == "/ping":
            print("MODELWAY_FAULT=unhealthy: /ping is waiting for a lock nobody releases", flush=True)  # noqa: T201
            time.sleep(60)  # noqa: TID251  (inside the image)
        return model(environ, start_response)

    return application


def _wrong_answers(model):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Every number in a JSON answer is one too large."""

    def application(environ, start_response):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        head = []
        body = b"".join(model(environ, lambda *given: head.extend(given[:2])))
        status, headers = head
        if environ["PATH_INFO"] == "/invocations" and status.startswith("200"):
            try:
                body = json.dumps(_shifted(json.loads(body))).encode()
            except ValueError:
                body = b"spoiled " + body
            kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
            headers = [*kept, ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    return application


def _shifted(value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    if isinstance(value, list):
        return [_shifted(each) for each in value]
    if isinstance(value, dict):
        return {key: _shifted(each) for key, each in value.items()}
    return value + 1 if isinstance(value, int | float) and not isinstance(value, bool) else value


def _errors_under_traffic(model):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """After some requests every second one fails, as when a pool of connections is used up."""
    asked = itertools.count(1)

    def application(environ, start_response):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if environ["PATH_INFO"] == "/invocations" and (number := next(asked)) > GOOD_FOR and number % 2:
            print(
                f"MODELWAY_FAULT=errors-under-traffic: request {number} finds no free connection", flush=True
            )  # noqa: T201
            error = {"code": "pool_exhausted", "message": "no free connection"}
            body = json.dumps({"error": error}).encode()
            headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
            start_response("500 Internal Server Error", headers)
            return [body]
        return model(environ, start_response)

    return application
