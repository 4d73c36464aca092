"""Writes docs/reference/configuration.md: every setting, read off the models. Run by `make docs`."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

from mlops.config import CONTROL_VARIABLES, Setting, catalogue

TARGET = Path(__file__).parent.parent / "docs" / "reference" / "configuration.md"
_INTRODUCTION = """\
<!-- written by tools/generate_settings.py; run `make docs` after a change of mlops/config -->
# Configuration

A setting takes the first of these that gives it a value:

1. the arguments of `ConfigManager().load_config(database={"url": "sqlite:///other.db"})`;
2. its environment variable; one that is set to nothing counts as not set;
3. the section of the environment in `mlops_config.json`, looked for in the working directory;
4. its default.

`mlops config show --origin` shows the values in force and where each came from. A variable that starts with `MLOPS_`
or a key of the file that is not a setting is an error, not ignored; the variables that Kubernetes injects for a service
named `mlops-…`, and `MLOPS_TEST_…`, are left alone. Secrets and the passwords in URLs are masked wherever settings are
printed or logged. A setting marked *no effect yet* is checked and kept, and does nothing until its part is there.

```json
{
  "production": {
    "database": {"url": "postgresql://lab:secret@db:5432/mlops", "pool_size": 20}
  }
}
```

The environments are `development`, `testing`, `staging` and `production`.
"""


def settings_page() -> str:
    """Return the page as Markdown."""
    rows = [f"| `{name}` | {effect} |" for name, effect in CONTROL_VARIABLES.items()]
    control = "\n".join(["| variable | effect |", "|---|---|", *rows])
    sections = [_section(name, list(settings)) for name, settings in groupby(catalogue(), lambda s: s.section)]
    return "\n\n".join([_INTRODUCTION.rstrip(), control, *sections]) + "\n"


def _section(name: str, settings: list[Setting]) -> str:
    head = [f"## {name}", "", "| setting and variable | type | default | effect |", "|---|---|---|---|"]
    return "\n".join([*head, *map(_row, settings)])


def _row(setting: Setting) -> str:
    default = "" if setting.default is None else f"`{json.dumps(setting.default)}`"
    announced = f" *{setting.announcement[:1].upper()}{setting.announcement[1:]}.*" if setting.announcement else ""
    effect = setting.description + announced
    return f"| `{setting.field}`<br>`{setting.variable}` | {setting.type_text} | {default} | {effect} |"


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(settings_page(), encoding="utf-8")
    print(f"wrote {TARGET}")
