"""The rehearsal's application on its socket: moto with its gaps filled, behind the front."""

from __future__ import annotations

import gc
import importlib
import socket
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from moto import backends
from moto.core import responses, utils
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from modelway.rehearsal.accounts import create_laptop
from modelway.rehearsal.app import App
from modelway.rehearsal.context import Context
from modelway.rehearsal.front import Front
from modelway.rehearsal.registry_client import Client

if TYPE_CHECKING:
    from flask import Flask

PARTS = ("ecr", "sagemaker", "runtime", "cloudwatch", "autoscaling", "lambda_", "elb", "ecs", "kms")
"""Modules of this package with ``install(context)``, in the order they are installed."""


class Part(Protocol):
    """A module that fills gaps of moto."""

    def install(self, context: Context) -> None:
        """Patch moto, register hooks."""


class Handler(MotoRequestHandler):
    """Speaks HTTP/1.1, and says nothing of every request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the control endpoint keeps the log."""

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: docker tries TLS first, which is nobody's error."""


def make(context: Context, identity: str, secret: str, listener: socket.socket) -> BaseWSGIServer:
    """Make the server of the socket that listens already; these credentials are the laptop's."""
    modules = frozenset(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules  # it lists a folder on every request
    # It lists the methods of a class on every request, too.
    responses.method_names_from_class = cache(utils.method_names_from_class)  # type: ignore[attr-defined] # imported there
    for name in PARTS:
        cast("Part", importlib.import_module(f"modelway.rehearsal.{name}")).install(context)
    create_laptop(identity, secret)
    front = Front(context, Client(context.registry))
    app = App(context=context, moto=DomainDispatcherApplication(_backend), front=front)
    context.hooks.application.append(app)
    gc.freeze()  # all that is imported stays: no collection has to look at it again
    return make_server(
        context.host, context.port, app, threaded=True, request_handler=Handler, fd=listener.fileno()
    )


def _backend(service: backends.SERVICE_NAMES) -> Flask:
    """One service of moto, without Flask's debugging: that makes a class on every request."""
    made = create_backend_app(service)
    made.debug = False
    made.config["PROPAGATE_EXCEPTIONS"] = True  # the front tells of what is not rehearsed, and of moto's bugs
    return made
