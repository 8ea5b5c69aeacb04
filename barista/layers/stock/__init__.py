"""The rows of stock Caffe's layer types, a module a few families. To add a device layer is to fill in its row."""

from __future__ import annotations

from barista.layers.stock import activation, data, loss, multiplying, normalization, pooling, structure

ROWS = (
    *multiplying.ROWS,
    *pooling.ROWS,
    *activation.ROWS,
    *normalization.ROWS,
    *loss.ROWS,
    *structure.ROWS,
    *data.ROWS,
)
