"""Templates: the text of a notification, written by an admin, in a small part of Jinja.

What a template may be is the table of nodes below: values, conditions, one loop deep, some filters. It calls nothing, reads no attribute
of an object, and computes nothing, so its time and its memory are bounded by its length. Values are texts.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, wraps
from types import MappingProxyType
from typing import Any, Final

from jinja2 import ChainableUndefined, Template, TemplateError, nodes
from jinja2.filters import FILTERS
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import SandboxedEnvironment

from syncline.core.errors import BadInput
from syncline.core.rules import ChannelKind, Trigger
from syncline.core.surrogates import legible

__all__ = ["DEFAULTS", "LONGEST", "VARIABLES", "check", "render"]

LONGEST: Final = 3000
"""Characters of a text that are told: Slack cuts what is much longer."""

_TEMPLATE: Final = 4000
_VALUE: Final = 500

VARIABLES: Final = frozenset(
    {"changes", "new", "old", "property", "reason", "rule", "state"}
    | {"text", "title", "trigger", "url", "values", "workspace"}
)
"""What a template may name."""

DEFAULTS: Final[Mapping[Trigger, str]] = MappingProxyType(
    {
        Trigger.CHANGED: "{% for one in changes %}{{ title }}: {{ one.property }} is {{ one.new or 'empty' }} "
        "(was {{ one.old or 'empty' }}){{ '\\n' }}{% endfor %}{{ url }}",
        Trigger.APPEARS: "New: {{ title }} {{ url }}",
        Trigger.GOES: "Gone: {{ title }} ({{ reason }})",
        Trigger.CONTENT: "Edited: {{ title }} {{ url }}",
        Trigger.ALERT: "{{ workspace }}: {{ 'resolved: ' if state == 'resolved' }}{{ text }}",
    }
)
"""What is told where a rule has no template of its own."""

_NODES: Final = frozenset(
    {
        nodes.And,
        nodes.Compare,
        nodes.Concat,
        nodes.CondExpr,
        nodes.Const,
        nodes.Filter,
        nodes.For,
        nodes.Getattr,
        nodes.Getitem,
        nodes.If,
        nodes.Name,
        nodes.Not,
        nodes.Operand,
        nodes.Or,
        nodes.Output,
        nodes.Template,
        nodes.TemplateData,
    }
)
_FILTERS: Final = ("default", "first", "join", "last", "length", "lower", "trim", "upper")


class _Environment(SandboxedEnvironment):
    """Where templates are compiled: entries of mappings and lists are all that they can look into."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """An entry by its name."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """An entry by its name or number; nothing if there is none."""
        if isinstance(obj, Mapping | Sequence) and not isinstance(obj, str):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                pass
        return self.undefined(obj=obj, name=argument)


def _bounded(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose texts are short."""

    @wraps(inner)
    def filtered(*arguments: Any, **named: Any) -> Any:
        value = inner(*arguments, **named)
        return value[:LONGEST] if isinstance(value, str) else value

    return filtered


def _for_slack(value: Any) -> str:
    """A value in a message of Slack, where it neither makes links nor calls people.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _environment(finalize: Callable[[Any], str]) -> _Environment:
    made = _Environment(undefined=ChainableUndefined, finalize=finalize, keep_trailing_newline=False)
    made.filters = {name: _bounded(FILTERS[name]) for name in _FILTERS}
    made.globals = {}
    return made


_PLAIN: Final = _environment(str)
_ENVIRONMENTS: Final = MappingProxyType(
    {ChannelKind.SLACK: _environment(_for_slack), ChannelKind.EMAIL: _PLAIN, ChannelKind.WEBHOOK: _PLAIN}
)


_EMPTY: Final[Mapping[str, Any]] = MappingProxyType(
    dict.fromkeys(VARIABLES, "") | {"changes": [], "values": {}}
)


def check(text: str) -> None:
    """Raises BadInput where a text is no template that can be used."""
    try:
        tree = _PLAIN.parse(text[: _TEMPLATE + 1])
        wrong = _objection(text, tree)
        if wrong is None:
            _PLAIN.from_string(text).render(_EMPTY)
    except TemplateError as error:
        wrong = str(error.message)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        wrong = f"it cannot be rendered: {error}"
    if wrong is not None:
        raise BadInput(f"template: {wrong.rstrip('.')}.", details={"field": "template"})


def _objection(text: str, tree: nodes.Template) -> str | None:
    """What a template does that it may not, or None."""
    if len(text) > _TEMPLATE:
        return f"it is longer than {_TEMPLATE} characters"
    for node in tree.find_all(nodes.Node):
        if type(node) not in _NODES and not isinstance(node, nodes.Helper):
            return f"{type(node).__name__} in line {node.lineno} is not possible here"
        if isinstance(node, nodes.For) and next(node.find_all(nodes.For), None):
            return f"a loop within a loop in line {node.lineno} is not possible here"
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            return f"there is no filter {node.name}; there are {', '.join(_FILTERS)}"
    unknown = sorted(find_undeclared_variables(tree) - VARIABLES)
    return f"there is no {unknown[0]}; there are {', '.join(sorted(VARIABLES))}" if unknown else None


def render(text: str, facts: Mapping[str, Any], *, trigger: Trigger, kind: ChannelKind) -> str:
    """The text of a notification for a kind of channel; the default of the trigger where the template fails, empty where it says nothing."""
    short = _shortened(facts)
    try:
        return _text(_compiled(text or DEFAULTS[trigger], kind), short)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError):
        return _text(_compiled(DEFAULTS[trigger], kind), short)


def _text(template: Template, facts: Mapping[str, Any]) -> str:
    found = ""
    for piece in template.generate(facts):
        found += piece
        if len(found) > LONGEST:
            return found[: LONGEST - 1] + "…"
    return found.strip()


@lru_cache(maxsize=256)
def _compiled(text: str, kind: ChannelKind) -> Template:
    return _ENVIRONMENTS[kind].from_string(text)


def _shortened(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _shortened(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_shortened(one) for one in value[:100]]
    short: str = value if len(value) <= _VALUE else value[: _VALUE - 1] + "…"
    return legible(short)
