"""Recipes, and the device binaries that are built from them."""
