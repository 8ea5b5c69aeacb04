"""libbarista.so and libbarista_plan.so in the checkout's build folder, and the bitstream of the emulator."""

from barista import paths
from barista.errors import BaristaError
from tools.set_up.commands import Runner, cores
from tools.set_up.setting import Setting, SetUpError


def build(setting: Setting, runner: Runner) -> None:
    """Brings the plugin, and for the tests the C++ tests, up to date."""
    build_dir = setting.checkout / "build"
    options = _options(setting)
    stamp = build_dir / ".barista-options"
    if not ((build_dir / "build.ninja").is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == "\n".join(options)):
        runner.run("cmake", "-G", "Ninja", "-S", setting.checkout, "-B", build_dir, *options, hold_lock=True)
        stamp.write_text("\n".join(options), encoding="utf-8")
    targets = ["all"] if setting.with_tests else ["barista", "barista_plan_library"]
    runner.run("ninja", "-C", build_dir, "-j", str(cores()), *targets, quick=True, hold_lock=True)


def _options(setting: Setting) -> list[str]:
    try:
        root = paths.caffe_installation().root
    except BaristaError as error:
        raise SetUpError(str(error)) from error
    return ["-DCMAKE_BUILD_TYPE=Release", f"-DCAFFE_ROOT={root}", f"-DBARISTA_PYTHON={setting.python}"]


def build_bitstream(setting: Setting, runner: Runner) -> None:
    """Makes Intel's emulator out of its wheel, and its bitstream, where the cache lacks them."""
    runner.run(setting.python, "-m", "barista", "build", "emulator", cwd=setting.checkout, quick=True)
