"""Training a solver: preparing, the worker process, snapshots, the log, progress."""
