"""Widgets: what a person may choose at them, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords, argument
from jupyter_tos_guard.inspection.python.carriers.given import native
from jupyter_tos_guard.inspection.python.values import (
    UNKNOWN,
    WAITING,
    Choice,
    Namespace,
    Native,
    Symbol,
    Value,
    either,
)

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


def widget_value(symbol: Symbol) -> Value:
    """``.value`` of a widget: what it starts with, or what it offers."""
    arguments, keywords = symbol.details
    found: list[Value] = [keywords["value"]] if "value" in keywords else []
    first = arguments[0] if arguments else None  # Text("value") too
    offered = keywords.get("options", keywords.get("choices", first))
    found += offers(offered)
    return either([*found, UNKNOWN]) if found else UNKNOWN


def attribute(symbol: Symbol, name: str) -> Value | None:
    """``widget.name`` as the program set it; None if it did not."""
    if not is_widget(symbol):
        return None
    return widget_value(symbol) if name == "value" else symbol.details[1].get(name)


def is_widget(value: Value) -> bool:
    """Whether a value is a widget of which the settings are known."""
    return (
        type(value) is Symbol
        and value.called
        and value.details is not None
        and value.name.startswith("ipywidgets.")
    )


def put(self: Evaluator, symbol: Symbol, name: str, new: Value) -> None:
    """``widget.value = new`` and ``widget.index = 1``: those who observe it are told."""
    arguments, named = symbol.details
    offered = named.get("options", arguments[0] if arguments else None)
    if name in ("index", "label") and type(offered) in (list, tuple, dict):
        pairs = list(offered.items()) if type(offered) is dict else [_pair(each) for each in offered]
        chosen = [
            value
            for index, (label, value) in enumerate(pairs)
            if new == (index if name == "index" else label)
        ]
        name, new = "value", chosen[0] if chosen else UNKNOWN
    self.store(named, name, new)
    if name == "options":
        name, new = "value", widget_value(symbol)
    for each in list(named.get(WAITING, ())) if name not in _LOOKS else ():
        self.defer(each, [change(symbol, name, new)], {})


#: Settings that say how a widget looks.
_LOOKS: Final = frozenset("description layout style tooltip disabled icon button_style placeholder".split())


def _pair(option: Value) -> tuple[Value, Value]:
    return option if type(option) is tuple and len(option) == 2 else (option, option)


def change(owner: Value, name: str, new: Value) -> Namespace:
    """Return what an observer is given."""
    made = Namespace("change", {"new": new, "name": name, "owner": owner, "type": "change"})
    made.attributes["__getitem__"] = Native(
        lambda given, named: made.attributes.get(given[0], UNKNOWN) if given else UNKNOWN
    )
    return made


def observe(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``widget.observe(function, names="value")``: called for each value that may be chosen."""
    function = argument(arguments, keywords, 0, "handler")
    if symbol.details is None or function is None:
        return None
    told = symbol.details[1].setdefault(WAITING, [])
    if len(told) < 16:
        told.append(function)
    self.defer(function, [change(_owner(symbol), "value", widget_value(symbol))], {})
    return None


def _owner(symbol: Symbol) -> Symbol:
    """Return the widget of which ``symbol`` is a method."""
    return Symbol(symbol.name.rpartition(".")[0], True, symbol.details)


def press(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``button.on_click(function)`` and ``text.on_submit``: it is given the widget."""
    function = argument(arguments, keywords, 0, "callback")
    if function is not None:
        self.defer(function, [_owner(symbol)], {})
    return function


def link(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``link((one, "value"), (other, "value"))``: the other takes what the one has."""
    ends = [self.items(each) for each in (*arguments, *keywords.values())][:2]
    if len(ends) == 2 and all(len(each) == 2 and is_widget(each[0]) for each in ends):
        (one, name), (other, same) = ends
        put(self, other, same, self.attribute(one, name))
    return None


def interface(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``gradio.Interface(function, inputs)`` and ``button.click(function, inputs)``."""
    function = argument(arguments, keywords, 0, "fn")
    inputs = argument(arguments, keywords, 1, "inputs")
    given = [
        widget_value(each) if type(each) is Symbol and each.details is not None else UNKNOWN
        for each in (inputs[:64] if type(inputs) in (list, tuple) else [inputs])
    ]
    if function is not None:
        self.defer(function, given, {})
    return Symbol(symbol.name, True, (arguments, keywords))


def offers(value: Value) -> list[Value]:
    """Values among which a person may choose: a list, pairs of label and value, a dictionary."""
    if type(value) is dict:
        return list(value.values())[: Choice.MAX]
    if type(value) in (list, tuple):
        return [each[1] if type(each) is tuple and len(each) == 2 else each for each in value[-Choice.MAX :]]
    if type(value) is str:
        return [value]
    return []


def interact(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``interact(function, name=choices)``, also as a decorator: the function is called with each choice."""
    given: Keywords = {}
    if len(arguments) > 1 and type(arguments[1]) is dict:  # interactive_output(function, widgets)
        keywords = arguments[1]
    for name, value in keywords.items():
        if type(value) is Symbol and value.details is not None:
            given[name] = widget_value(value)
        else:
            found = offers(value)
            given[name] = either(found) if found else UNKNOWN

    def apply(function: Value) -> Value:
        self.current().defer(function, [], given)
        return function

    if arguments:
        return apply(arguments[0])
    return native(lambda functions: apply(functions[0]) if functions else UNKNOWN)


_CLASSES: Final = (
    "Text Textarea Combobox Dropdown RadioButtons Select SelectMultiple ToggleButton ToggleButtons "
    "Checkbox Valid SelectionSlider SelectionRangeSlider IntText IntSlider BoundedIntText FloatText "
    "FloatSlider Password DatePicker ColorPicker FileUpload TagsInput Output Tab Accordion"
).split()
_MODULES: Final = ("ipywidgets.", "ipywidgets.widgets.")
HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys([f"{module}{each}.observe" for module in _MODULES for each in _CLASSES], observe),
    **dict.fromkeys(
        [f"{module}{each}.on_submit" for module in _MODULES for each in ("Text", "Textarea", "Combobox")]
        + [f"{module}Button.on_click" for module in _MODULES],
        press,
    ),
    **dict.fromkeys(
        [f"{module}{word}" for module in _MODULES for word in "link dlink jslink jsdlink".split()], link
    ),
    **dict.fromkeys(
        [f"gradio.Button.{word}" for word in ("click", "submit")]
        + [
            f"gradio.{each}.{word}"
            for each in ("Textbox", "Dropdown", "Radio")
            for word in ("change", "submit")
        ]
        + ["gradio.Interface"],
        interface,
    ),
    **dict.fromkeys(
        "ipywidgets.interact ipywidgets.interact_manual ipywidgets.interactive ipywidgets.widgets.interact "
        "ipywidgets.interactive_output ipywidgets.widgets.interact_manual "
        "ipywidgets.widgets.interactive".split(),
        interact,
    ),
}
