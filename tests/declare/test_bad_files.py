"""Files that do not parse, cannot be read or stop midway: the same sentence on every Python that may run this."""

import importlib
import os
import sys
from pathlib import Path

import pytest

from models.specs.source import source_of
from study.errors import DeclarationError, OptionError
from study.launch.find import find

pytestmark = pytest.mark.every_python

DEEP = b"x = " + b"-" * 100_000 + b"1\n"
"""MemoryError up to Python 3.11, RecursionError or MemoryError later."""

UNPARSED: dict[str, tuple[bytes, str]] = {
    "null byte": (b"x = 1\0\n", "does not parse (source code string cannot contain null bytes): save it as UTF-8"),
    "null byte in text": (b"x = '\0'\n", "null bytes): save it as UTF-8"),
    "null byte in a comment": (b"# \0\nx = 1\n", "null bytes): save it as UTF-8"),
    "UTF-16": ("x = 1\n".encode("utf-16"), "): save it as UTF-8"),
    "UTF-32": ("x = 1\n".encode("utf-32"), "): save it as UTF-8"),
    "Latin-1": ("x = 'ä'\n".encode("latin-1"), "): save it as UTF-8"),
    "half a character": (b"x = '\xed\xa0\x80'\n", "): save it as UTF-8"),
    "unknown encoding": (b"# coding: nonsense\n", "does not parse (unknown encoding: nonsense): save it as UTF-8"),
    "encoding of bytes": (b"# coding: rot13\n", "): save it as UTF-8"),
    "encoding that decodes nothing": (b"# coding: undefined\n", "does not parse ("),
    "two encodings": (b"\xef\xbb\xbf# coding: latin-1\n", "does not parse (encoding problem"),
    "path of Windows": (b"x = 'C:\\Users'\n", ", line 1, does not parse ((unicode error) 'unicodeescape' codec"),
    "too many signs": (DEEP, "does not parse (too deeply nested): fix it"),
    "too many terms": (b"x = 1" + b" + 1" * 100_000, "does not parse (too deeply nested): fix it"),
    "too many brackets": (b"x = " + b"(" * 300, ", line 1, does not parse (too many nested parentheses): fix it"),
    "too many blocks": (
        b"".join(b" " * i + b"if 1:\n" for i in range(150)),
        "too many levels of indentation): fix it",
    ),
    "too many digits": (b"\nx = " + b"1" * 5000, ", line 2, does not parse (Exceeds the limit"),
    "tabs and spaces": (
        b"if 1:\n\tx = 1\n        y = 1\n",
        "inconsistent use of tabs and spaces in indentation): fix it",
    ),
    "open text": (b"x = '''", "does not parse (unterminated triple-quoted string literal"),
    "return outside": (b"\nreturn\n", ", line 2, does not parse ('return' outside function): fix it"),
    "unknown future": (b"from __future__ import nonsense\n", "future feature nonsense is not defined): fix it"),
    "hidden character": ("x\u200b = 1".encode(), "does not parse (invalid non-printable character U+200B): fix it"),
}

STOPPED: dict[str, tuple[bytes, str]] = {
    "raises ValueError": (b"\nraise ValueError('no luck')\n", "mine.py, line 2, raised ValueError: no luck: fix it"),
    "raises SyntaxError": (b"raise SyntaxError\n", "mine.py, line 1, raised SyntaxError: "),
    "raises SyntaxError with text": (b"raise SyntaxError('no')\n", "mine.py, line 1, raised SyntaxError: no: fix it"),
    "evaluates nonsense": (b"eval('1 +')\n", "mine.py, line 1, raised SyntaxError: invalid syntax"),
    "raises MemoryError": (b"raise MemoryError\n", "mine.py, line 1, raised MemoryError: fix it"),
    "raises OSError": (b"open('nowhere')\n", "mine.py, line 1, raised FileNotFoundError: "),
    "is no UTF-8 itself": (b"b'\\xff'.decode()\n", "mine.py, line 1, raised UnicodeDecodeError: "),
    "imports null bytes": (
        b"import null_bytes\n",
        "mine.py, line 1, imports a file that does not parse (source code string",
    ),
    "imports nonsense": (b"import nonsense\n", "nonsense.py, line 2, does not parse (invalid syntax): fix it"),
}

RAISED: dict[str, tuple[Exception, str]] = {
    "SyntaxError": (SyntaxError("invalid syntax", ("mine.py", 3, 1, "x")), "mine.py, line 3, does not parse (invalid"),
    "SyntaxError without place": (SyntaxError("null bytes"), "mine.py does not parse (null bytes): save it as UTF-8"),
    "SyntaxError without text": (SyntaxError(), "mine.py does not parse (invalid syntax): fix it"),
    "ValueError": (ValueError("source code string cannot contain null bytes"), "contain null bytes): save it as UTF-8"),
    "UnicodeDecodeError": (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), "): save it as UTF-8"),
    "UnicodeEncodeError": (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"), "): save it as UTF-8"),
    "LookupError": (LookupError("unknown encoding: x"), "does not parse (unknown encoding: x): save it as UTF-8"),
    "MemoryError": (MemoryError(), "does not parse (too deeply nested): fix it"),
    "RecursionError": (RecursionError("maximum depth"), "does not parse (too deeply nested): fix it"),
    "OverflowError": (OverflowError("string too long"), "does not parse (string too long): fix it"),
    "SystemError": (SystemError(), "does not parse (SystemError): fix it"),
}
"""What some Python raises while it parses, whichever Python runs this test."""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "null_bytes.py").write_bytes(b"x = 1\0\n")
    (tmp_path / "nonsense.py").write_text("x = 1\nx = = 2\n")
    return tmp_path / "mine.py"


def refusal_of(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(DeclarationError) as refusal:
        find(f"{path}:mine")
    text = str(refusal.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", UNPARSED)
def test_a_file_that_does_not_parse_is_said_not_to_parse(name, mine):
    content, words = UNPARSED[name]
    text = refusal_of(mine, content)
    assert text.startswith(str(mine))
    assert words in text
    assert "raised" not in text


@pytest.mark.parametrize("name", STOPPED)
def test_a_file_that_parses_and_stops_is_said_to_raise(name, mine):
    content, words = STOPPED[name]
    assert words in refusal_of(mine, content)


@pytest.mark.parametrize("name", RAISED)
def test_whatever_a_python_raises_while_it_parses_is_said_alike(name, mine, monkeypatch):
    fault, words = RAISED[name]

    def fail(*_, **__):
        raise fault

    monkeypatch.setattr("study.launch.find.compile", fail, raising=False)
    assert words in refusal_of(mine, b"x = 1\n")


def test_a_file_that_cannot_be_read_is_an_option_that_is_wrong(mine, monkeypatch):
    mine.write_text("x = 1\n")

    def fail(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(OptionError, match=r"mine.py cannot be read \(Permission denied\): fix its permissions"):
        find(str(mine))


def test_what_is_no_file_is_said_to_be_none(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "folder.py").mkdir()
    for name, words in (("pipe", "pipe.py is no file"), ("folder", "is a folder"), ("loop", "there is no file")):
        with pytest.raises(OptionError, match=words):
            find(f"{tmp_path}/{name}.py:mine")


@pytest.mark.parametrize("name", ["x" * 300 + ".py", "a\0b.py", "nowhere/mine.py", "\udcff.py"])
def test_a_path_that_cannot_be_is_no_file(name, tmp_path):
    with pytest.raises(OptionError, match="there is no file"):
        find(f"{tmp_path}/{name}:mine")


@pytest.mark.parametrize("name", UNPARSED)
def test_a_file_that_was_broken_since_it_was_imported_gives_no_source(name, mine):
    mine.write_text("def own():\n    return 1\n")
    importlib.invalidate_caches()
    module = importlib.import_module("mine")
    del sys.modules["mine"]
    mine.write_bytes(UNPARSED[name][0])
    with pytest.raises(ValueError, match=r"^(the file of own does not parse \(|own must be defined at the top level)"):
        source_of(module.own)


def test_a_file_in_an_encoding_of_its_own_gives_its_source(mine):
    for mark in (b"\xef\xbb\xbf", b"# coding: latin-1\n"):
        text = "def own():\n    return 'ä'\n"
        mine.write_bytes(mark + text.encode("utf-8" if mark.startswith(b"\xef") else "latin-1"))
        importlib.invalidate_caches()
        module = importlib.import_module("mine")
        del sys.modules["mine"]
        assert source_of(module.own).text == text.strip()
