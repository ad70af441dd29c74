#!/usr/bin/env python3
"""Writes tests/Golden/dc.json: what SciPy makes of the rotations in DC's augmentation, for AugmentationTests.

Needs numpy and SciPy. The image is (37·i mod 101)/50 − 1 in reading order; it is turned by whole degrees with SciPy's defaults
(cubic splines, the canvas enlarged) and cut out of the middle, as DC's code does, with its mean for what lies outside.
"""
import json
import pathlib

import numpy
import scipy
from scipy.ndimage import rotate


def turned(side, degrees):
    image = ((37 * numpy.arange(side * side)) % 101 / 50 - 1).reshape(1, side, side)
    large = rotate(image, angle=degrees, axes=(-2, -1), cval=image.mean())
    top, left = ((size - side) // 2 for size in large.shape[1:])
    return large[0, top:top + side, left:left + side]


cases = [
    {"side": side, "degrees": degrees, "pixels": [float(v) for v in turned(side, degrees).ravel()]}
    for side, degrees in [(8, -45), (8, -17), (8, 0), (8, 30), (8, 44), (7, 23), (28, -33)]
]
path = pathlib.Path(__file__).parent.parent / "tests" / "Golden" / "dc.json"
path.write_text(json.dumps({"scipy": scipy.__version__, "rotations": cases}) + "\n")
