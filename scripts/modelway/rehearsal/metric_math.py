"""CloudWatch metric math over plain series: the part of its language that alarms on rates need.

Pure. A series maps the start of a period to a value; a period without a value is missing. From
docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Series: TypeAlias = Mapping[float, float]
Value: TypeAlias = "float | Series | list[Value]"

_ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_WORDS = (
    (re.compile(r"&&|\bAND\b"), " and "),
    (re.compile(r"\|\||\bOR\b"), " or "),
    (re.compile(r"\^"), "**"),
)
_AGGREGATES: Mapping[str, Callable[[list[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}
_LONGEST = 2048  # of an expression, by botocore's cloudwatch model


class NotRehearsedError(Exception):
    """The expression uses something this rehearsal does not evaluate."""


def evaluate(expression: str, series: Mapping[str, Series], periods: Iterable[float]) -> Series:
    """Evaluate an expression over named series; ``periods`` are the starts FILL fills."""
    text = expression
    for word, python in _WORDS:
        text = word.sub(python, text)
    if len(expression) > _LONGEST:
        raise NotRehearsedError(expression[:60])
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, RecursionError) as error:
        raise NotRehearsedError(expression) from error
    starts = tuple(periods)
    value = _Evaluation(expression, series, starts).of(tree)
    match value:
        case list():
            raise NotRehearsedError(expression)
        case float():
            return dict.fromkeys(starts, value)
        case _:
            return value


@dataclass(frozen=True, slots=True)
class _Evaluation:
    expression: str
    series: Mapping[str, Series]
    periods: tuple[float, ...]

    def of(self, node: ast.expr) -> Value:  # noqa: C901 - one case a kind of node reads better than a table
        """Evaluate one node; what is not named here is not rehearsed."""
        match node:
            case ast.Constant(value=bool() | None):
                pass
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in self.series:
                return self.series[name]
            case ast.List(elts=items):
                return [self.of(item) for item in items]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._both(operator.sub, 0.0, self.of(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return self._both(_ARITHMETIC[type(op)], self.of(left), self.of(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                return self._both(_COMPARISONS[type(op)], self.of(left), self.of(right))
            case ast.BoolOp(op=op, values=[first, *rest]):
                return self._logic(op, self.of(first), rest)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name.upper(), [self.of(argument) for argument in arguments])
            case _:
                pass
        raise NotRehearsedError(self.expression)

    def _call(self, name: str, arguments: list[Value]) -> Value:
        match name, arguments:
            case "FILL", [dict() as series, float() as value]:
                return {start: series.get(start, value) for start in self.periods}
            case "IF", [condition, yes]:
                return self._choose(condition, yes, {})
            case "IF", [condition, yes, no]:
                return self._choose(condition, yes, no)
            case "ABS", [value]:
                return self._both(lambda _, number: abs(number), 0.0, value)
            case aggregate, [value] if aggregate in _AGGREGATES:
                return self._aggregate(_AGGREGATES[aggregate], value)
            case _:
                raise NotRehearsedError(self.expression)

    def _aggregate(self, function: Callable[[list[float]], float], value: Value) -> Value:
        """Of one series: one number. Of a list: a series of what each period has."""
        match value:
            case float():
                return value
            case list() as members:
                all_series = [member for member in members if isinstance(member, dict)]
                if len(all_series) != len(members):
                    raise NotRehearsedError(self.expression)
                starts = sorted({start for series in all_series for start in series})
                return {s: function([series[s] for series in all_series if s in series]) for s in starts}
            case series:
                return float(function(list(series.values()))) if series else {}

    def _logic(self, op: ast.boolop, first: Value, rest: list[ast.expr]) -> Value:
        both = all if isinstance(op, ast.And) else any
        value = first
        for node in rest:
            value = self._both(lambda a, b: both((a != 0, b != 0)), value, self.of(node))
        return value

    def _choose(self, condition: Value, yes: Value, no: Value) -> Value:
        if isinstance(condition, float):
            return yes if condition else no
        chosen = {}
        for start in self._starts(condition):
            picked = _at(yes if _at(condition, start) else no, start)
            if picked is not None:
                chosen[start] = picked
        return chosen

    def _both(self, function: Callable[[float, float], float], left: Value, right: Value) -> Value:
        """Apply to two numbers, or to each period both have; a division by zero is a missing value."""
        if isinstance(left, float) and isinstance(right, float):
            number = _safe(function, left, right)
            return {} if number is None else number
        result = {}
        for start in self._starts(left, right):
            a, b = _at(left, start), _at(right, start)
            value = None if a is None or b is None else _safe(function, a, b)
            if value is not None:
                result[start] = value
        return result

    def _starts(self, *values: Value) -> list[float]:
        if any(isinstance(value, list) for value in values):
            raise NotRehearsedError(self.expression)
        return sorted({start for value in values if isinstance(value, dict) for start in value})


def _safe(function: Callable[[float, float], float], left: float, right: float) -> float | None:
    try:
        return float(function(left, right))
    except (ZeroDivisionError, OverflowError):
        return None


def _at(value: Value, start: float) -> float | None:
    match value:
        case float():
            return value
        case list():
            return None
        case series:
            return series.get(start)
