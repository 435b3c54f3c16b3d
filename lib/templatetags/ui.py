"""Template tags of the design system: `{% load ui %}`. Each writes the markup of one component."""

from __future__ import annotations

import textwrap
import time as clock
from typing import Any

from django import template
from django.template import loader
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from lib import format as fmt
from lib.badges import badge

register = template.Library()

register.filter("number", fmt.number)
register.filter("count", fmt.count)
register.filter("size", fmt.size)
register.filter("duration", fmt.duration)
register.filter("slot", fmt.slot)
register.filter("mark", fmt.mark)
register.filter("one_line", fmt.one_line)


@register.simple_tag
def icon(name: str, small: bool = False, css: str = "") -> SafeString:
    """Draw one icon of the sprite; it is decoration, the word stands beside it or in aria-label."""
    size = "icon-s" if small else "icon"
    sprite = static("img/icons.svg")
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', f"{size} {css}".strip(), sprite, name
    )


@register.simple_tag
def status(state: object, pill: bool = False, word: str = "") -> SafeString:
    """Show a state as icon and word; `pill` once a page, in the header."""
    look = badge(state)
    css = f"status status--pill is-{look.tone}" if pill else f"status is-{look.tone}"
    return format_html(
        '<span class="{}" data-state="{}">{}{}</span>',
        css,
        str(state),
        icon(look.icon, small=True, css="icon-turn" if look.turns else ""),
        word or look.word,
    )


@register.simple_tag
def badge_icon(state: object) -> SafeString:
    """Draw a state's icon alone, where the word stands elsewhere."""
    look = badge(state)
    return icon(look.icon, small=True, css="icon-turn" if look.turns else "")


@register.simple_tag
def badge_word(state: object) -> str:
    """Name a state."""
    return str(badge(state).word)


@register.filter
def tone(state: object) -> str:
    """Name the tone class of a state: `is-ok`."""
    return f"is-{badge(state).tone}"


@register.simple_tag(name="time")
def time_tag(milliseconds: int | None, plain: bool = False) -> SafeString:
    """Show a moment as age, exact on hover; a script keeps it young and speaks the reader's time zone."""
    if milliseconds is None:
        return format_html('<span class="none">{}</span>', fmt.MISSING)
    exact = fmt.exact(milliseconds)
    text = exact if plain else fmt.age(milliseconds, int(clock.time() * 1000))
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        fmt.moment(milliseconds).isoformat(timespec="milliseconds"),
        exact,
        "" if plain else SafeString(" data-age"),
        text,
    )


@register.simple_tag
def copy(value: str, label: str = "", short: str = "") -> SafeString:
    """Show a value to copy: an id, an address, a hash."""
    return format_html(
        '<span class="copy"><code title="{}">{}</code>{}</span>', value, short or value, copy_button(value, label)
    )


@register.simple_tag
def copy_button(value: str, label: str = "") -> SafeString:
    """Draw the button that copies `value`."""
    name = label or _("Copy")
    return format_html(
        '<button class="btn btn-quiet btn-icon btn-small" type="button" data-copy="{}" aria-label="{}" title="{}">'
        "{}</button>",
        value,
        name,
        name,
        icon("copy", small=True),
    )


@register.simple_tag
def swatch(run_id: str) -> SafeString:
    """Draw a run's line as the charts draw it."""
    return format_html(
        '<svg width="16" height="8" viewBox="0 0 16 8" aria-hidden="true">'
        '<path class="mark s{}" d="M0 4h16" stroke-width="2.25"/></svg>',
        fmt.slot(run_id),
    )


@register.simple_block_tag
def code(content: str, label: str = "", numbered: bool = False) -> SafeString:
    """Show the block's lines as code with a name and a copy button; the block is HTML already (`{{ x }}` escapes)."""
    return _code(textwrap.dedent(content.strip("\n")).rstrip(), label, numbered)


@register.simple_tag
def code_block(text: str, label: str = "", numbered: bool = True) -> SafeString:
    """Show a variable's text as code with its name and a copy button."""
    return _code(str(escape(str(text))), label, numbered)


def _code(markup: str, label: str, numbered: bool) -> SafeString:
    lines = [mark_safe(line) for line in markup.split("\n")]  # noqa: S308  escaped by both callers
    context = {"lines": lines, "label": label, "numbered": numbered}
    return SafeString(loader.get_template("_components/code.html").render(context))


@register.simple_block_tag
def dialog(content: str, name: str, title: str, is_open: object = False) -> SafeString:
    """Wrap the block in a modal dialog; a button with `commandfor="name" command="show-modal"` opens it.

    `is_open` opens it with the page: what was typed was refused.
    """
    context = {"name": name, "title": title, "content": SafeString(content), "is_open": bool(is_open)}
    return SafeString(loader.get_template("_components/dialog.html").render(context))


@register.inclusion_tag("_components/field.html")
def field(bound: Any, hint: str = "", css: str = "", mono: bool = False) -> dict[str, Any]:
    """Show a form field: label above, hint or error below, tied together for screen readers."""
    widget = bound.field.widget
    is_tick = getattr(widget, "input_type", "") == "checkbox"
    kind = "tick" if is_tick else "select" if hasattr(widget, "choices") else "input"
    described = f"{bound.auto_id}-note" if (bound.errors or hint or bound.help_text) else None
    attrs = {"class": f"{kind} mono" if mono else kind, "aria-describedby": described}
    attrs |= {"aria-invalid": "true"} if bound.errors else {}
    shown = bound.as_widget(attrs={name: value for name, value in attrs.items() if value})
    return {
        "bound": bound,
        "widget": shown,
        "kind": kind,
        "hint": hint or bound.help_text,
        "note": described,
        "css": css,
    }


@register.inclusion_tag("_components/nav_item.html", takes_context=True)
def nav_item(context: dict[str, Any], route: str, symbol: str, label: str, workspace: object = None) -> dict[str, Any]:
    """Show a place of the navigation; one that no app serves (yet) does not show at all."""
    try:
        url = reverse(route, args=[str(workspace)] if workspace else [])
    except NoReverseMatch:
        return {"url": None}
    match = getattr(context.get("request"), "resolver_match", None)
    return {"url": url, "symbol": symbol, "label": label, "here": bool(match) and _is_here(match, route)}


def _is_here(match: Any, route: str) -> bool:
    """A page belongs to the place whose first word of the route name it shares: `compute:node` to `compute:list`."""
    if match.view_name == route:
        return True
    app, _colon, noun = route.partition(":")
    name = match.url_name or ""
    return match.app_name == app and bool(noun) and name.split("-")[0] == noun.split("-")[0]


@register.simple_tag(takes_context=True)
def may(context: dict[str, Any], permission: str) -> bool:
    """Ask whether the reader may do something here, to leave out a button; the operation asks again."""
    actor, workspace = context.get("actor"), context.get("workspace")
    return bool(actor and workspace and actor.may(permission, workspace))


@register.simple_tag(takes_context=True)
def maybe_url(context: dict[str, Any], route: str, *args: Any, **kwargs: Any) -> str:
    """Reverse a route of an app above; empty when there is none, so that the page leaves its fragment out."""
    try:
        return reverse(route, args=args, kwargs=kwargs)
    except NoReverseMatch:
        return ""
