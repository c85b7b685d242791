#!/usr/bin/env python3
"""No two files of a crate import each other, directly or in a circle: so each can be read after the ones that it imports.

    tests/tools/check_imports.py                checks shared, local, operator and the functions
    tests/tools/check_imports.py --self-test    shows that a circle is found, however it is written
"""

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CRATES = [ROOT / "shared", ROOT / "local", ROOT / "operator", *sorted((ROOT / "functions").iterdir())]
USE = re.compile(r"\buse\s+((?:crate|super|self)\b[^;]*);|\b((?:crate|super)::\w+(?:::\w+)*)")


def paths(tree, prefix=()):
    """`a::{b, c::d}` as [a, b] and [a, c, d]."""
    tree = tree.strip()
    if "{" not in tree:
        return [[*prefix, *(part.strip() for part in re.split(r"\s+as\s+", tree)[0].split("::"))]]
    head, body = tree.split("{", 1)
    prefix = (*prefix, *(part.strip() for part in head.split("::") if part.strip()))
    items, depth, item = [], 0, ""
    for character in body[: body.rindex("}")]:
        depth += (character == "{") - (character == "}")
        if character == "," and depth == 0:
            items.append(item)
            item = ""
        else:
            item += character
    return [path for item in [*items, item] if item.strip() for path in paths(item, prefix)]


def module_of(file, source):
    parts = list(file.relative_to(source).with_suffix("").parts)
    return tuple(parts[:-1] if parts[-1] in {"lib", "main", "mod"} else parts)


def imports(crate):
    """Which modules each module of a crate imports."""
    source = crate / "src"
    files = {module_of(file, source): file for file in sorted(source.rglob("*.rs"))}
    graph = {}
    for module, file in files.items():
        code = re.sub(r"//[^\n]*", "", file.read_text())
        # A module of tests may look at everything.
        code = code.split("#[cfg(test)]")[0]
        found = set()
        for use, path in USE.findall(code):
            for parts in paths(use or path):
                at = () if parts[0] == "crate" else module
                for part in parts:
                    at = at[:-1] if part == "super" else at if part in {"crate", "self"} else (*at, part)
                while at not in files and at:
                    at = at[:-1]
                if at and at != module:
                    found.add(at)
        graph[module] = found
    return graph


def circle(graph):
    """Modules that import each other in a circle, or None."""
    done, path = set(), []

    def visit(module):
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return None
        path.append(module)
        for other in sorted(graph.get(module, ())):
            if found := visit(other):
                return found
        path.pop()
        done.add(module)
        return None

    for module in sorted(graph):
        if found := visit(module):
            return found
    return None


def check(crates):
    failed = False
    for crate in crates:
        if found := circle(imports(crate)):
            failed = True
            print(f"{crate.name}: {' imports '.join('::'.join(module) for module in found)}", file=sys.stderr)
    return not failed


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        (source / "b").mkdir(parents=True)
        (source / "lib.rs").write_text("pub mod a;\npub mod b;\n")
        (source / "b.rs").write_text("pub mod c;\npub struct B;\n")
        (source / "b" / "c.rs").write_text("// use crate::a::A;\nuse super::B;\n")
        for a, finds in [
            ("use crate::b::B;", False),
            ("use crate::{b::{c::C, B}};", False),
        ]:
            (source / "a.rs").write_text(a)
            assert (circle(imports(Path(folder))) is not None) == finds, a
        (source / "b" / "c.rs").write_text("use super::B;\nfn c() -> crate::a::A {}\n")
        assert circle(imports(Path(folder))) == [("a",), ("b", "c"), ("a",)]
        (source / "a.rs").write_text("")
        (source / "b.rs").write_text("pub use self::c::C;\n")
        assert circle(imports(Path(folder))) == [("b",), ("b", "c"), ("b",)]
    print("a circle is found")


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        sys.exit(0 if check(CRATES) else 1)
