"""The layer that makes an image faulty: it spoils what the model answers through gunicorn, or on Lambda.

Copied into the image by ``--fault``; without MODELWAY_FAULT in its environment the image is a healthy one.
It runs there by itself, so it imports nothing of modelway: gunicorn reads it as its configuration
(https://docs.gunicorn.org/en/stable/settings.html#post-worker-init), and every Python as its
``sitecustomize`` (https://docs.python.org/3/library/site.html), which on Lambda gets hold of the handler.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

GOOD_FOR = 25
"""Requests that ``errors-under-traffic`` still answers: what a contract test sends never meets the fault."""

OK = 200

Environ: TypeAlias = dict[str, object]
StartResponse: TypeAlias = Callable[[str, list[tuple[str, str]]], object]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]


class Worker(Protocol):
    """As much of a gunicorn worker as is needed."""

    wsgi: Application


def post_worker_init(worker: Worker) -> None:
    """Put the fault between gunicorn and the model (a hook of gunicorn)."""
    faults = {
        "unhealthy": _unhealthy,
        "wrong-answers": _wrong_answers,
        "errors-under-traffic": _errors_under_traffic,
    }
    fault = os.environ.get("MODELWAY_FAULT", "")
    if fault in faults:
        worker.wsgi = faults[fault](worker.wsgi)


def _unhealthy(model: Application) -> Application:
    """Never answers /ping in the two seconds SageMaker waits."""

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/ping":
            _log("MODELWAY_FAULT=unhealthy: /ping is waiting for a lock nobody releases")
            time.sleep(60)
        return model(environ, start_response)

    return application


def _wrong_answers(model: Application) -> Application:
    """Every number in a JSON answer is one too large."""

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        head: list[tuple[str, list[tuple[str, str]]]] = []
        body = b"".join(model(environ, lambda status, headers: head.append((status, headers))))
        status, headers = head[0]
        if environ["PATH_INFO"] == "/invocations" and status.startswith("200"):
            body = _spoiled(body)
            kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
            headers = [*kept, ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [body]

    return application


def _spoiled(body: bytes) -> bytes:
    try:
        return json.dumps(_shifted(json.loads(body))).encode()
    except ValueError:
        return b"spoiled " + body


def _shifted(value: object) -> object:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case list():
            return [_shifted(each) for each in value]
        case dict():
            return {key: _shifted(each) for key, each in value.items()}
        case _:
            return value


def _errors_under_traffic(model: Application) -> Application:
    """After some requests every second one fails, as when a pool of connections is used up."""
    asked = itertools.count(1)

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/invocations" and _unlucky(next(asked)):
            error = {"code": "pool_exhausted", "message": "no free connection"}
            body = json.dumps({"error": error}).encode()
            headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
            start_response("500 Internal Server Error", headers)
            return [body]
        return model(environ, start_response)

    return application


def _unlucky(number: int) -> bool:
    if number <= GOOD_FOR or number % 2 == 0:
        return False
    _log(f"MODELWAY_FAULT=errors-under-traffic: request {number} finds no free connection")
    return True


Handler: TypeAlias = Callable[[dict[str, object], object], dict[str, object]]


def _on_lambda() -> None:
    """Put the fault between the runtime client of AWS and the handler it loads."""
    from awslambdaric import bootstrap  # type: ignore[import-not-found]  # noqa: PLC0415 - only in images

    load, fault = bootstrap._get_handler, os.environ.get("MODELWAY_FAULT", "")  # noqa: SLF001 - no other way in

    def faulty(name: str) -> Handler:
        if fault == "unhealthy":
            _log("MODELWAY_FAULT=unhealthy: the start is waiting for a lock nobody releases")
            time.sleep(600)
        return spoiled_handler(load(name), fault)

    bootstrap._get_handler = faulty  # noqa: SLF001 - as above


def spoiled_handler(handler: Handler, fault: str) -> Handler:
    """The handler with the fault; the handler itself where there is none."""
    asked = itertools.count(1)

    def spoiled(event: dict[str, object], context: object) -> dict[str, object]:
        if fault == "errors-under-traffic" and _unlucky(next(asked)):
            raise RuntimeError("pool_exhausted: no free connection")
        answer = handler(event, context)
        if fault == "wrong-answers" and answer["statusCode"] == OK:
            answer = {**answer, "body": _spoiled(str(answer["body"]).encode()).decode()}
        return answer

    return spoiled if fault in {"errors-under-traffic", "wrong-answers"} else handler


def _log(line: str) -> None:
    sys.stdout.write(line + chr(10))
    sys.stdout.flush()


if __name__ == "sitecustomize" and os.environ.get("AWS_LAMBDA_RUNTIME_API"):
    _on_lambda()
