"""The plugin in a process: loading it, processes that run Caffe, and how their ends become sentences."""
