"""A hook of MkDocs (mkdocs.yml): adds the pages of the Python reference, one a package of `barista`, so that none is forgotten.

Left out are the command line, whose help is its reference, and the modules that are processes of their own (`worker`).
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

PACKAGE = Path(__file__).resolve().parents[1] / "barista"
_WITHOUT_PAGE = {"cli"}


def on_config(config: Any) -> Any:
    """Puts the pages at the end of the navigation."""
    config.nav.append({"Python reference": [f"reference/{name}.md" for name in _pages()]})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Adds reference/index.md, for `barista` and the modules that lie in it, and reference/PACKAGE.md for each package."""
    for name, text in _pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def _pages() -> dict[str, str]:
    """Markdown by page."""
    pages = {"index": _page("barista", "", [PACKAGE / "__init__.py", *_modules(PACKAGE)])}
    for package in sorted(path.parent for path in PACKAGE.glob("*/__init__.py") if path.parent.name not in _WITHOUT_PAGE):
        pages[package.name] = _page(f"barista.{package.name}", _docstring(package / "__init__.py"), _modules(package))
    return pages


def _modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if not path.stem.startswith("_") and not path.stem.endswith("worker"))


def _page(title: str, opening: str, modules: list[Path]) -> str:
    return "\n\n".join([f"# {title}", opening, *(f"::: {_dotted(path)}" for path in modules)]) + "\n"


def _dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
