"""OpenCV, imported when it is needed, and only in the child process that cleans pictures."""

from typing import Any

from engine.errors import ConfigError

__all__ = ["opencv"]


def opencv() -> Any:
    """OpenCV, with one thread. Raises ConfigError naming the apt packages it lacks."""
    try:
        import cv2
    except ImportError as error:
        raise ConfigError("Pictures cannot be cleaned: OpenCV needs the Debian packages libgl1 and libglib2.0-0.") from error
    cv2.setNumThreads(1)
    return cv2
