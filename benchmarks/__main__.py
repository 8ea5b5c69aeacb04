"""`python -m benchmarks`, which `make bench` calls: see benchmarks.suite."""

import sys

from benchmarks.suite import main

sys.exit(main())
