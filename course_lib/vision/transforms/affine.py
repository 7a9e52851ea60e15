"""The matrix behind turning, moving, scaling and shearing an image, inverted: from a new pixel to where it was."""

from __future__ import annotations

import math


def inverse_affine_matrix(center, angle: float, translate, scale: float, shear) -> list[float]:
    """[a, b, c, d, e, f] with old x = a·x + b·y + c and old y = d·x + e·y + f, the y axis pointing down.

    The change itself turns clockwise by `angle`, shears by the two angles of `shear` and scales, all about `center`,
    and then moves by `translate`. Angles are in degrees.
    """
    turn, shear_x, shear_y = (math.radians(degrees) for degrees in (angle, *shear))
    # rotation · shear along y · shear along x, without the scale; its determinant is 1
    a = math.cos(turn - shear_y) / math.cos(shear_y)
    b = -a * math.tan(shear_x) - math.sin(turn)
    c = math.sin(turn - shear_y) / math.cos(shear_y)
    d = -c * math.tan(shear_x) + math.cos(turn)
    (cx, cy), (tx, ty) = center, translate
    inverse = [[d / scale, -b / scale], [-c / scale, a / scale]]
    moved = [row[0] * (-cx - tx) + row[1] * (-cy - ty) for row in inverse]
    return [*inverse[0], moved[0] + cx, *inverse[1], moved[1] + cy]


__all__ = ["inverse_affine_matrix"]
