# The doors to Barista. Each sets up first what it needs and what is missing: packages, Caffe, Python, emulator, plugin.
# On Debian 12, as root or with sudo. What is built for all checkouts goes to $BARISTA_CACHE, else ~/.cache/barista.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BARISTA = .venv/bin/barista

ifeq ($(PYTHON),)
$(error Python 3.11 is needed: apt-get install python3)
endif

.PHONY: demo check test sanitize docs conformance conformance-nets bench validate-report lint format setup clean

demo: setup  ## Trains LeNet on handwritten digits on the emulated FPGA
	@$(BARISTA) data digits
	@$(BARISTA) train examples/lenet/solver.prototxt

check:  ## Runs the unit tests, C++ and Python: no Caffe, no device, half a minute
	@$(PYTHON) -m tools.set_up --environment
	@.venv/bin/python -m tools.run_tests --unit

test:  ## Runs every test, C++ and Python
	@$(PYTHON) -m tools.set_up --with-tests
	@.venv/bin/python -m tools.run_tests

sanitize:  ## Builds the C++ tests with AddressSanitizer and with ThreadSanitizer, and runs them
	@$(PYTHON) -m tools.set_up
	@.venv/bin/python -m tools.sanitize

conformance:  ## Runs Caffe's own tests against Barista's layers, on the emulator and on PoCL
	@$(PYTHON) -m tools.set_up
	@.venv/bin/python -m conformance

bench:  ## Times training steps: Barista, stock Caffe and, where build/torch has it, PyTorch
	@$(PYTHON) -m tools.set_up
	@.venv/bin/python -m benchmarks

conformance-nets:  ## Tries the classic nets against stock Caffe: each layer, and three steps of training; takes 20 minutes and more
	@$(PYTHON) -m tools.set_up
	@.venv/bin/python -m conformance.nets

validate-report:  ## Holds `barista build --report` against what Intel's compiler wrote of public designs; fetches their reports
	@$(PYTHON) -m tools.set_up --environment
	@.venv/bin/python -m tools.validate_report

lint:  ## Checks code, lengths and documents: clang-format, clang-tidy, ruff, mypy, mkdocs
	@$(PYTHON) -m tools.set_up --environment
	@.venv/bin/python -m tools.lint

format:  ## Formats C++ and Python
	@.venv/bin/python -m tools.lint --fix

docs:  ## Writes the documents as a site, with the Python reference, to build/docs
	@$(PYTHON) -m tools.set_up --environment
	@NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --strict

setup:  ## Sets up what is missing, and nothing else
	@$(PYTHON) -m tools.set_up

clean:  ## Removes what was built in this checkout; the cache stays
	rm -rf build .venv data barista.egg-info
