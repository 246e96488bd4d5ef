"""Text of strangers in HTML."""

from __future__ import annotations

from gluon_ref.reports.markup import cut, escape, isolated


def test_what_means_something_to_a_browser_becomes_text() -> None:
    assert escape("""<script>alert("1")</script> & 'more'""") == (
        "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#x27;more&#x27;"
    )


def test_control_characters_are_seen_and_line_ends_stay() -> None:
    assert escape("a\x00b\x1bc\x7fd\te\nf") == "a\u2400b\u241bc\u2421d\te\nf"


def test_what_utf8_cannot_hold_is_replaced() -> None:
    assert escape("a\ud800\uffffb").encode() == "a\ufffd\ufffdb".encode()


def test_text_from_right_to_left_is_kept_apart() -> None:
    assert isolated("\u202eabc<") == "<bdi>\u202eabc&lt;</bdi>"


def test_a_long_text_ends_with_an_ellipsis() -> None:
    assert (cut("abcdef", 6), cut("abcdefg", 6)) == ("abcdef", "abcde…")
