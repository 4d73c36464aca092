"""matplotlib figures as PNG and SVG: what a person looks at, not the live object."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops.artifacts.codecs.protocol import Encoding, is_instance

__all__ = ["FigureCodec", "StoredFigure"]

_PNG, _SVG = "figure.png", "figure.svg"


@dataclass(frozen=True, slots=True)
class StoredFigure:
    """A figure as it was drawn; notebooks show it.

    Attributes:
        png: The picture as PNG.
        svg: The same as SVG.
    """

    png: bytes
    svg: str

    def __repr__(self) -> str:
        return f"StoredFigure(png={len(self.png)} bytes, svg={len(self.svg)} characters)"

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {"image/png": self.png, "text/plain": repr(self)}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a path: SVG when it ends in `.svg`, else PNG. Return the path."""
        target = Path(path)
        target.write_bytes(self.svg.encode() if target.suffix.lower() == ".svg" else self.png)
        return target


class FigureCodec:
    """A figure, drawn once as PNG and once as SVG. Loading returns a `StoredFigure`."""

    name = "figure"
    version = 1
    members = (_PNG, _SVG)
    signed = False
    deterministic = True

    def handles(self, value: object) -> bool:
        """Take matplotlib figures."""
        return is_instance(value, "matplotlib.figure", "Figure")

    def encode(self, value: Any) -> Encoding:
        """Draw it; the same figure gives the same bytes."""
        import matplotlib as mpl

        png, svg = io.BytesIO(), io.BytesIO()
        with mpl.rc_context({"svg.hashsalt": "mlops"}):
            value.savefig(png, format="png", metadata={"Software": None})
            value.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        width, height = value.get_size_inches()
        details = {"width_inches": float(width), "height_inches": float(height), "dpi": float(value.dpi)}
        return Encoding({_PNG: png.getvalue(), _SVG: svg.getvalue()}, details)

    def decode(self, members: Mapping[str, bytes]) -> StoredFigure:
        """Return the pictures."""
        return StoredFigure(members[_PNG], members[_SVG].decode())
