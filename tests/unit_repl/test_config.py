"""The shell's config file: where it is, what it may say, how its mistakes are told."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

import epql
from epql.repl import config
from epql.repl.config import Config, parsed
from epql.repl.looks import style_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "repl.md"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "mode = 'table'\nnul = 'x'\n",
            "c.toml, line 2: there is no key nul",
            "did you mean null?",
        ),
        ("\n\nmode = 'tabel'", "c.toml, line 3: mode is one of table, line", "--no-config"),
        ("vi = 'yes'", "line 1: vi is true or false, not 'yes'", "--no-config"),
        ("width = 5", "line 1: width is a whole number from 20 on, not 5", "--no-config"),
        ("width = true", "width is a whole number from 20 on, not True", "--no-config"),
        ("startup = 'SELECT 1'", "startup is a list of texts", "--no-config"),
        ("pager = true", "pager is a command, or false", "--no-config"),
        ("vi = ", "c.toml: Invalid value (at ", "--no-config"),
        ("vi = true\n[colors]\nkeywrd = 'red'", "line 3: there is no part that", "keyword"),
        ("[color]\nkeyword = 'red'", "line 1: there is no key color", "did you mean colors?"),
        ("xyzzy = 1", "there is no key xyzzy", "there are mode, null"),
    ],
)
def test_mistakes_name_the_line_and_the_nearest(text: str, message: str, hint: str) -> None:
    with pytest.raises(epql.ProgrammingError) as caught:
        parsed(text, "c.toml")
    assert caught.value.code == "shell.config"
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_colour_that_is_none() -> None:
    with pytest.raises(epql.ProgrammingError, match=r"colors.prompt: 'reddish' is no colour"):
        style_of(parsed("[colors]\nprompt = 'reddish'", "c.toml"))


def test_where_it_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("EPQL_CONFIG", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert config.config_path() == tmp_path / ".config/epql/config.toml"
    assert config.history_path() == tmp_path / ".local/share/epql/history"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")  # the standard says to ignore it
    assert config.config_path() == tmp_path / ".config/epql/config.toml"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    assert config.config_path() == tmp_path / "c/epql/config.toml"
    assert config.load(config.config_path()) == Config()
    monkeypatch.setenv("EPQL_CONFIG", str(tmp_path / "my.toml"))
    with pytest.raises(epql.ProgrammingError, match="does not exist"):
        config.load(config.config_path())
    (tmp_path / "my.toml").write_bytes(b"\xff")
    with pytest.raises(epql.ProgrammingError, match="cannot be read"):
        config.load(config.config_path())


def test_the_manual_tells_every_key_with_what_holds_without_it() -> None:
    page = PAGE.read_text()
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example
    parsed(example[1], "the manual")
    told = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) ?\|$", page, re.MULTILINE))
    for one in fields(Config):
        usual = getattr(Config(), one.name)
        if isinstance(usual, (bool, int, str)):
            value = told[one.name].strip(" `")
            assert tomllib.loads(f"x = {value}")["x"] == usual, one.name
        assert one.name in told
