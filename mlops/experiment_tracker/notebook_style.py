"""The style of what experiments look like in a notebook: the look of the dashboard, in both themes, kept to itself.

Every rule is under the class `tsq`, so that nothing else on the page changes.
"""

from __future__ import annotations

__all__ = ["framed"]

_DARK = (
    "--bg:#111316;--line:#20242a;--text:#e8eaed;--muted:#8b939e;--accent:#6d8dff;"
    "--ok:#46c48a;--bad:#ff6f61;--run:#5aa9ff;--mark:rgba(109,141,255,.16)"
)
_LIGHT = (
    "--bg:#ffffff;--line:#e3e6ea;--text:#1a1d21;--muted:#5f6874;--accent:#3b5bdb;"
    "--ok:#178a55;--bad:#c9372c;--run:#1d6fd1;--mark:rgba(59,91,219,.10)"
)
_STYLE = f"""<style>
.tsq{{{_LIGHT};background:var(--bg);color:var(--text);border:1px solid var(--line);border-radius:8px;padding:12px 16px;
font:13px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif;display:inline-block;max-width:100%;overflow-x:auto}}
@media (prefers-color-scheme:dark){{.tsq{{{_DARK}}}}}
[data-jp-theme-light="true"] .tsq,.vscode-light .tsq{{{_LIGHT}}}
[data-jp-theme-light="false"] .tsq,.vscode-dark .tsq{{{_DARK}}}
.tsq .name{{font-size:15px;font-weight:600;margin-right:10px}}
.tsq .quiet{{color:var(--muted)}}
.tsq .parts{{display:flex;flex-wrap:wrap;gap:8px 36px;margin-top:8px;align-items:flex-start}}
.tsq h4{{font-size:11px;font-weight:500;color:var(--muted);margin:4px 0;padding:0}}
.tsq table{{border-collapse:collapse;margin:0;border:0;color:inherit;font:inherit}}
.tsq th,.tsq td{{padding:5px 14px 5px 0;border:0;border-bottom:1px solid var(--line);text-align:left;
background:none;color:inherit;vertical-align:middle;white-space:nowrap;font-weight:400}}
.tsq thead th{{color:var(--muted);font-weight:500}}
.tsq td.num,.tsq th.num{{text-align:right;font-variant-numeric:tabular-nums}}
.tsq td.best{{font-weight:600;background:var(--mark)}}
.tsq tr.same td,.tsq tr.same th{{color:var(--muted)}}
.tsq .dot{{display:inline-block;width:7px;height:7px;border-radius:50%;margin-right:6px;background:var(--muted)}}
.tsq .ok{{color:var(--ok)}}.tsq .ok .dot{{background:var(--ok)}}
.tsq .bad{{color:var(--bad)}}.tsq .bad .dot{{background:var(--bad)}}
.tsq .run{{color:var(--run)}}.tsq .run .dot{{background:var(--run)}}
.tsq .off{{color:var(--muted)}}
.tsq .tag{{display:inline-block;border:1px solid var(--line);border-radius:6px;padding:0 6px;margin:0 4px 4px 0}}
.tsq pre{{color:var(--bad);background:none;margin:8px 0 0;
font-size:12px;white-space:pre-wrap;max-height:12em;overflow:auto}}
.tsq svg{{display:block}}.tsq svg path{{fill:none;stroke:var(--accent);stroke-width:1.4;stroke-linejoin:round}}
.tsq svg circle{{fill:var(--accent)}}
</style>"""


def framed(body: str) -> str:
    """Return escaped HTML as one panel that brings its own style."""
    return f'{_STYLE}<div class="tsq">{body}</div>'
