"""The classic nets, with the hyperparameters of their papers: `python -m barista.zoo resnet50 -o resnet50.prototxt`.

A function a net gives its training and testing net and its published solver.
"""
