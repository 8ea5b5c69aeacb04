"""What Intel's compiler would make of OpenCL kernels, told without it: load-store units, memories, loops, areas."""
