"""The line search of LBFGS: how far to go along a direction.

Along the direction the loss is a function f(t) of the step length t. `strong_wolfe` looks for a t where f is low enough
and flat enough, by cubic interpolation between two lengths that have such a t between them.
"""

from __future__ import annotations

from typing import NamedTuple

ENOUGH = 1e-4  # how much of the decrease that the slope promises f(t) must reach
FLAT = 0.9  # how much flatter than at the start f must be at t
CLOSE = 1e-9  # lengths that differ by less than this are one


class Point(NamedTuple):
    """A step length, with the loss, the gradient and the loss's slope along the direction there."""

    t: float
    loss: float
    gradient: object
    slope: float


def strong_wolfe(evaluate, start: Point, t, direction, tries: int) -> tuple[Point, int]:
    """A length that fulfils the strong Wolfe conditions, and how often the loss was computed.

    evaluate(t): (loss, gradient) at the length t. start: the point at length 0. t: the first length to try;
    at most `tries` more follow.
    """

    def at(t) -> Point:
        loss, gradient = evaluate(t)
        return Point(t, loss, gradient, gradient.dot(direction))

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + ENOUGH * point.t * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -FLAT * start.slope

    before, point, used = start, at(t), 0
    while used < tries:  # go on until the two last lengths have a good one between them
        if too_high(point) or (used > 1 and point.loss >= before.loss):
            break
        if is_flat(point):
            return point, used + 1
        if point.slope >= 0:
            break
        bounds = (point.t + 0.01 * (point.t - before.t), point.t * 10)
        before, point = point, at(_lowest_between(before, point, bounds))
        used += 1
    else:
        before = start
    low, high = (before, point) if before.loss <= point.loss else (point, before)
    stuck, reach = False, direction.abs().max()
    while used < tries and not abs(high.t - low.t) * reach < CLOSE:  # narrow the two down
        t, stuck = _inside(_lowest_between(low, high), low.t, high.t, stuck)
        point = at(t)
        used += 1
        if too_high(point) or point.loss >= low.loss:
            low, high = (low, point) if low.loss <= point.loss else (point, low)
            continue
        if is_flat(point):
            return point, used + 1
        if point.slope * (high.t - low.t) >= 0:
            high = low
        low = point
    return low, used + 1


def _lowest_between(a: Point, b: Point, bounds=None):
    """Where the cubic through both points, with their slopes, is lowest within the bounds (by default the points)."""
    if a.t > b.t:
        a, b = b, a
    least, most = bounds or (a.t, b.t)
    middle = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = middle**2 - a.slope * b.slope
    if square < 0:
        return (least + most) / 2.0
    root = square**0.5
    lowest = b.t - (b.t - a.t) * ((b.slope + root - middle) / (b.slope - a.slope + 2 * root))
    return min(max(lowest, least), most)


def _inside(t, one, other, stuck: bool) -> tuple:
    """The length, moved off an end of the interval if it is close to one for the second time; whether it is close."""
    least, most = min(one, other), max(one, other)
    margin = 0.1 * (most - least)
    if min(most - t, t - least) >= margin:
        return t, False
    if not (stuck or t >= most or t <= least):
        return t, True
    return (most - margin if abs(t - most) < abs(t - least) else least + margin), False


__all__ = ["Point", "strong_wolfe"]
