"""Captions as palette indices."""

import numpy as np
import pytest

from generator.render import captions


@pytest.mark.parametrize("lines", [("one",), ("one", "two"), ("", "x", "")])
@pytest.mark.parametrize("font_size", [13, 25])
def test_captions_have_a_line_for_each_text_and_only_ink(lines, font_size):
    caption = captions.caption(lines, 120, font_size)
    assert caption.dtype == np.uint8
    assert caption.shape == (captions.caption_height(len(lines), font_size), 120)
    assert caption.min() == 246
    assert caption.max() >= 254
    height = caption.shape[0] // len(lines)
    assert height > font_size
    for number, line in enumerate(lines):
        assert (caption[height * number : height * (number + 1)] > 250).any() == bool(line)


@pytest.mark.parametrize("font_size", [13, 25])
def test_captions_have_room_around_their_letters(font_size):
    caption = captions.caption(("Ågjpqy",), 200, font_size)
    assert (caption[[0, -1]] == 246).all()
    assert (caption[:, :3] == 246).all()


def test_captions_that_do_not_fit_are_shortened():
    caption = captions.caption(("convolution " * 50,), 150)
    assert caption.shape == (captions.caption_height(1), 150)
    assert (caption[:, 145:] == 246).all()
    assert (caption[:, 115:145] > 246).any()
    np.testing.assert_array_equal(caption, captions.caption(("convolution " * 60,), 150))
    assert (caption != captions.caption(("convolution",), 150)).any()


@pytest.mark.parametrize(
    "text", ["😀😀", "层 conv", "tab\there", "nul\0", "\ud800", "e\u0301", "\u202e rtl", "M" * 900]
)
def test_captions_take_any_text(text):
    assert captions.caption((text,), 90).shape == (captions.caption_height(1), 90)


def test_captions_keep_line_breaks_out():
    np.testing.assert_array_equal(captions.caption(("a\nb\r\n",), 90), captions.caption(("a b",), 90))


@pytest.mark.parametrize("width", [1, 12, 20])
def test_captions_without_room(width):
    assert captions.caption(("some text",), width).shape == (captions.caption_height(1), width)
