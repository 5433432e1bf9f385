"""Templates: what they can say, and that they can do nothing else."""

from typing import Any

import pytest

from syncline.core.errors import BadInput
from syncline.core.rules import ChannelKind, Trigger
from syncline.delivery.templates import DEFAULTS, LONGEST, check, render

FACTS: dict[str, Any] = {
    "title": "Ship <!channel> & go",
    "values": {"Due date": "2026-11-20", "items": "3"},
    "changes": [{"property": "Status", "old": "", "new": "Done"}],
}


def rendered(text: str, kind: ChannelKind = ChannelKind.EMAIL, **facts: Any) -> str:
    check(text)
    return render(text, FACTS | facts, trigger=Trigger.APPEARS, kind=kind)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ title }}", "Ship <!channel> & go"),
        ("{{ values['Due date'] }} {{ values.items }}", "2026-11-20 3"),
        ("{% for c in changes %}{{ c.property | upper }}={{ c.new }}{% endfor %}", "STATUS=Done"),
        ("{% if values.Nothing %}no{% else %}yes{% endif %}", "yes"),
        ("{{ values.Nothing.at.all | default('none') }}", "none"),
        ("{{ changes[0].old or 'empty' }}", "empty"),
        ("{{ title ~ '!' }}", "Ship <!channel> & go!"),
    ],
)
def test_a_template_says(template: str, expected: str) -> None:
    assert rendered(template) == expected


def test_values_call_nobody_in_slack_and_the_template_may_link() -> None:
    text = rendered("<https://a.test|{{ title }}>", ChannelKind.SLACK)
    assert text == "<https://a.test|Ship &lt;!channel&gt; &amp; go>"


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{{ title", "expected token|unexpected end"),
        ("{% if title %}", "endif"),
        ("{{ titel }}", "there is no titel; there are changes, new"),
        ("{{ title.upper() }}", "Call in line 1"),
        ("{{ 'a' * 1000000000 }}", "Mul"),
        ("{{ 9 ** 9 ** 9 }}", "Pow"),
        ("{{ '%9999999999d' % 1 }}", "Mod"),
        ("{{ title | center(1000000000) }}", "no filter center"),
        ("{{ title | attr('__class__') }}", "no filter attr"),
        ("{% for a in changes %}{% for b in changes %}x{% endfor %}{% endfor %}", "loop within a loop"),
        ("{% for a in range(9) %}x{% endfor %}", "Call"),
        ("{% set x = 1 %}", "Assign"),
        ("{% macro m() %}{% endmacro %}", "Macro"),
        ("{% include '/etc/passwd' %}", "Include"),
        ("{% import 'os' as os %}", "Import"),
        ("{{ [1, 2][0:1] }}", "Slice|List"),
        ("{% if changes > title %}x{% endif %}", "cannot be rendered"),
        ("x" * 4001, "longer than 4000"),
    ],
)
def test_what_is_no_such_template_is_refused_in_a_sentence(template: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as caught:
        check(template)
    assert str(caught.value).startswith("template: ")


@pytest.mark.parametrize(
    "template", ["{{ title.__class__ }}", "{{ changes.__class__.__mro__ }}", "{{ values.keys }}"]
)
def test_attributes_of_objects_are_nothing(template: str) -> None:
    assert rendered(template) == ""


def test_a_text_is_bounded_however_long_the_values_are() -> None:
    many = [{"property": "P" * 10_000, "old": "", "new": "x" * 10_000} for _ in range(10_000)]
    text = rendered("{% for c in changes %}{{ c.property }}{{ c.new }}{% endfor %}", changes=many)
    assert len(text) == LONGEST
    assert len(rendered("{{ title | join('" + "x" * 3000 + "') | join('" + "y" * 900 + "') }}")) <= LONGEST


def test_a_template_that_fails_with_some_values_tells_the_default() -> None:
    text = rendered("{% if changes and changes[0].nothing > title %}x{% endif %}", url="u")
    assert text == "New: Ship <!channel> & go u"


@pytest.mark.parametrize("trigger", Trigger)
def test_each_default_is_a_template(trigger: Trigger) -> None:
    check(DEFAULTS[trigger])
