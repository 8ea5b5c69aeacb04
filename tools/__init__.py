"""Tools for working on Barista; none of them is part of the installed package."""
