"""Nets to begin with: LeNet with its solver as files, and the classic nets as `python -m examples.nets` writes them."""
