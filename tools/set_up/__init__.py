"""Sets a checkout up on Debian 12: `python3 -m tools.set_up`, which `make setup` calls. Needs nothing but Python 3.11.

Can be killed at any time and run again: what a step leaves behind counts as done only once it is renamed into place or stamped.
"""
