"""OpenCL devices and drivers of this machine, Intel's FPGA emulator among them."""
