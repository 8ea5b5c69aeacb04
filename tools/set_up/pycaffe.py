"""What Caffe's Python package says otherwise than the Python, NumPy and scikit-image of today, put right in the built Caffe.

The mended files are made from the source tree that lies beside them, so new mends reach a Caffe that is already built. Each mend's
place must be there once: a source of another kind stops the set-up.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from tools.set_up.setting import SetUpError

_PICTURES = Path(__file__).parents[1] / "pictures.py"


@dataclass(frozen=True)
class Mend:
    """One place of a file: `old` becomes `new`."""

    file: str
    old: str
    new: str


_IO, _DETECTOR = "caffe/io.py", "caffe/detector.py"
_IMPORT = "from skimage.transform import resize\n"
_CLIP = "np.clip(box, 0., [im_h, im_w, im_h, im_w])"
MENDS = (
    # scikit-image: other names and other results, see pictures.py
    Mend(_IO, _IMPORT, f"{_IMPORT}\nfrom caffe import pictures\n"),
    Mend(_IO, "skimage.io.imread(filename, as_grey=not color)", "pictures.read(filename, color)"),
    Mend(_IO, "resize(im_std, new_dims, order=interp_order, mode='constant')", "pictures.resize(im_std, new_dims, interp_order)"),
    # Gone from NumPy. An array from a datum can be written to, as it could.
    Mend(_IO, "arr.tostring()", "arr.tobytes()"),
    Mend(_IO, "np.fromstring(datum.data, dtype=np.uint8)", "np.frombuffer(bytearray(datum.data), dtype=np.uint8)"),
    # NumPy takes no float as an index.
    Mend(_DETECTOR, _CLIP, f"{_CLIP}.astype(int)"),
    # Python 3's zip is gone through once; detect_windows goes through its argument twice.
    Mend(_DETECTOR, "zip(image_fnames, windows_list)", "list(zip(image_fnames, windows_list))"),
)


def mend(source: Path, installed: Path) -> None:
    """Writes to `installed`, where they are others, the files of `source` with MENDS and pictures.py in them. Raises SetUpError."""
    texts = {"caffe/pictures.py": _PICTURES.read_text(encoding="utf-8")}
    for mend in MENDS:
        text = texts.get(mend.file) or (source / mend.file).read_text(encoding="utf-8")
        if text.count(mend.old) != 1:
            place = f"'{mend.old.strip()}' is there {text.count(mend.old)} times and not once"
            raise SetUpError(f"{source / mend.file}: {place}; Debian's source package is another than expected")
        texts[mend.file] = text.replace(mend.old, mend.new)
    for name, text in texts.items():
        _write_other(installed / name, text)


def _write_other(file: Path, text: str) -> None:
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return
    # Whoever imports it at this moment gets the old file or the new one, whole.
    aside = file.with_name(f"{file.name}.{os.getpid()}.partial")
    aside.write_text(text, encoding="utf-8")
    aside.rename(file)
