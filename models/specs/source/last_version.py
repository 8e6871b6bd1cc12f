"""What the last version of a thing stands on, of all that a notebook has run.

Cells run again and again, edited or as they are, so most of a notebook's statements define what later ones replace. These
must not count: the same cells, run once each from top to bottom, declare the same trial.
"""

import ast
import symtable
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from models.specs.source.cut import names_bound

_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def last_version(nodes: list[ast.stmt], name: str, with_changes: bool = False) -> list[ast.stmt]:
    """The statements that define the last thing called `name` and what it stands on; or may change that, too."""
    nodes = _without_repetitions(nodes)
    wanted = {name}
    while True:
        kept = _needed(nodes, wanted, with_changes)
        later = {used for node in kept for used in _names_read_later(node)}
        if later <= wanted:
            return kept if with_changes else _in_order(kept)
        wanted |= later


def _in_order(nodes: list[ast.stmt]) -> list[ast.stmt]:
    """Definitions in an order that follows from them alone, not from when they ran; others as they are."""
    given = [(name, node) for node in nodes for name in _defined_anew(node)]
    by_name = dict(given)
    if len(by_name) < len(given) or not all(map(_defined_anew, nodes)):
        return nodes
    placed: dict[int, ast.stmt] = {}

    def place(node: ast.stmt, below: tuple[ast.stmt, ...] = ()) -> None:
        for name in sorted(_names_read_at_once(nodes, node)):
            if name in by_name and by_name[name] not in (*below, node):
                place(by_name[name], (*below, node))
        placed.setdefault(id(node), node)

    for node in sorted(nodes, key=lambda node: (not isinstance(node, ast.Import | ast.ImportFrom), ast.unparse(node))):
        place(node)
    return [*placed.values()]


def _without_repetitions(nodes: list[ast.stmt]) -> list[ast.stmt]:
    """The statements without definitions that say again what holds already."""
    kept: list[ast.stmt] = []
    holds: dict[str, object] = {}
    changes = Counter[str]()
    for node in nodes:
        names = _defined_anew(node)
        is_import = isinstance(node, ast.Import | ast.ImportFrom)
        seen = () if is_import else tuple((used, changes[used]) for used in sorted(_names_read(node) - names))
        meaning = ast.unparse(node), seen
        if names and all(holds.get(each) == meaning for each in names):
            continue
        kept.append(node)
        holds |= dict.fromkeys(names, meaning)
        changes.update(names or _names_read(node) | set(names_bound(node)))
    return kept


def _needed(nodes: list[ast.stmt], wanted: set[str], with_changes: bool) -> list[ast.stmt]:
    """The statements that give `wanted` their last values, and what these stand on; or that may change these, too."""
    kept: list[ast.stmt] = []
    needed = set(wanted)
    for node in reversed(nodes):
        names = _defined_anew(node)
        others = _with_what_they_mean(nodes, _names_read(node)) if with_changes else set[str]()
        others |= set(names_bound(node))
        if needed & (names or others):
            kept.append(node)
            needed = (needed - names) | _names_read_at_once(nodes, node)
    return kept[::-1]


def _names_read_at_once(nodes: list[ast.stmt], node: ast.stmt) -> set[str]:
    """The names that a statement reads when it runs, also in what it calls."""
    parts = list(_run_at_once(node))
    read = {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}
    return _with_what_they_mean(nodes, read) if any(isinstance(part, ast.Call) for part in parts) else read


def _with_what_they_mean(nodes: list[ast.stmt], names: set[str]) -> set[str]:
    """Names, and those that the functions and classes so called read, and so on."""
    found, queue = set[str](), {*names}
    while queue:
        found |= queue
        defining = [node for node in nodes if isinstance(node, _DEFINITIONS) and node.name in queue]
        queue = {name for node in defining for name in _names_read(node)} - found
    return found


def _names_read(node: ast.stmt) -> set[str]:
    """The names of the module that a statement reads, now or in functions that it defines."""
    at_once = {part.id for part in _run_at_once(node) if isinstance(part, ast.Name)}
    return at_once | _names_read_later(node)


def _names_read_later(node: ast.stmt) -> set[str]:
    """Those that it reads in functions that it defines, where they mean what they mean when the function is called."""
    defines = any(isinstance(part, _FUNCTIONS) for part in ast.walk(node))
    return set(_global_names(ast.unparse(node))) if defines else set()


@lru_cache(maxsize=4096)
def _global_names(text: str) -> frozenset[str]:
    """The names of the module in the functions of a text; what is local to a function is another thing of that name."""
    try:
        queue = [symtable.symtable(text, "<statement>", "exec")]
    except SyntaxError:  # a cell may await outside of functions
        return frozenset()
    names: set[str] = set()
    while queue:
        scope = queue.pop()
        queue += scope.get_children()
        if scope.get_type() == "function":
            names |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
    return frozenset(names)


def _run_at_once(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement that run with it; the bodies of functions run when these are called."""
    yield node
    is_function = isinstance(node, _FUNCTIONS)
    later = (node.body if isinstance(node.body, list) else [node.body]) if is_function else []
    for part in ast.iter_child_nodes(node):
        if part not in later:
            yield from _run_at_once(part)


def _defined_anew(node: ast.stmt) -> set[str]:
    """The names that a statement gives a new value, if that is all it does."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name.split(".")[0] for alias in names} - {"*"}
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            return {name}
        case ast.Assign(targets=targets):
            parts = [part for each in targets for part in (each.elts if isinstance(each, ast.Tuple) else [each])]
            names = {part.id for part in parts if isinstance(part, ast.Name)}
            return names if all(isinstance(part, ast.Name) for part in parts) else set()
    return set()
