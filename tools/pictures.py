"""Pictures as scikit-image 0.13 read and resized them; pycaffe, which was written for it, gets this file as `caffe.pictures`.

Since then scikit-image takes other names, smooths before it shrinks, interpolates with other cubic kernels, blends transparent
pictures with white and passes CMYK on as it is. A net that was trained with the old results must see the old results.
"""

from typing import Any

import numpy as np
import PIL.Image
import skimage.color
import skimage.io
import skimage.transform

# Pillow's modes that were converted on reading, and to what.
_CONVERTED = {"CMYK": "RGB", "LA": "RGBA", "PA": "RGBA"}


def read(filename: str, color: bool) -> np.ndarray[Any, Any]:
    """A picture [H, W], [H, W, 3] or [H, W, 4] of the file's own type; without `color` [H, W], the luma of what has colours."""
    image = _read_converted(filename)
    if image is None:
        image = skimage.io.imread(filename)
    if color or image.ndim == 2:
        return image
    luma: np.ndarray[Any, Any] = skimage.color.rgb2gray(image[:, :, :3])  # alpha is dropped, as it is in colour
    return luma


def resize(image: np.ndarray[Any, Any], new_dims: tuple[int, int], order: int) -> np.ndarray[Any, Any]:
    """`image` [H, W, K] within 0..1 as [*new_dims, K] by interpolation of this order; beyond its edge the picture is 0."""
    scale_y, scale_x = (old / new for old, new in zip(image.shape[:2], new_dims, strict=True))
    # Pixels are areas: centre lies on centre.
    to_old = np.array([[scale_x, 0, 0.5 * scale_x - 0.5], [0, scale_y, 0.5 * scale_y - 0.5], [0, 0, 1]])
    # In double precision, as it was.
    doubles, dims = image.astype(np.float64), tuple(new_dims)
    resized: np.ndarray[Any, Any] = skimage.transform.warp(doubles, to_old, output_shape=dims, order=order, mode="constant")
    return resized


def _read_converted(filename: str) -> np.ndarray[Any, Any] | None:
    """None where the picture is to be read as it is, or is not Pillow's to read: an address, or TIFF, whose own reader takes it."""
    if str(filename).lower().endswith((".tif", ".tiff")):
        return None
    try:
        with PIL.Image.open(filename) as picture:
            wanted = _CONVERTED.get(picture.mode)
            return None if wanted is None else np.asarray(picture.convert(wanted))
    except OSError:
        return None
