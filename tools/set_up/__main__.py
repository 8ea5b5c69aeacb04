"""`python3 -m tools.set_up`: see tools.set_up.steps."""

import os
import sys

from tools.set_up.steps import main

os.umask(0o022)
sys.exit(main())
