"""Lambda's functions of images: a control plane of our own, and real containers that answer events.

moto's Lambda knows images only by name and cannot run them; a version of it changes when the function does.
What it answers instead is shown by ``tests/rehearsal/test_lambda.py``. Every operation that is not here says
that it is not rehearsed.
"""

from __future__ import annotations

from collections.abc import Callable

import botocore.session
from moto.awslambda import urls
from moto.awslambda.responses import LambdaResponse
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores

from modelway.core.json import JsonObject
from modelway.rehearsal.context import Context
from modelway.rehearsal.endpoints import Answer
from modelway.rehearsal.lambda_access import URL_PATH, AccessOperations
from modelway.rehearsal.lambda_aliases import AliasOperations
from modelway.rehearsal.lambda_environments import Environments, LambdaLimits
from modelway.rehearsal.lambda_functions import FunctionOperations
from modelway.rehearsal.lambda_invoke import Invocations
from modelway.rehearsal.lambda_state import Place
from modelway.rehearsal.streams import Streams
from modelway.rehearsal.wire import not_rehearsed

_MORE_PATHS = (
    r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[^/]+)/provisioned-concurrency/?$",
    r"{0}/(?P<api_version>[^/]+)/account-settings/?$",
)
"""Paths moto does not know."""


def install(context: Context) -> None:
    """Replace moto's Lambda; stop every container when the cloud stops."""
    limits, streams = LambdaLimits(), Streams()
    environments = Environments(context=context, limits=limits, streams=streams)
    invocations = Invocations(environments=environments)
    parts = (
        FunctionOperations(context, environments),
        AliasOperations(environments),
        AccessOperations(context),
        invocations,
    )
    done = {name: getattr(part, name) for part in parts for name in part.NAMES}
    for operation in botocore.session.get_session().get_service_model("lambda").operation_names:
        name = camelcase_to_underscores(operation)
        made = _method(done[name]) if name in done else _unknown(operation)
        setattr(LambdaResponse, name, made)
    for path in _MORE_PATHS:
        urls.url_paths[path] = LambdaResponse.dispatch
    _parse_by_the_model()
    streams.install(context)
    context.on_shutdown(environments.close)
    context.control("lambda", limits.set)
    context.hooks.pages[URL_PATH] = invocations.url


def _parse_by_the_model() -> None:
    """Let moto read requests as botocore's model says, bodies as bytes."""
    plain = LambdaResponse.__init__

    def __init__(self: LambdaResponse) -> None:  # noqa: N807 - it is moto's
        plain(self)
        self.automated_parameter_parsing = True

    LambdaResponse.__init__ = __init__  # type: ignore[method-assign]
    LambdaResponse.use_raw_body = True


def _method(operation: Callable[[Place, JsonObject], Answer]) -> Callable[[LambdaResponse], ActionResult]:
    def answer(self: LambdaResponse) -> ActionResult:
        return ActionResult(operation(Place(self.current_account, self.region), self.params))

    return answer


def _unknown(name: str) -> Callable[[LambdaResponse], ActionResult]:
    def answer(_: LambdaResponse) -> ActionResult:
        raise not_rehearsed("lambda", name)

    return answer
