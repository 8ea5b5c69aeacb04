"""Arguments of kernels: what the compiler does not take, and how many bytes they are.

Intel FPGA SDK for OpenCL Programming Guide (683846, 22.4), "OpenCL C Programming Language Restrictions" (no structures as
arguments) and "Allocation Limits" (256 bytes, 128 arguments).
"""

from __future__ import annotations

from dataclasses import dataclass

from barista.report.ir import Function, Module

MOST_BYTES = 256
MOST_ARGUMENTS = 128


@dataclass(frozen=True)
class Arguments:
    """A kernel's arguments."""

    count: int
    bytes: int
    structures: tuple[str, ...]  # passed by value, which is not allowed
    loose: tuple[str, ...]  # pointers without restrict, which may all point to the same


def arguments(function: Function, module: Module) -> Arguments:
    """What a kernel is called with."""
    structures, loose, size = [], [], 0
    for one in function.arguments:
        name = one.name.lstrip("%")
        by_value = one.by_value or (one.type if one.type.startswith(("%", "{")) else "")
        own = module.size(by_value or one.type)
        alignment = min(8, own & -own) if own else 1  # of pointers and of what they are passed beside
        size = -(-size // alignment) * alignment + own
        if by_value:
            structures.append(name)
        elif one.type == "ptr addrspace(1)" and not one.alias_free:
            loose.append(name)
    return Arguments(len(function.arguments), size, tuple(structures), tuple(loose))
