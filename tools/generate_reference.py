"""Writes docs/reference/mlops*.md: one page for each public package, from its front door's signatures and docstrings.

    python tools/generate_reference.py            write the pages
    python tools/generate_reference.py --check    write nothing; exit 1 and name the pages that are not current

A package is public when it is listed here; what it offers is its `__all__`. Signatures are read from the source, so a
page is the same on every machine.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import inspect
import itertools
import re
import sys
import textwrap
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
PUBLIC = (
    "mlops",
    "mlops.experiment_tracker",
    "mlops.model_registry",
    "mlops.data_pipeline",
    "mlops.feature_store",
    "mlops.ab_testing",
    "mlops.features",
    "mlops.jobs",
    "mlops.platform",
    "mlops.provenance",
    "mlops.artifacts",
    "mlops.audit",
    "mlops.events",
    "mlops.search",
    "mlops.database",
    "mlops.config",
    "mlops.records",
    "mlops.errors",
    "mlops.clock",
)
LONGEST_LINE = 110
NOTICE = "<!-- Written by `make docs` from the docstrings; do not edit. -->"
SECTION = re.compile(r"^(Args|Attributes|Class attributes|Returns|Yields|Raises|Examples?):$")
ITEM = re.compile(r"^(\*{0,2}[\w.`, *]+?)(?: \(([^)]*)\))?: (.*)$")


# --- docstrings -------------------------------------------------------------------------------------------------------


def sections(doc: str) -> Iterator[tuple[str, str]]:
    """Split a docstring into its text (title "") and its titled sections, bodies dedented."""
    title, lines = "", list[str]()
    for line in doc.splitlines():
        head = SECTION.match(line)
        if head or (title and line and not line.startswith(" ")):
            yield title, textwrap.dedent("\n".join(lines)).strip("\n")
            title, lines = (head[1], []) if head else ("", [line])
        else:
            lines.append(line)
    yield title, textwrap.dedent("\n".join(lines)).strip("\n")


def items(body: str) -> str:
    """Turn the `name: meaning` lines of a section into a list."""
    found: list[str] = []
    for line in body.splitlines():
        item = ITEM.match(line)
        found.append(f"- `{item[1].strip('`')}`: {item[3]}" if item else f"  {line.strip()}" if found else line)
    return "\n".join(line.rstrip() for line in found)


def indented_blocks(text: str) -> str:
    """Fence the indented parts of a text: trees, tables and examples."""
    paragraphs = re.split(r"\n\n(?=\S)|\n\n(?= {4})", text)
    shown = [
        fenced(part) if all(line.startswith("    ") for line in part.splitlines() if line) else part
        for part in paragraphs
    ]
    return "\n\n".join(shown)


def fenced(code: str) -> str:
    """Show code as it is; a session with its answers is checked by doctest, not by the tests of these pages."""
    language = "pycon" if ">>>" in code else "text"
    return f"```{language}\n{textwrap.dedent(code).strip()}\n```"


def prose(doc: str | None) -> str:
    """Return a docstring as Markdown."""
    parts = []
    for title, body in sections(inspect.cleandoc(doc or "")):
        if not body:
            continue
        if title.startswith("Example"):
            parts.append(fenced(body))
        elif title in {"Returns", "Yields"}:
            parts.append(f"**{title}** {body}")
        else:
            parts.append(f"**{title}**\n\n{items(body)}" if title else indented_blocks(body))
    return "\n\n".join(parts)


# --- signatures -------------------------------------------------------------------------------------------------------


def definition(member: object) -> ast.AST | None:
    """Return the parsed definition of a function or class, None when it has no source of its own."""
    try:
        source = textwrap.dedent(inspect.getsource(member))  # type: ignore[arg-type]
    except (OSError, TypeError):
        return None
    return ast.parse(source).body[0]


def signature(name: str, function: object) -> str:
    """Return `def name(arguments) -> result` as the source has it, without self and cls."""
    node = definition(inspect.unwrap(function))  # type: ignore[arg-type]
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return f"{name}(…)"
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return wrapped(f"{keyword} {name}(", argument_list(node.args), f"){result}")


def argument_list(arguments: ast.arguments) -> list[str]:
    """Return the arguments one by one, with the signs that part them."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
    parts = [argument(*pair) for pair in zip(positional, defaults, strict=True)]
    if arguments.posonlyargs:
        parts.insert(len(arguments.posonlyargs), "/")
    if positional and positional[0].arg in {"self", "cls"}:
        del parts[: 2 if parts[1:2] == ["/"] else 1]
    if arguments.vararg or arguments.kwonlyargs:
        parts.append(f"*{argument(arguments.vararg)}" if arguments.vararg else "*")
    parts += [argument(*pair) for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return [*parts, f"**{argument(arguments.kwarg)}"] if arguments.kwarg else parts


def argument(node: ast.arg, value: ast.expr | None = None) -> str:
    """Return one argument with its type and default."""
    shown = ast.unparse(node)
    if value is None:
        return shown
    return f"{shown} = {ast.unparse(value)}" if node.annotation else f"{shown}={ast.unparse(value)}"


def wrapped(head: str, arguments: Sequence[str], tail: str) -> str:
    """Put the arguments on lines of their own when one line is too long."""
    line = head + ", ".join(arguments) + tail
    return line if len(line) <= LONGEST_LINE else "\n".join([head, *(f"    {part}," for part in arguments), tail])


# --- members ----------------------------------------------------------------------------------------------------------


def field_names(cls: type) -> Collection[str]:
    """Return the names of the fields of a record, a dataclass or a named tuple; none of any other class."""
    if issubclass(cls, BaseModel):
        return cls.model_fields
    if dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls)]
    return getattr(cls, "_fields", ())


def fields_table(cls: type, names: Collection[str]) -> str:
    """Return the fields that a class declares itself as a table; empty when it declares none."""
    node = definition(cls)
    assert isinstance(node, ast.ClassDef)
    rows = [
        f"| `{ast.unparse(part.target)}` | `{escaped(ast.unparse(part.annotation))}` | {default(part.value)} |"
        for part in node.body
        if isinstance(part, ast.AnnAssign) and ast.unparse(part.target) in names
    ]
    return "\n".join(["| field | type | default |", "|---|---|---|", *rows]) if rows else ""


def default(value: ast.expr | None) -> str:
    """Return how a field's default is shown; one that is described may be required or made anew."""
    if value is None:
        return "required"
    if isinstance(value, ast.Call) and ast.unparse(value.func) in {"Field", "field"}:
        given = {item.arg: ast.unparse(item.value) for item in value.keywords}
        made = given.get("default") or (f"{given['default_factory']}()" if "default_factory" in given else "")
        shown = ast.unparse(value.args[0]) if value.args else made
        return f"`{escaped(shown)}`" if shown else "required"
    return f"`{escaped(ast.unparse(value))}`"


def escaped(cell: str) -> str:
    """Keep a vertical bar from ending a table's cell."""
    return cell.replace("|", "\\|")


def members_of(cls: type) -> Iterator[tuple[str, object]]:
    """Yield the public functions and properties that the class itself defines, in the order of its source."""
    for name, member in vars(cls).items():
        plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if not name.startswith("_") and (inspect.isfunction(plain) or isinstance(plain, property)):
            yield name, plain


def method(owner: str, name: str, member: object) -> str:
    """Return the entry of a method or property."""
    if isinstance(member, property):
        return f"#### `{owner}.{name}`\n\n{prose(member.__doc__)}"
    shown = f"```text\n{signature(name, member)}\n```"
    return f"#### `{owner}.{name}`\n\n{shown}\n\n{prose(inspect.getdoc(member))}"


def class_entry(name: str, cls: type) -> str:
    """Return the entry of a class: what it is made from, what it says, what it can do."""
    bases = ", ".join(f"`{base.__name__}`" for base in cls.__bases__ if base is not object)
    parts = [f"*Bases: {bases}*" if bases else "", prose(cls.__doc__)]
    if issubclass(cls, enum.Enum):
        parts.append("\n".join(f"- `{member.name}` = `{member.value!r}`" for member in cls))
    elif names := field_names(cls):
        parts.append(fields_table(cls, names))
    elif "__init__" in vars(cls) and not issubclass(cls, BaseException):
        parts.insert(0, f"```text\n{signature(name, vars(cls)['__init__']).removeprefix('def ')}\n```")
    parts += [method(name, key, member) for key, member in members_of(cls)]
    return "\n\n".join(part for part in parts if part)


def sources(package: ModuleType) -> Iterator[list[ast.stmt]]:
    """Yield the statements of a package's front door and of its loaded modules."""
    for name, module in sorted(sys.modules.items()):
        if (name + ".").startswith(package.__name__ + ".") and getattr(module, "__file__", None):
            yield ast.parse(inspect.getsource(module)).body


def constant_entry(package: ModuleType, name: str) -> str:
    """Return a constant's assignment and the text below it."""
    for body in sources(package):
        for node, after in itertools.pairwise([*body, ast.Pass()]):
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            if isinstance(target, ast.Name) and target.id == name:
                text = getattr(getattr(after, "value", None), "value", None) if isinstance(after, ast.Expr) else None
                shown = ast.unparse(node)
                code = f"```text\n{shown}\n```" if len(shown) <= LONGEST_LINE else ""
                return "\n\n".join(part for part in (code, prose(text if isinstance(text, str) else "")) if part)
    return f"A `{type(getattr(package, name)).__name__}`."


def home(package: ModuleType, name: str) -> str:
    """Return the public package that a name of this one comes from, or an empty string when it is this one."""
    origin = getattr(getattr(package, name), "__module__", None) or ""
    owners = [other for other in PUBLIC if other != "mlops" and f"{origin}.".startswith(f"{other}.")]
    owner = max(owners, key=len, default="")
    return owner if owner != package.__name__ and owner and name in importlib.import_module(owner).__all__ else ""


def entry(package: ModuleType, name: str) -> str:
    """Return the entry of one public name; a name of another package's has only a pointer to it."""
    member, owner = getattr(package, name), home(package, name)
    if owner:
        body = f"See [`{owner}`]({owner}.md#{name.lower()})."
    elif inspect.isclass(member):
        body = class_entry(name, member)
    elif inspect.isroutine(member):
        body = f"```text\n{signature(name, member)}\n```\n\n{prose(inspect.getdoc(member))}"
    else:
        body = constant_entry(package, name)
    return f"### `{name}`\n\n{body}"


# --- pages ------------------------------------------------------------------------------------------------------------


def page(module: ModuleType) -> str:
    """Return a package's page."""
    entries = [entry(module, name) for name in sorted(module.__all__, key=str.lower)]
    parts = [NOTICE, f"# `{module.__name__}`", prose(module.__doc__), *entries]
    return "\n\n".join(part for part in parts if part) + "\n"


def pages() -> dict[Path, str]:
    """Return the wanted content of every generated page."""
    return {FOLDER / f"{name}.md": page(importlib.import_module(name)) for name in PUBLIC}


def stale(wanted: dict[Path, str]) -> list[str]:
    """Return the names of pages that differ from what they should be, or that nothing generates any more."""
    differing = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    left_over = set(FOLDER.glob("mlops*.md")) - set(wanted)
    return sorted(str(path.relative_to(ROOT)) for path in {*differing, *left_over})


def main(arguments: Sequence[str]) -> int:
    """Write or check the pages; return the exit status."""
    wanted = pages()
    if "--check" in arguments:
        old = stale(wanted)
        print(f"Not current: {', '.join(old)}. Run: make docs" if old else "The reference is current.")
        return 1 if old else 0
    for path in set(FOLDER.glob("mlops*.md")) - set(wanted):
        path.unlink()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
