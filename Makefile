# The doors to Barista. Each sets up first what is missing: packages, Caffe, Python, emulator, plugin.
# On Debian 12, as root or with sudo. What is built for all checkouts goes to $BARISTA_CACHE, else ~/.cache/barista.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BARISTA = .venv/bin/barista

ifeq ($(PYTHON),)
$(error Python 3.11 is needed: apt-get install python3)
endif

.PHONY: demo test conformance conformance-nets bench lint format setup clean

demo: setup  ## Trains LeNet on handwritten digits on the emulated FPGA
	@$(BARISTA) data digits
	@$(BARISTA) train examples/lenet/solver.prototxt

test:  ## Runs every test, C++ and Python
	@$(PYTHON) -m tools.set_up --with-tests
	@.venv/bin/python -m tools.run_tests

conformance:  ## Runs Caffe's own tests against Barista's layers, on the emulator and on PoCL
	@$(PYTHON) -m tools.set_up
	@.venv/bin/python -m conformance

bench:  ## Times training steps: Barista, stock Caffe and, where build/torch has it, PyTorch
	@$(PYTHON) -m tools.set_up
	@.venv/bin/python -m benchmarks

conformance-nets:  ## Tries the classic nets against stock Caffe: each layer, and three steps of training; takes 20 minutes and more
	@$(PYTHON) -m tools.set_up
	@.venv/bin/python -m conformance.nets

lint:  ## Checks format and code with clang-format, clang-tidy, ruff and mypy
	@$(PYTHON) -m tools.set_up
	@.venv/bin/python -m tools.lint

format:  ## Formats C++ and Python
	@.venv/bin/python -m tools.lint --fix

setup:  ## Sets up what is missing, and nothing else
	@$(PYTHON) -m tools.set_up

clean:  ## Removes what was built in this checkout; the cache stays
	rm -rf build .venv data barista.egg-info
