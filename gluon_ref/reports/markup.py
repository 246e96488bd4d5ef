"""Text of strangers made safe and visible in HTML and SVG; nothing enters a page but through here."""

from __future__ import annotations

import html

# Control characters have pictures of their own; so have lone surrogates, which UTF-8 cannot hold, one for all.
PICTURES = {**{code: 0x2400 + code for code in range(32) if code not in (9, 10)}, 0x7F: 0x2421}
PICTURES |= dict.fromkeys((*range(128, 160), *range(55296, 57344), 65534, 65535), 65533)


def escape(value: object) -> str:
    """Any value as text of HTML or of an attribute in double quotes."""
    return html.escape(str(value).translate(PICTURES), quote=True)


def isolated(value: object) -> str:
    """Text that may run from right to left, kept from turning its neighbours round."""
    return f"<bdi>{escape(value)}</bdi>"


def cut(text: str, most: int) -> str:
    """A text of at most `most` characters, with an ellipsis where more was said."""
    return text if len(text) <= most else text[: most - 1] + "…"
