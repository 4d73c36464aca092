"""The demonstration: real biopsies become tracked, compared runs and a model that is registered, promoted and tested.

`biopsies.py` holds the samples, `data_chapter.py` what becomes of them as a damaged table, `training.py` the
candidates, `screen.py` what is shown, `tour.py` the order of it all, `reload.py` the check in a fresh process,
`registry_chapter.py` what becomes of the best model, `ab_chapter.py` how its versions compare. Later parts of the
package add their chapter to the tour.
"""

from __future__ import annotations

from mlops.cli.demo.tour import main

__all__ = ["main"]
