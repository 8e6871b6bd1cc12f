"""Cutting definitions out of a file, with what they stand on.

Identity by source must not change when a neighbouring line of the file does (a study and its network often share one
file), so a class is cut out together with the module-level names it uses, directly or through each other. Comments and
formatting do not count; the code does.

How far a cut must reach, no rule can know for every file. There are four reaches, each wider than the one before;
`models.specs.source.find` takes the first whose cut makes the same thing as the file does.
"""

import ast
from collections.abc import Iterator
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
_PLAIN = ast.Constant | ast.Tuple | ast.UnaryOp | ast.BinOp | ast.unaryop | ast.operator | ast.expr_context
_OWN_SCOPE = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


class Reach(IntEnum):
    """How much of a file belongs to a thing."""

    DEFINITIONS = 0
    """What defines the names it uses, and what may change an assigned value among them."""
    BINDINGS = 1
    """As before, with every other way of binding a name, star imports, and `from __future__` lines."""
    CHANGES = 2
    """As before, with every statement that mentions any of these names, itself or through a function that it calls."""
    WHOLE = 3
    """The whole file, but for what it does as the main program."""


class Import(NamedTuple):
    """An import: the module in full, and what is taken from it. None: the module itself; "*" stands for everything."""

    module: str
    names: tuple[str, ...] | None
    is_renamed: bool = False


class Cut(NamedTuple):
    """Part of a file: its statements in their order, as one text, and all that they import."""

    text: str
    imports: tuple[Import, ...]
    changes: tuple[int, ...] = ()
    """Places in the file of statements that are there only because they may change something."""


@lru_cache(maxsize=512)  # a table declares the same network in every row
def cut(
    content: str, names: frozenset[str], reach: Reach, package: str = "", left_out: frozenset[int] = frozenset()
) -> Cut:
    """The statements of a file that `names` stand on, but for those at the places `left_out`.

    Raises: SyntaxError, ValueError, MemoryError or RecursionError where the content does not parse, as Python itself does.
    """
    tree = ast.parse(content)
    body = [node for node in tree.body if not _is_main_block(node)]
    wanted, changes = _wanted(body, names, reach, left_out)
    places = sorted(wanted | changes)
    nodes = [_absolute(body[place], package) for place in places]
    text = "\n".join(ast.unparse(node) for node in nodes)
    return Cut(text, tuple(found for node in nodes for found in _imports(node)), tuple(sorted(changes)))


def binds(content: str, name: str) -> bool:
    """Whether a file gives a value to a module-level name."""
    return name in _all_bound(content)


@lru_cache(maxsize=256)
def _all_bound(content: str) -> frozenset[str]:
    return frozenset(name for node in ast.parse(content).body for name in names_bound(node))


def _wanted(
    body: list[ast.stmt], names: frozenset[str], reach: Reach, left_out: frozenset[int]
) -> tuple[set[int], set[int]]:
    """The places of the statements that belong to `names`, and of those that may change what these make."""
    if reach == Reach.WHOLE:
        return set(range(len(body))), set()
    binders = _binders(body, names, reach)
    wanted = _reached(body, binders, names)
    if reach == Reach.DEFINITIONS:
        return wanted, set()
    wanted |= {place for place, node in enumerate(body) if _is_for_all_names(node)}
    if reach == Reach.BINDINGS:
        return wanted, set()
    bound = {name for place in wanted for name in names_bound(body[place])} | names
    changes = {
        place
        for place, node in enumerate(body)
        if place not in wanted | left_out and not isinstance(node, _DEFINITIONS) and _mentions(body, node) & bound
    }
    return wanted | _reached(body, binders, _names_used(body, changes)) - left_out, changes


def _reached(body: list[ast.stmt], binders: dict[str, list[int]], names: frozenset[str]) -> set[int]:
    """The places of the statements that define `names`, and what these use, and so on."""
    wanted: set[int] = set()
    queue = [place for name in names for place in binders.get(name, ())]
    while queue:
        place = queue.pop()
        if place not in wanted:
            wanted.add(place)
            queue += [binder for name in names_in(body[place]) for binder in binders.get(name, ())]
    return wanted


def names_in(node: ast.AST) -> set[str]:
    """All names in a statement, read or bound."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _names_used(body: list[ast.stmt], places: set[int]) -> frozenset[str]:
    return frozenset(name for place in places for name in names_in(body[place]))


def _binders(body: list[ast.stmt], things: frozenset[str], reach: Reach) -> dict[str, list[int]]:
    """Module-level name → the places of the statements that define it, and of those that may change an assigned value.

    Any statement that mentions such a value may change it (`np.fill_diagonal(M, 0)`), and one too many costs less than
    one too few: the cut would then be another thing. But what mentions the things stands on them, and not the reverse.
    """
    bound = _names_defined if reach == Reach.DEFINITIONS else names_bound
    binders: dict[str, list[int]] = {}
    for place, node in enumerate(body):
        for name in bound(node):
            binders.setdefault(name, []).append(place)
    changeable = {name for name, places in binders.items() if any(_makes_changeable(body[place]) for place in places)}
    for place, node in enumerate(body):
        mentioned = names_in(node)
        if not things & mentioned and not isinstance(node, _DEFINITIONS):
            for name in changeable & mentioned:
                binders[name].append(place)
    return binders


def _mentions(body: list[ast.stmt], node: ast.stmt) -> set[str]:
    """The names in a statement, and in the functions and classes that it mentions, and so on."""
    defined = {each.name: each for each in body if isinstance(each, ast.FunctionDef | ast.ClassDef)}
    mentioned: set[str] = set()
    queue = [node]
    while queue:
        new = names_in(queue.pop()) - mentioned
        mentioned |= new
        queue += [defined[name] for name in new if name in defined]
    return mentioned


def _is_main_block(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in names_in(node.test)


def _is_for_all_names(node: ast.stmt) -> bool:
    """Whether a statement decides how others are read, or which names there are."""
    return isinstance(node, ast.ImportFrom) and (node.module == "__future__" or node.names[0].name == "*")


def _makes_changeable(node: ast.stmt) -> bool:
    """Whether a statement assigns more than plain numbers and text, which no other statement can change."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    return not all(isinstance(part, _PLAIN) for part in ast.walk(node.value))


def _names_defined(node: ast.stmt) -> Iterator[str]:
    """The module-level names that a statement defines, also inside `if`, `try`, `with` and loops."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name.split(".")[0] for alias in names)
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            yield from (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        case _:
            for part in ast.iter_child_nodes(node):
                inner = part.body if isinstance(part, ast.ExceptHandler) else [part]
                for statement in inner:
                    if isinstance(statement, ast.stmt):
                        yield from _names_defined(statement)


def names_bound(node: ast.AST) -> Iterator[str]:
    """The module-level names that a statement gives a value: also by `for`, `with`, `:=`, `match`, `except` and `del`."""
    yield from _names_bound_here(node)
    for part in ast.iter_child_nodes(node):
        if isinstance(node, _OWN_SCOPE):  # what a function assigns is its own, unless it says otherwise
            yield from (name for n in ast.walk(part) if isinstance(n, ast.Global) for name in n.names)
        else:
            yield from names_bound(part)


def _names_bound_here(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.stmt():
            yield from _names_defined(node)
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name
        case ast.ExceptHandler(name=str(name)):
            yield name


def _imports(node: ast.stmt) -> Iterator[Import]:
    """All that a statement imports, also inside functions."""
    for part in ast.walk(node):
        match part:
            case ast.Import(names=names):
                yield from (Import(alias.name, None, alias.asname is not None) for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield Import(module, tuple(alias.name for alias in names))


def _absolute(node: ast.stmt, package: str) -> ast.stmt:
    """The statement with its relative imports written in full: a cut has no package."""
    for part in ast.walk(node):
        if isinstance(part, ast.ImportFrom) and part.level:
            base = package.split(".")[: len(package.split(".")) - part.level + 1]
            part.module, part.level = ".".join([*base, *([part.module] if part.module else [])]), 0
    return node
