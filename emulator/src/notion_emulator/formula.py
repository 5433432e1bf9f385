"""Formulas: parsed once, evaluated on a row. What is not understood reads ``unsupported``.

The language of https://www.notion.com/help/formula-syntax: ``prop("Name")``, literals, operators, ternaries, function
calls and the same as methods (``x.length()``). Both recorded spellings of a property are read, ``prop("Name")`` and
``{{notion:block_property:<id>:…}}``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from notion_emulator.formula_functions import FUNCTIONS, Scope, Uncomputable, Value, text_of, truth

__all__ = ["evaluate"]

Json = dict[str, Any]
Read = Callable[[str], Value]
UNSUPPORTED: Json = {"type": "unsupported", "unsupported": {}}
TOKEN = re.compile(
    r"""\s*(?:
    (?P<token>\{\{notion:block_property:[^}]*\}\})
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign>==|!=|>=|<=|&&|\|\||[-+*/%^<>()\[\],.?:!])
    )""",
    re.VERBOSE,
)
ESCAPES = {"n": "\n", "t": "\t"}
BINARY = {
    "or": 1, "||": 1, "and": 2, "&&": 2, "==": 3, "!=": 3, ">": 4, ">=": 4, "<": 4, "<=": 4, "+": 5, "-": 5, "*": 6,
    "/": 6, "%": 6, "^": 7,
}  # fmt: skip
WORDS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "mod", "^": "pow", "==": "equal",
    "!=": "unequal", ">": "larger", ">=": "largerEq", "<": "smaller", "<=": "smallerEq", "&&": "and", "||": "or",
}  # fmt: skip
DEEPEST = 60


class Node(NamedTuple):
    """A literal, a property, or a call of a function."""

    kind: str
    value: Any
    arguments: tuple["Node", ...] = ()


@dataclass(slots=True)
class _Parser:
    tokens: list[tuple[str, str]]
    place: int = 0
    depth: int = 0

    def peek(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def take(self, wanted: str | None = None) -> tuple[str, str]:
        if self.place >= len(self.tokens) or (wanted is not None and self.peek() != wanted):
            raise Uncomputable
        self.place += 1
        return self.tokens[self.place - 1]

    def expression(self, least: int = 0) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Uncomputable
        left = self.unary()
        while (power := BINARY.get(self.peek(), -1)) > least or (least == 0 and self.peek() == "?"):
            if self.peek() == "?":
                left = self.ternary(left)
                continue
            sign = self.take()[1]
            right = self.expression(power - 1 if sign == "^" else power)
            left = Node("call", WORDS.get(sign, sign), (left, right))
        self.depth -= 1
        return left

    def ternary(self, condition: Node) -> Node:
        self.take("?")
        then = self.expression()
        self.take(":")
        return Node("call", "if", (condition, then, self.expression()))

    def unary(self) -> Node:
        sign = self.peek()
        if sign in ("-", "!", "not", "+"):
            self.take()
            word = {"-": "unaryMinus", "+": "unaryPlus"}.get(sign, "not")
            return Node("call", word, (self.expression(6 if sign in "-+!" else 2),))
        return self.postfix(self.primary())

    def postfix(self, node: Node) -> Node:
        while self.peek() == ".":
            self.take()
            kind, name = self.take()
            if kind != "name":
                raise Uncomputable
            node = Node("call", name, (node, *self.arguments()))
        return node

    def arguments(self) -> tuple[Node, ...]:
        self.take("(")
        found: list[Node] = []
        while self.peek() != ")":
            if found:
                self.take(",")
            found.append(self.expression())
        self.take(")")
        return tuple(found)

    def primary(self) -> Node:
        kind, text = self.take()
        if kind == "number":
            return Node("value", float(text) if "." in text else int(text))
        if kind == "string":
            return Node("value", re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), text[1:-1]))
        if kind == "token":
            return Node("property", text[2:-2].split(":")[2])
        if kind == "name":
            return self.named(text)
        if text == "(":
            inner = self.expression()
            self.take(")")
            return inner
        if text == "[":
            self.place -= 1
            return self.listed()
        raise Uncomputable

    def listed(self) -> Node:
        self.take("[")
        found: list[Node] = []
        while self.peek() != "]":
            if found:
                self.take(",")
            found.append(self.expression())
        self.take("]")
        return Node("call", "list", tuple(found))

    def named(self, name: str) -> Node:
        if name in ("true", "false"):
            return Node("value", name == "true")
        if self.peek() != "(":
            return Node("call", name) if name in ("pi", "e") else Node("name", name)
        arguments = self.arguments()
        if name == "prop":
            if len(arguments) != 1 or arguments[0].kind != "value":
                raise Uncomputable
            return Node("property", arguments[0].value)
        return Node("call", name, arguments)


@lru_cache(maxsize=4096)
def _parsed(expression: str) -> Node | None:
    """The tree of an expression; None where it is not understood."""
    tokens: list[tuple[str, str]] = []
    place, text = 0, expression.rstrip()
    while place < len(text):
        found = TOKEN.match(text, place)
        if found is None:
            return None
        kind = found.lastgroup or ""
        tokens.append((kind, found[kind]))
        place = found.end()
    parser = _Parser(tokens)
    try:
        tree = parser.expression()
    except (Uncomputable, RecursionError):
        return None
    return tree if parser.place == len(tokens) else None


def evaluate(expression: str, read: Read, *, now: int) -> Json:
    """``{type, <type>}`` of an expression; ``read`` gives a property's value by name or id, or raises Uncomputable."""
    tree = _parsed(expression)
    if tree is None:
        return UNSUPPORTED
    scope = Scope(datetime.fromtimestamp(now / 1000, UTC))
    try:
        return _result(_run(tree, read, scope))
    except (Uncomputable, ArithmeticError, ValueError, TypeError, LookupError, RecursionError, re.error):
        return UNSUPPORTED


def _run(node: Node, read: Read, scope: Scope) -> Value:
    if node.kind == "value":
        value: Value = node.value
        return value
    if node.kind == "property":
        return read(node.value)
    if node.kind == "name":
        raise Uncomputable
    return _call(node, read, scope)


def _call(node: Node, read: Read, scope: Scope) -> Value:
    """Call a function; ``if``, ``ifs``, ``and`` and ``or`` evaluate only what they need."""
    name, arguments = node.value, node.arguments
    if name in ("if", "ifs"):
        pairs, rest = arguments[: len(arguments) // 2 * 2], arguments[len(arguments) // 2 * 2 :]
        for condition, then in zip(pairs[::2], pairs[1::2], strict=True):
            if truth(_run(condition, read, scope)):
                return _run(then, read, scope)
        return _run(rest[0], read, scope) if rest else None
    if name in ("and", "or"):
        test = all if name == "and" else any
        return test(truth(_run(one, read, scope)) for one in arguments)
    function = FUNCTIONS.get(name)
    if function is None:
        raise Uncomputable
    return function(scope, *(_run(one, read, scope) for one in arguments))


def _result(value: Value) -> Json:
    """The answer's form of a value."""
    if isinstance(value, bool):
        return {"type": "boolean", "boolean": value}
    if isinstance(value, int | float):
        number = int(value) if isinstance(value, float) and value.is_integer() else value
        return {"type": "number", "number": number}
    if hasattr(value, "start"):
        return {"type": "date", "date": value.payload()}
    return {"type": "string", "string": None if value is None else text_of(value)}
