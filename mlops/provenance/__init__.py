"""Where a result came from: the environment, the source and the data of a run, captured without keeping them whole.

Everything here reads the machine it runs on and knows no database and no domain. The records are at hand at once;
`capture_environment` and `fingerprint_dataset` are loaded with their modules when they are needed:

    >>> from mlops.provenance.environment import capture_environment
    >>> environment, uncommitted_changes = capture_environment()
    >>> environment.packages["pydantic"][:2]
    '2.'
"""

from __future__ import annotations

from mlops.provenance.entities import DatasetFingerprint, EnvironmentCapture, GitState

__all__ = ["DatasetFingerprint", "EnvironmentCapture", "GitState"]
