"""NumPy arrays as `.npy`, which holds no code."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO

from mlops.artifacts.codecs.protocol import Encoding, is_exactly
from mlops.artifacts.errors import CannotEncode
from mlops.errors import Corrupted

__all__ = ["ArrayCodec"]

_LONGEST_HEADER = 1 << 20  # many fields with long names


class ArrayCodec:
    """A plain ndarray of any dtype but objects; subclasses such as masked arrays are left to other codecs."""

    name = "ndarray"
    version = 1
    members = ("array.npy",)
    signed = False
    deterministic = True

    def handles(self, value: object) -> bool:
        """Take ndarrays, and no subclass."""
        return is_exactly(value, "numpy", "ndarray")

    def encode(self, value: Any) -> Encoding:
        """Write `.npy`."""
        import numpy as np
        from numpy.lib import format as npy

        if value.dtype.hasobject:
            raise CannotEncode(f"An array of dtype {value.dtype} holds Python objects, which .npy can only pickle.")

        def write(sink: BinaryIO) -> None:
            version = (1, 0) if value.dtype.names is None else (3, 0)  # names of fields may be any Unicode
            if version == (1, 0) and value.flags.c_contiguous and value.size and value.itemsize:
                npy.write_array_header_1_0(sink, npy.header_data_from_array_1_0(value))
                sink.write(memoryview(value.reshape(-1).view(np.uint8)))  # write_array would copy it in pieces first
            else:
                npy.write_array(sink, value, version=version, allow_pickle=False)

        return Encoding({self.members[0]: write}, {"dtype": str(value.dtype), "shape": list(value.shape)})

    def decode(self, members: Mapping[str, bytes]) -> Any:
        """Read `.npy`; pickled content is refused."""
        import numpy as np

        try:
            return np.load(io.BytesIO(members[self.members[0]]), allow_pickle=False, max_header_size=_LONGEST_HEADER)
        except (ValueError, EOFError, MemoryError) as error:
            raise Corrupted(f"The file is not an array that NumPy can read: {error}.") from error
