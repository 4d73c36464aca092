"""The complete demonstration on real biopsies: `python mlops_example.py [FOLDER]`, or `mlops demo`.

Its chapters are in mlops/cli/demo/: the samples, a dozen tracked runs, the best by search, a comparison, the model
reloaded in a fresh process, and the registry: promoted, replaced, rolled back, with model cards.
"""

import sys
from pathlib import Path

from mlops.cli.demo import main

if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
