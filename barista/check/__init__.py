"""Comparing single layers, forward and backward, with stock Caffe's."""
