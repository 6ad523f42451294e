"""What a person changed: the part of the picture that is looked at, and how it is turned."""

import numpy as np

from engine.contracts.drawing import Adjust
from engine.drawing.pictures.opencv import opencv
from engine.drawing.pictures.reading import Rows

__all__ = ["adjusted"]


def adjusted(rows: Rows, adjust: Adjust) -> Rows:
    """The part of the upright picture that was chosen, turned clockwise on paper of its own colour."""
    if adjust.crop is not None:
        height, width = rows.shape[:2]
        left, top, right, bottom = adjust.crop
        rows = rows[height * top // 1000 : -(-height * bottom // 1000), width * left // 1000 : -(-width * right // 1000)]
    return _turned(np.ascontiguousarray(rows), adjust.rotation / 10) if adjust.rotation else rows


def _turned(rows: Rows, degrees: float) -> Rows:
    """Turned clockwise; the corners that open are filled with what lies at the edges, so that they are paper too."""
    quarters, rest = divmod(round(degrees * 10) + 450, 900)
    rows = np.ascontiguousarray(np.rot90(rows, -quarters))
    angle = (rest - 450) / 10
    if angle == 0:
        return rows
    cv2 = opencv()
    height, width = rows.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    wide, high = round(height * sin + width * cos), round(height * cos + width * sin)
    turn[0, 2] += wide / 2 - width / 2
    turn[1, 2] += high / 2 - height / 2
    result: Rows = cv2.warpAffine(rows, turn, (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return result
