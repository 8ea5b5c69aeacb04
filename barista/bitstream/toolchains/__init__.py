"""What compiles kernels to a binary: a module a compiler, each with a function job()."""
