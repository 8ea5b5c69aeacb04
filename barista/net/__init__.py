"""Nets and solvers as Caffe reads them: text and binary formats, upgrade, checks, data files, shapes."""
