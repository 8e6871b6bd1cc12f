"""The JavaScript libraries of the pages: Vega, which draws charts, and DataTables, which sorts and filters tables.

vl-convert and itables bring them along, so that no page loads anything from elsewhere.
"""

import base64
import contextlib
import gzip
import os
import zlib
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import platformdirs

VEGA, TABLES, TABLES_STYLE = "vega", "datatables", "datatables-style"


@cache
def library(name: str) -> str:
    """A library, packed as a page holds it: VEGA, TABLES or TABLES_STYLE."""
    if name == VEGA:
        return _text(_vega())
    folder = find_spec("itables")
    assert folder is not None
    assert folder.origin is not None
    file = {TABLES: "dt_bundle.js", TABLES_STYLE: "dt_bundle.css"}[name]
    return packed((Path(folder.origin).parent / "html" / file).read_text(encoding="utf-8"))


def packed(text: str) -> str:
    """Text as a page holds it: gzip in base64. It is a third of the size, and nothing in it can end a script."""
    return _text(_zipped(text))


def _zipped(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def _text(zipped: bytes) -> str:
    return base64.b64encode(zipped).decode()


def _vega() -> bytes:
    """Vega, Vega-Lite and Vega-Embed. vl-convert takes seconds to bundle them, so the user's cache keeps the bundle."""
    import vl_convert

    kept = platformdirs.user_cache_path("collapsar") / f"vega-{version('vl-convert-python')}.js.gz"
    with contextlib.suppress(OSError, EOFError, zlib.error):  # not there, or not whole
        gzip.decompress(zipped := kept.read_bytes())
        return zipped
    zipped = _zipped(vl_convert.javascript_bundle())  # pyright: ignore[reportCallIssue]
    with contextlib.suppress(OSError):  # a home folder that cannot be written
        kept.parent.mkdir(parents=True, exist_ok=True)
        half = kept.with_suffix(f".{os.getpid()}")
        half.write_bytes(zipped)
        half.replace(kept)
    return zipped
