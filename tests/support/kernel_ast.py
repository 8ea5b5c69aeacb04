"""Kernels as clang understands them: loops, which of them are unrolled, and how arrays are indexed."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from barista import paths
from barista.bitstream import recipe as recipes

Node = dict[str, Any]
_WRAPPERS = ("ImplicitCastExpr", "ParenExpr", "CStyleCastExpr")


@dataclass(frozen=True)
class Access:
    """`array[i][j]...` as the source has it."""

    array: str
    sizes: tuple[int, ...]  # of the array's dimensions
    indices: tuple[Node, ...]
    loops: tuple[Node, ...]  # that it lies in, the outermost first

    def unrolled(self, index: Node) -> bool:
        """Whether the index is the variable of an unrolled loop around the access, or a number."""
        if index["kind"] == "IntegerLiteral":
            return True
        variables = {loop_variable(loop) for loop in self.loops if loop["unrolled"]}
        return index["kind"] == "DeclRefExpr" and index["referencedDecl"]["id"] in variables


@functools.cache
def kernel(file: str, name: str, recipe: str) -> Node:
    """The syntax tree of a kernel with a recipe's numbers."""
    clang = next(filter(None, map(shutil.which, ("clang-15", "clang", "clang-14"))), None)
    assert clang, "no clang; install Debian's package clang-15, which PoCL needs as well"
    folder = paths.kernels_dir()
    language = ["-x", "cl", "-cl-std=CL1.2", "-Xclang", "-finclude-default-header", "-target", "spir64", f"-I{folder}", "-w"]
    dump = ["-fsyntax-only", "-Xclang", "-ast-dump=json", "-Xclang", f"-ast-dump-filter={name}"]
    command = [clang, *language, *recipes.load(recipe).defines(), *dump, str(folder / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tree: Node = json.JSONDecoder().raw_decode(done.stdout, done.stdout.index("{"))[0]
    assert (tree["kind"], tree["name"]) == ("FunctionDecl", name)
    return tree


def walk(node: Node, parents: tuple[Node, ...] = ()) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """Every node with those around it, the outermost first. A ForStmt gets the key "unrolled"."""
    if node["kind"] == "ForStmt":
        around: Node = parents[-1] if parents else {"kind": ""}
        hints: list[Node] = around.get("inner", []) if around["kind"] == "AttributedStmt" else []
        node["unrolled"] = any(hint["kind"] == "LoopHintAttr" for hint in hints)
    yield node, parents
    for child in node.get("inner", ()):
        if child:
            yield from walk(child, (*parents, node))


def loop_variable(loop: Node) -> str:
    """The identity of the variable that a `for (int i = ...` declares."""
    declared = loop["inner"][0]
    return str(declared["inner"][0]["id"]) if declared and declared["kind"] == "DeclStmt" else ""


def accesses(tree: Node) -> Iterator[Access]:
    """Each access to an array of the function's own."""
    inner: set[str] = set()
    for node, parents in walk(tree):
        if node["kind"] != "ArraySubscriptExpr" or node["id"] in inner:
            continue
        loops = tuple(parent for parent in parents if parent["kind"] == "ForStmt")
        base, indices = node, []
        while base["kind"] == "ArraySubscriptExpr":
            inner.add(base["id"])
            indices.append(plain(base["inner"][1]))
            base = plain(base["inner"][0])
        sizes = tuple(map(int, re.findall(r"\[(\d+)\]", base.get("type", {}).get("qualType", ""))))
        if base["kind"] == "DeclRefExpr" and sizes:
            yield Access(base["referencedDecl"]["name"], sizes, tuple(reversed(indices)), loops)


def plain(node: Node) -> Node:
    """The node without casts and parentheses around it."""
    while node["kind"] in _WRAPPERS:
        node = node["inner"][0]
    return node


def value(node: Node, tree: Node, known: Mapping[str, int]) -> int:
    """An expression of whole numbers, of variables by their names, and of constants of the function."""
    node = plain(node)
    if node["kind"] == "IntegerLiteral":
        return int(node["value"])
    if node["kind"] == "DeclRefExpr":
        name = node["referencedDecl"]["name"]
        if name in known:
            return known[name]
        [declared] = [found for found, _ in walk(tree) if found["kind"] == "VarDecl" and found["name"] == name]
        return value(declared["inner"][0], tree, known)
    assert node["kind"] == "BinaryOperator", node["kind"]
    left, right = (value(side, tree, known) for side in node["inner"])
    return {"+": left + right, "-": left - right, "&": left & right, "*": left * right}[node["opcode"]]
