"""Change a module in one place: a number, a text, a comparison, an operator, an order.

Each mutant changes one node of the module's syntax tree. Messages of errors, docstrings, annotations and `__all__` are
left alone: they decide no result.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
Place = tuple[ast.AST, str, int | None]  # holder, its field, and the index in a field that is a list
Lines = tuple[int, int]
UNREAD = ("annotation", "returns")  # fields of nodes that only say a type


@dataclass(frozen=True)
class Mutant:
    """One change of a module.

    Attributes:
        file: the module's path, relative to the repository.
        number: which of the module's mutants it is, from 0.
        lines: first and last line of the statement, or of the head of a compound one.
        kind: number, truth, text, comparison, operator, logic, or order.
        before, after: the changed node as code.
    """

    file: str
    number: int
    lines: tuple[int, int]
    kind: str
    before: str
    after: str


def mutants_of(file: str, source: str) -> list[Mutant]:
    """List the mutants of a module, in the order of its syntax tree."""
    return [
        Mutant(file, number, lines, kind, ast.unparse(node), ast.unparse(changed))
        for number, (_, node, changed, kind, lines) in enumerate(_mutations(ast.parse(source)))
    ]


def changed_source(source: str, number: int) -> str:
    """Return a module's source with one mutation."""
    tree = ast.parse(source)
    (holder, field, index), _, changed, _, _ = next(islice(_mutations(tree), number, None))
    if index is None:
        setattr(holder, field, changed)
    else:
        getattr(holder, field)[index] = changed
    return ast.unparse(tree) + "\n"


def files_of(package: Path) -> list[str]:
    """List the modules of a package, relative to the folder that holds it."""
    return sorted(path.relative_to(package.parent).as_posix() for path in package.rglob("*.py"))


def _mutations(tree: ast.AST) -> Iterator[tuple[Place, ast.AST, ast.AST, str, Lines]]:
    """Iterate over a tree's mutations: place, node, changed node, kind, lines of the statement."""
    for place, node, lines in _nodes(tree, (0, 0)):
        for kind, changed in _changes(node):
            yield place, node, changed, kind, lines


def _nodes(parent: ast.AST, lines: Lines) -> Iterator[tuple[Place, ast.AST, Lines]]:
    """Walk over the nodes that a mutant may change."""
    for field, value in ast.iter_fields(parent):
        if field in UNREAD:
            continue
        several = isinstance(value, list)
        for index, node in enumerate(value if several else [value]):
            if isinstance(node, ast.AST) and not _decides_nothing(node):
                own = _lines(node) if isinstance(node, ast.stmt) else lines
                yield (parent, field, index if several else None), node, own
                yield from _nodes(node, own)


def _decides_nothing(node: ast.AST) -> bool:
    """Say whether a statement is a docstring, the raising of an error, `__all__`, or imports for types."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) == "__all__"
    return isinstance(node, ast.Raise) or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")


def _lines(statement: ast.stmt) -> tuple[int, int]:
    """Return the lines of a statement, decorators included; of a compound one those of its head."""
    decorators = [node.lineno for node in getattr(statement, "decorator_list", [])]
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    last = statement.end_lineno if not body else max(_first_line(body[0]) - 1, statement.lineno)
    return min([statement.lineno, *decorators]), last or statement.lineno


def _first_line(node: ast.AST) -> int:
    return node.pattern.lineno if isinstance(node, ast.match_case) else getattr(node, "lineno", 0)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Make the changes of one node, each with its kind."""
    if isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        yield "comparison", ast.Compare(node.left, [COMPARISONS[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield "operator", ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield "logic" if isinstance(node.op, ast.Not) else "operator", node.operand
    elif isinstance(node, ast.BoolOp):
        yield "logic", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        first, second, *rest = node.elts
        yield from _if_other(node, type(node)([second, first, *rest], node.ctx))
    elif isinstance(node, ast.Dict) and len(node.values) > 1 and None not in node.keys[:2]:
        first, second, *rest = node.values
        yield from _if_other(node, ast.Dict(node.keys, [second, first, *rest]))


def _constants(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    value = node.value
    if isinstance(value, bool):
        yield "truth", ast.Constant(not value)
    elif isinstance(value, int):
        yield "number", ast.Constant(value + 1)
    elif isinstance(value, float):
        yield "number", ast.Constant(value * 1.5 if value else 1.0)
    elif isinstance(value, str) and value:
        yield "text", ast.Constant(value + "_")


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    if len(node.args) > 1 and not any(isinstance(each, ast.Starred) for each in node.args[:2]):
        first, second, *rest = node.args
        yield from _if_other(node, ast.Call(node.func, [second, first, *rest], node.keywords))
    is_sorted = isinstance(node.func, ast.Name) and node.func.id == "sorted"
    if is_sorted and not any(word.arg == "reverse" for word in node.keywords):
        backwards = ast.keyword("reverse", ast.Constant(True))
        yield "order", ast.Call(node.func, node.args, [*node.keywords, backwards])


def _if_other(node: ast.AST, changed: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if ast.unparse(node) != ast.unparse(changed):
        yield "order", changed
