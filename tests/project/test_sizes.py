"""Files, functions and names stay small enough to be read: this test counts them."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from launches import ROOT

PACKAGES = ("collapsar", "models", "study", "analysis", "benchmarks")
FOLDERS = (*PACKAGES, "tests", "docs")

LONGEST_FILE, LONGEST_FUNCTION = 280, 45
MEDIAN_FUNCTION, LONG_FUNCTION = 6, 16
"""Lines that half of all functions stay within, and nine in ten."""

UNDOCUMENTED = 0.10
"""The largest share of public functions without a docstring."""

RIDDLES = """
again asking carry_out conduct deaths decoded drawn ending fates fetched fitted frozen generated idx_files keeper laid leveled
masked measured packed patience place probed sampled screened searching show sizing swept told unused waiting watch
"""
"""Names that modules once had: participles, adverbs, and nouns that say nothing of what is inside."""


def files_in(*folders: str) -> list[Path]:
    """Our Python files, in these folders and below."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def functions_in(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
    """Every function of a file, methods and inner ones included, and whether others may call it."""

    def walk(node: ast.AST, is_public: bool) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
        for child in ast.iter_child_nodes(node):
            name = getattr(child, "name", "")
            match child:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield child, is_public and not name.startswith("_")
                    yield from walk(child, False)
                case ast.ClassDef():
                    yield from walk(child, is_public and not name.startswith("_"))
                case _:
                    yield from walk(child, is_public)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), True)


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How long a function is, its docstring included."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_is_read_on_a_few_screens(folder: str) -> None:
    sizes = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n") for path in files_in(folder)}
    assert sizes, "nothing was counted"
    assert {path: size for path, size in sizes.items() if size > LONGEST_FILE} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_is_read_on_one_screen(folder: str) -> None:
    sizes = {
        f"{path.relative_to(ROOT)}:{function.name}": lines_of(function)
        for path in files_in(folder)
        for function, _ in functions_in(path)
    }
    assert {name: size for name, size in sizes.items() if size > LONGEST_FUNCTION} == {}


def test_most_functions_do_one_small_thing() -> None:
    sizes = sorted(lines_of(function) for path in files_in(*PACKAGES) for function, _ in functions_in(path))
    assert median(sizes) <= MEDIAN_FUNCTION
    assert sizes[int(0.9 * len(sizes))] <= LONG_FUNCTION


def test_public_functions_say_what_they_do() -> None:
    public = [
        (f"{path.relative_to(ROOT)}:{function.name}", ast.get_docstring(function))
        for path in files_in(*PACKAGES)
        for function, is_public in functions_in(path)
        if is_public
    ]
    silent = [name for name, text in public if not text]
    assert len(silent) <= UNDOCUMENTED * len(public), f"{len(silent)} of {len(public)}: {', '.join(silent)}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_module_is_named_by_what_it_defines(folder: str) -> None:
    """By a noun that a newcomer would search for, and by none of the riddles of before."""
    names = {part for path in files_in(folder) for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not names & set(RIDDLES.split())
