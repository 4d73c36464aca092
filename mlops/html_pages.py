"""Pages that are one file: the look they share, light, dark and on paper, and a policy that lets nothing in.

A room adds the rules of its own; the frame around its content is the same everywhere.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape

__all__ = ["page", "style_sheet", "text"]

_LONGEST = 2_000

_LIGHT = (
    "--page:#f6f7f9;--panel:#ffffff;--line:#e3e6ea;--text:#1a1d21;--muted:#5f6874;--accent:#3b5bdb;--track:#eceff2;"
    "--good:#147a4b;--bad:#c9372c;--warn:#8a5a00"
)
_DARK = (
    "--page:#0b0c0e;--panel:#111316;--line:#20242a;--text:#e8eaed;--muted:#8b939e;--accent:#6d8dff;--track:#1b1f24;"
    "--good:#46c48a;--bad:#ff6f61;--warn:#e0b04b"
)
_SHARED = """
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:14px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1080px;margin:0 auto;padding:32px 20px 40px}
header{padding:0 4px 20px}
.eyebrow{color:var(--muted);font-size:12px}
h1{font-size:26px;line-height:1.25;font-weight:600;margin:2px 0 6px;overflow-wrap:anywhere}
h2{font-size:13px;font-weight:600;margin:0 0 10px}
h2 small{font-size:12px;font-weight:400;color:var(--muted);margin-left:8px}
.line{color:var(--muted);display:flex;flex-wrap:wrap;gap:4px 16px}
.grid{display:grid;grid-template-columns:1fr 1fr;gap:14px}
section{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:16px 18px;min-width:0}
section.wide{grid-column:1/-1}
p{margin:0 0 8px;overflow-wrap:anywhere}p:last-child{margin-bottom:0}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.quiet{color:var(--muted)}
.dot{display:inline-block;width:8px;height:8px;border-radius:50%;background:currentColor;margin-right:6px}
.scroll{overflow-x:auto}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{padding:7px 16px 7px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;font-weight:400}
th:last-child,td:last-child{padding-right:0}
tbody tr:last-child td,tbody tr:last-child th{border-bottom:0}
thead th{color:var(--muted);white-space:nowrap;padding-top:0}
th.num,td.num{text-align:right}
footer{color:var(--muted);font-size:12px;padding:18px 4px 0}
@media screen and (max-width:760px){.grid{grid-template-columns:1fr}main{padding:20px 12px}}
@media print{body{font-size:11px}main{max-width:none;padding:0}h2{break-after:avoid}section{border-color:#c9ced6}}
"""


def style_sheet(own: str, *, light: str = "", dark: str = "") -> str:
    """Return the shared rules and those of a room behind them.

    Args:
        own: Rules; the shared colours are `var(--page)`, `panel`, `line`, `text`, `muted`, `accent`, `track`, `good`,
            `bad` and `warn`.
        light: Further colours, `--name:#rrggbb;…`.
        dark: The same for readers whose system is dark.
    """
    bright, dim = (f"{shared};{further}" for shared, further in ((_LIGHT, light), (_DARK, dark)))
    schemes = f"@media (prefers-color-scheme:dark){{:root{{{dim}}}}}\n@media print{{:root{{{bright};--page:#fff}}}}"
    return f"\n:root{{color-scheme:light dark;{bright}}}\n{schemes}{_SHARED}{own}"


def text(words: str, most: int = _LONGEST) -> str:
    """Return text that people wrote so that it can stand in a page: cut, what cannot be seen visible, escaped.

    Example:
        >>> text("tab\\there <b>")
        'tab\\\\there &lt;b&gt;'
    """
    cut = words if len(words) <= most else f"{words[: most - 1]}…"
    visible = "".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in cut)
    return escape(visible, quote=True)


def page(title: str, main: str, *, style: str, has_pictures: bool = False) -> str:
    """Return a page that loads nothing from anywhere, runs no script and tells nobody where its reader came from.

    Args:
        title: Plain text.
        main: HTML.
        style: A whole style sheet; the policy allows it by its digest, and no other.
        has_pictures: Whether pictures stand within the page.
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    pictures = " img-src data:;" if has_pictures else ""
    policy = f"default-src 'none'; style-src 'sha256-{digest}';{pictures} base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n{main}</main>\n</body>\n</html>\n"
    )
