"""Caffe's own GoogleTest suites, unchanged, against Barista's layers: `python -m conformance`, see docs/conformance.md."""
