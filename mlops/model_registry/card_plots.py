"""Pictures for model cards, whatever they were handed in as."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

from mlops.errors import InvalidInput

__all__ = ["Picture", "picture_of"]

_PNG = b"\x89PNG\r\n\x1a\n"
_DPI = 160


@dataclass(frozen=True)
class Picture:
    """A titled picture.

    Attributes:
        media_type: `image/png` or `image/svg+xml`.
    """

    title: str
    content: bytes
    media_type: str

    @property
    def data_url(self) -> str:
        """The picture as an address that holds it; pages show it as an image, in which no script runs."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.content).decode()}"

    @property
    def suffix(self) -> str:
        """The ending of a file of it."""
        return ".png" if self.media_type == "image/png" else ".svg"


def picture_of(title: str, plot: Any) -> Picture:
    """Return a plot as a picture: a matplotlib figure, anything with `svg` or `png`, or the bytes or text of one.

    Raises:
        InvalidInput: It is none of these.
    """
    if hasattr(plot, "savefig"):
        return Picture(title, _drawn(plot), "image/png")
    content = getattr(plot, "svg", None) or getattr(plot, "png", None) or plot
    content = content.encode() if isinstance(content, str) else content
    if isinstance(content, bytes) and content.startswith(_PNG):
        return Picture(title, content, "image/png")
    if isinstance(content, bytes) and b"<svg" in content[:2000]:
        return Picture(title, content, "image/svg+xml")
    raise InvalidInput(
        f"Plot {title!r} is a {type(plot).__qualname__} and no picture. "
        "Pass a matplotlib figure, or the content of a PNG or SVG file."
    )


def _drawn(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
