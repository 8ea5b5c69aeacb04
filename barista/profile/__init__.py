"""Timing training steps, by layer, by command, and beside stock Caffe."""
