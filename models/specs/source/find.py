"""Finding the source of a class or function, and proving that it makes the same thing again."""

import contextlib
import inspect
import io
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from models.specs.source.compare import difference, patch_in
from models.specs.source.cut import Cut, Reach, cut
from models.specs.source.define import define
from models.specs.source.gather import Source, gather
from models.specs.source.modules import NoSourceError
from models.specs.source.text import Text, texts_of, why_unparsed

_IS_OTHER = "is not what its file makes of it"
_WHERE_DEFINED = "set it where it is defined, or pass it as an option"
_IS_OTHER_THAN_CELLS = "is not what the notebook's cells make of it"


def source_of(thing: Callable[..., Any]) -> Source:
    """The source of a class or function as it stands now, with what it uses of its file and of the user's modules.

    The source is made into a thing of its own, which is compared with the one that runs here: so a change made after
    the definition (`Net.WIDTH = 16`) is either part of the source, or refused.

    Raises: ValueError where it has no source, is not defined at the top level of a file or a notebook, or where no part of
    its file makes the same thing again.
    """
    name = getattr(thing, "__name__", repr(thing))
    texts = _texts(inspect.unwrap(thing), name)
    faults: list[str] = []
    for reach in Reach:
        for text in texts if reach < Reach.WHOLE else [text for text in texts if not text.is_notebook]:
            source, fault = _tried(thing, text, name, reach)
            if not fault:
                _refuse_patches(thing, name)
                _DECLARED[source.text, name] = thing, source
                return source
            faults.append(fault)
    others = [fault for fault in faults if _IS_OTHER in fault]
    raise ValueError(_said_of(texts[0], (others or faults)[0]))


def _said_of(text: Text, fault: str) -> str:
    """A sentence on a file, or the same on a notebook."""
    if not text.is_notebook:
        return fault
    said = fault.replace(_IS_OTHER, _IS_OTHER_THAN_CELLS).replace("its file does", "the notebook's cells do")
    remedy = "run the cells that define them again, or restart the kernel where a module has changed"
    return said.replace(_WHERE_DEFINED, remedy)


_DECLARED: dict[tuple[str, str], tuple[Any, Source]] = {}
"""What this process has declared, by source and name."""


def change_since(text: str, name: str) -> str:
    """Why what this process declared as a source is another thing by now; "" where it is not, or came from elsewhere.

    A file may declare a network in its middle, and change the class at its end.
    """
    thing, source = _DECLARED.get((text, name), (None, None))
    return _why_other(thing, source, name) if source else ""


def _texts(thing: Callable[..., Any], name: str) -> list[Text]:
    try:
        texts = texts_of(thing)
        is_defined = any(cut(text.content, frozenset([name]), Reach.DEFINITIONS).text for text in texts)
    except (OSError, TypeError) as fault:
        raise ValueError(
            f"the source of {name} cannot be read: define it in a .py file or in a notebook's cell"
        ) from fault
    except Exception as fault:
        raise ValueError(f"the file of {name} does not parse ({why_unparsed(fault)}): fix it") from fault
    if not is_defined or getattr(thing, "__qualname__", name) != name:
        raise ValueError(
            f"{name} must be defined at the top level of its file, or of a notebook's cell, so that it can be built again"
        )
    return texts


def _tried(thing: Any, text: Text, name: str, reach: Reach) -> tuple[Source, str]:
    """The source of a thing at one reach, and why it is not the thing; "" where it is.

    Of the statements that may change something, only those stay that the thing needs.
    """
    source, whole = _gathered(text, name, reach)
    left_out = frozenset() if _is_defined(source, name) else _that_fail(text, name, reach, whole.changes)
    source, _ = _gathered(text, name, reach, left_out)
    fault = _why_other(thing, source, name)
    for place in reversed(whole.changes):  # what uses a statement comes after it
        fewer, _ = _gathered(text, name, reach, left_out | {place})
        if not _why_other(thing, fewer, name):
            source, fault, left_out = fewer, "", left_out | {place}
    return source, fault


def _that_fail(text: Text, name: str, reach: Reach, changes: tuple[int, ...]) -> frozenset[int]:
    """Those statements, of the ones that may change something, that raise where only the source runs."""
    failing: set[int] = set()
    for count, place in enumerate(changes):
        source, _ = _gathered(text, name, reach, frozenset([*failing, *changes[count + 1 :]]))
        if not _is_defined(source, name):
            failing.add(place)
    return frozenset(failing)


def _gathered(text: Text, name: str, reach: Reach, left_out: frozenset[int] = frozenset()) -> tuple[Source, Cut]:
    try:
        return gather(text, name, reach, left_out)
    except NoSourceError as fault:
        raise ValueError(f"{name} {fault}") from fault
    except Exception as fault:
        raise ValueError(f"{name} imports a module that does not parse ({why_unparsed(fault)}): fix it") from fault


def _is_defined(source: Source, name: str) -> bool:
    return not isinstance(_made(source, name), BaseException)


def _why_other(thing: Any, source: Source, name: str) -> str:
    """Why a source does not make the thing; "" where it does."""
    made = _made(source, name)
    if isinstance(made, NameError) and made.name == "__file__":
        return (
            f"{name} uses __file__, and its source runs without one: pass the path as an option, and to OwnData.of also in "
            "files=[...]"
        )
    if isinstance(made, BaseException):
        return (
            f"{name} cannot be built from its own source ({type(made).__name__}: {made}): "
            "it uses something that its file does not define by name, or shares a value with a line that cannot run alone"
        )
    found = difference(thing, made)
    if not found:
        return ""
    return f"{name} {_IS_OTHER}: {found}: {_WHERE_DEFINED}"


@lru_cache(maxsize=256)
def _made(source: Source, name: str) -> Any:
    """What a source makes, or the exception it raises: nobody else uses it, so that it stays as it was made."""
    try:
        silent = io.StringIO()  # what the source prints was printed when it ran
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            return define(source.text, name, dict(source.modules))
    except (Exception, SystemExit) as fault:
        return fault


def _refuse_patches(thing: Any, name: str) -> None:
    if patched := patch_in(thing):
        raise ValueError(
            f"{name} stands on {patched}, which your code has replaced: a worker would use the original. Subclass it"
        )
