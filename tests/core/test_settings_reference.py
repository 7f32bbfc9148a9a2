"""What is written about the settings follows from their table."""

import re
import tomllib

import pytest
from conftest import ROOT

from generator.core.settings_file import file_settings
from generator.core.settings_reference import settings_toml, with_tables, write_reference

RENEW = "`make reference` writes it anew"


def test_gallery_toml_follows_from_the_table():
    text = (ROOT / "gallery.toml").read_text(encoding="utf-8")
    named = tomllib.loads(text)
    assert text == settings_toml(named["model"], named["images"]), RENEW


def test_the_tables_of_the_readme_follow_from_the_table():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text == with_tables(text), RENEW


def test_the_comments_are_short_lines_without_marks_around_values():
    comments = re.findall(r"^# .*", settings_toml("m.keras", "in"), flags=re.MULTILINE)
    assert max(map(len, comments)) <= 112
    assert not any('`"' in line or '"`' in line or "`true`" in line for line in comments)


def test_both_are_written_anew_and_the_rest_stays(tmp_path):
    (tmp_path / "gallery.toml").write_text("model = 'größe.h5'\nimages = 'in'\n", encoding="utf-8")
    old = "first\n<!-- settings:start -->\nfaded\n<!-- settings:end -->\nmiddle\n"
    old += "<!-- flags:start -->\n<!-- flags:end -->\nlast\n"
    (tmp_path / "README.md").write_text(old, encoding="utf-8")
    write_reference(tmp_path)
    config, readme = ((tmp_path / name).read_text(encoding="utf-8") for name in ("gallery.toml", "README.md"))
    assert tomllib.loads(config) == {"model": "größe.h5", "images": "in"}
    assert '# labels = "größe.labels.txt"\n' in config
    assert "faded" not in readme and all(f"{each}\n" in readme for each in ("first", "middle", "last"))
    assert all(f"\n| `{name}` | " in readme for name in file_settings())
    write_reference(tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == readme


@pytest.mark.parametrize("text", ["", "<!-- settings:start -->\n", "<!-- settings:end -->\n"])
def test_a_readme_without_the_marker_lines_is_no_place_for_tables(text):
    with pytest.raises(ValueError, match="expected <!-- settings:start --> and <!-- settings:end -->"):
        with_tables(text)
