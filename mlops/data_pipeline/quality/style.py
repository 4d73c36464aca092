"""The style sheet of quality reports: the look of the dashboard, light and dark, and plain on paper."""

from __future__ import annotations

import base64
import hashlib

__all__ = ["STYLE", "content_policy"]

_LIGHT = (
    "--page:#f6f7f9;--panel:#ffffff;--line:#e3e6ea;--text:#1a1d21;--muted:#5f6874;--accent:#3b5bdb;--track:#eceff2;"
    "--good:#147a4b;--bad:#c9372c;--warn:#8a5a00;--gap:#d7a33a"
)
_DARK = (
    "--page:#0b0c0e;--panel:#111316;--line:#20242a;--text:#e8eaed;--muted:#8b939e;--accent:#6d8dff;--track:#1b1f24;"
    "--good:#46c48a;--bad:#ff6f61;--warn:#e0b04b;--gap:#b98a2e"
)
STYLE = f"""
:root{{color-scheme:light dark;{_LIGHT}}}
@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--page);color:var(--text);font:14px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}}
main{{max-width:1080px;margin:0 auto;padding:32px 20px 40px}}
header{{padding:0 4px 20px}}
.eyebrow{{color:var(--muted);font-size:12px}}
h1{{font-size:26px;line-height:1.25;font-weight:600;margin:2px 0 6px;overflow-wrap:anywhere}}
h2{{font-size:13px;font-weight:600;margin:0 0 10px}}
h2 small{{font-size:12px;font-weight:400;color:var(--muted);margin-left:8px}}
h3{{font-size:14px;font-weight:600;margin:0;overflow-wrap:anywhere}}
.map svg{{display:block;width:100%}}.map path{{fill:currentColor}}.plain{{color:var(--accent)}}.map .plain{{opacity:.4}}
.legend{{display:flex;flex-wrap:wrap;gap:2px 18px;margin-top:10px;font-size:12px}}
h3 .dot{{margin-right:7px;vertical-align:1px}}
a{{color:inherit;text-decoration:underline;text-decoration-color:var(--line);text-underline-offset:3px}}
a:hover{{text-decoration-color:currentColor}}
article:target{{border-color:var(--accent)}}
.line{{color:var(--muted);display:flex;flex-wrap:wrap;gap:4px 16px}}
.line span{{overflow-wrap:anywhere}}
.grid{{display:grid;grid-template-columns:3fr 2fr;gap:14px}}
.cards{{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:14px;margin-top:14px}}
section,article{{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:16px 18px;min-width:0}}
section.wide{{grid-column:1/-1}}
.score{{display:grid;grid-template-columns:132px 1fr;gap:24px;align-items:center}}
.gauge{{position:relative}}.gauge svg{{display:block;width:132px;height:132px}}
.gauge circle{{fill:none;stroke-width:9}}.gauge .track{{stroke:var(--track)}}
.gauge .arc{{stroke:currentColor;stroke-linecap:round}}
.gauge text{{fill:var(--text);font:600 27px system-ui,-apple-system,"Segoe UI",sans-serif;text-anchor:middle}}
.gauge text.of{{fill:var(--muted);font-size:10px;font-weight:400}}
.high{{color:var(--good)}}.middle{{color:var(--gap)}}.low{{color:var(--bad)}}
.part{{display:grid;grid-template-columns:104px 1fr 46px;gap:0 12px;align-items:center;font-size:13px;padding:3px 0}}
.part .why{{grid-column:2/-1;color:var(--muted);font-size:12px;line-height:1.35}}
.num{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
.bar svg,.chart svg{{display:block;width:100%}}.bar svg{{height:8px}}.chart svg{{height:84px}}
.track{{fill:var(--track)}}.fill{{fill:var(--accent)}}.gap{{fill:var(--gap)}}.wrong{{fill:var(--bad)}}.tick{{fill:var(--text)}}
.scroll{{overflow-x:auto}}.tall{{max-height:640px;overflow-y:auto}}
.tall thead th{{position:sticky;top:0;background:var(--panel)}}
table{{border-collapse:collapse;width:100%;font-size:13px}}
th,td{{padding:7px 16px 7px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;font-weight:400}}
th:last-child,td:last-child{{padding-right:0}}
tbody tr:last-child td{{border-bottom:0}}
thead th{{color:var(--muted);white-space:nowrap;padding-top:0}}
td.name{{overflow-wrap:anywhere;width:17%;max-width:220px}}
td.said{{overflow-wrap:anywhere;min-width:240px}}
td.seen{{color:var(--muted);overflow-wrap:anywhere;min-width:170px;max-width:280px;font-size:12px}}
td.seen code{{color:var(--text)}}
td.rule{{width:45%}}td.middle-bar{{vertical-align:middle;width:35%}}
code{{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap}}
.error,.warning,.info{{white-space:nowrap}}.error{{color:var(--bad)}}.warning{{color:var(--warn)}}.info{{color:var(--muted)}}
.dot{{display:inline-block;width:8px;height:8px;border-radius:50%;background:currentColor;margin-right:6px}}
.quiet{{color:var(--muted)}}p{{margin:0 0 8px;overflow-wrap:anywhere}}p:last-child{{margin-bottom:0}}
p.note{{color:var(--muted);font-size:12px;margin:10px 4px 0}}section p.note{{margin:10px 0 0}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0;font-size:13px}}
dt{{color:var(--muted)}}dd{{margin:0;text-align:right;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}}
article{{display:flex;flex-direction:column;gap:10px}}
article p{{font-size:12px}}article .kind{{color:var(--muted);font-size:12px}}
article dl{{grid-template-columns:max-content 1fr max-content 1fr;gap:2px 12px;font-size:12px}}
.ends{{display:flex;justify-content:space-between;gap:10px;color:var(--muted);font-size:11px;margin-top:3px;
font-variant-numeric:tabular-nums}}
.nulls{{display:grid;grid-template-columns:1fr max-content;gap:10px;
align-items:center;font-size:12px;color:var(--muted)}}
.category{{display:grid;grid-template-columns:minmax(0,5fr) 4fr 52px;gap:10px;
align-items:center;font-size:12px;line-height:1.7}}
.category .label{{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}}
ul{{list-style:none;margin:0;padding:8px 0 0;border-top:1px solid var(--line);font-size:12px}}
li{{padding:1px 0;overflow-wrap:anywhere}}
footer{{color:var(--muted);font-size:12px;padding:18px 4px 0}}
@media (max-width:760px){{.grid{{grid-template-columns:1fr}}.score{{grid-template-columns:1fr}}main{{padding:20px 12px}}
.gauge{{margin:0 auto}}
.tall{{max-height:none}}.issues thead{{display:none}}
.issues tr{{display:block;padding:9px 0;border-bottom:1px solid var(--line)}}
.issues tr:first-child{{padding-top:0}}.issues tr:last-child{{border-bottom:0;padding-bottom:0}}
.issues td{{display:inline-block;border:0;padding:0 12px 0 0}}
.issues td.said,.issues td.seen{{display:block;max-width:none}}}}
@media print{{:root{{{_LIGHT};--page:#fff}}body{{font-size:11px}}main{{max-width:none;padding:0}}
.tall{{max-height:none}}section,article{{border-color:#c9ced6}}article,tr,.part{{break-inside:avoid}}h2{{break-after:avoid}}
.cards{{grid-template-columns:1fr 1fr}}svg{{print-color-adjust:exact;-webkit-print-color-adjust:exact}}}}
"""
"""The whole style sheet; the content policy allows it by its digest."""


def content_policy() -> str:
    """Return the policy of a report's page: this style sheet, and nothing else from anywhere."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
