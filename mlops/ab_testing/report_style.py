"""The style sheet of reports of tests: the look of the dashboard, light and dark, and plain on paper."""

from __future__ import annotations

import base64
import hashlib

__all__ = ["STYLE", "content_policy"]

_LIGHT = (
    "--page:#f6f7f9;--panel:#ffffff;--line:#e3e6ea;--text:#1a1d21;--muted:#5f6874;--track:#eceff2;--band:#f0f2f5;"
    "--good:#147a4b;--bad:#c9372c;--warn:#8a5a00;--s0:#8a93a0;--s1:#3b5bdb;--s2:#d9780a;--s3:#0b8f6b;--s4:#c2361a;"
    "--s5:#a8448a;--s6:#1487bd;--s7:#8a7600;--s8:#6b5bd0"
)
_DARK = (
    "--page:#0b0c0e;--panel:#111316;--line:#20242a;--text:#e8eaed;--muted:#8b939e;--track:#1b1f24;--band:#171a1f;"
    "--good:#46c48a;--bad:#ff6f61;--warn:#e0b04b;--s0:#737c88;--s1:#6d8dff;--s2:#f0a23b;--s3:#3fc29b;--s4:#ff7a59;"
    "--s5:#dc8fc4;--s6:#5ec8f2;--s7:#e2d25c;--s8:#a99cff"
)
_SERIES = "".join(f".s{number}{{--own:var(--s{number})}}" for number in range(9))
STYLE = f"""
:root{{color-scheme:light dark;{_LIGHT}}}
@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}
{_SERIES}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--page);color:var(--text);font:14px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}}
main{{max-width:1080px;margin:0 auto;padding:32px 20px 40px}}
header{{padding:0 4px 20px}}
.eyebrow{{color:var(--muted);font-size:12px}}
h1{{font-size:26px;line-height:1.25;font-weight:600;margin:2px 0 6px;overflow-wrap:anywhere}}
h2{{font-size:13px;font-weight:600;margin:0 0 10px}}
h2 small{{font-size:12px;font-weight:400;color:var(--muted);margin-left:8px}}
h3{{font-size:13px;font-weight:600;margin:14px 0 4px}}
.line{{color:var(--muted);display:flex;flex-wrap:wrap;gap:4px 16px}}.line span{{overflow-wrap:anywhere}}
.grid{{display:grid;grid-template-columns:1fr 1fr;gap:14px}}
section{{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:16px 18px;min-width:0}}
section.wide{{grid-column:1/-1}}
p{{margin:0 0 8px;overflow-wrap:anywhere}}p:last-child{{margin-bottom:0}}
.said{{font-size:22px;line-height:1.3;font-weight:600;margin:0 0 6px;overflow-wrap:anywhere}}
.good{{color:var(--good)}}.bad{{color:var(--bad)}}.warn{{color:var(--warn)}}.quiet{{color:var(--muted)}}
.dot{{display:inline-block;width:8px;height:8px;border-radius:50%;background:currentColor;margin-right:7px}}
.tiles{{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px 20px;margin:16px 0 0;
padding:14px 0 0;border-top:1px solid var(--line)}}
.tile span,.tile small{{display:block;color:var(--muted);font-size:12px}}
.tile b{{display:block;font-size:19px;line-height:1.35;font-weight:600;font-variant-numeric:tabular-nums}}
.cautions p{{display:grid;grid-template-columns:16px 1fr}}.cautions .dot{{margin-top:6px}}
.row{{display:grid;grid-template:"who plot lift"/180px 1fr 150px;column-gap:18px;align-items:center}}
.who{{grid-area:who}}.plotted{{grid-area:plot}}.lift{{grid-area:lift}}
.who,.lift{{font-size:13px;line-height:1.35;min-width:0;overflow-wrap:anywhere}}
.who b,.lift b{{font-weight:600;display:block}}.who span,.lift span{{color:var(--muted);font-size:12px;display:block}}
.lift{{text-align:right;font-variant-numeric:tabular-nums}}
.ends{{display:flex;justify-content:space-between;color:var(--muted);font-size:12px}}
.chart{{display:grid;grid-template-columns:max-content minmax(0,1fr);padding:6px 6px 0 0}}
svg.plot,svg.bar{{display:block;overflow:visible}}svg.plot svg{{overflow:hidden}}
svg text{{fill:var(--muted);font-size:11px;font-variant-numeric:tabular-nums}}
line.grid{{stroke:var(--line)}}line.zero{{stroke:var(--muted);stroke-width:1.2}}rect.band{{fill:var(--band)}}
.whisker{{stroke:var(--own);stroke-width:2}}.once{{fill:var(--own);opacity:.35}}
.point{{fill:var(--own);stroke:var(--panel);stroke-width:1.5}}
.ribbon{{fill:var(--own);opacity:.16}}
.curve{{fill:none;stroke:var(--own);stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round}}
.track{{fill:var(--track)}}.fill{{fill:var(--own)}}.expected{{stroke:var(--text);stroke-width:2}}
.key{{display:inline-block;width:9px;height:9px;border-radius:2px;background:var(--own);margin-right:7px}}
.shares{{display:grid;grid-template-columns:minmax(90px,max-content) 1fr max-content;gap:7px 14px;align-items:center;
font-size:13px;margin-bottom:10px}}
.shares span{{overflow-wrap:anywhere}}
.num{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
.note{{color:var(--muted);font-size:12px;margin-top:10px}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;width:100%;font-size:13px}}
th,td{{padding:7px 16px 7px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;font-weight:400}}
th:last-child,td:last-child{{padding-right:0}}
tbody tr:last-child td{{border-bottom:0}}
thead th{{color:var(--muted);white-space:nowrap;padding-top:0}}thead th.num{{text-align:right}}
td.name{{overflow-wrap:anywhere;min-width:136px}}td.name small{{display:block;color:var(--muted);font-size:12px}}
td.words{{min-width:220px;overflow-wrap:anywhere}}td.mini{{min-width:110px;width:25%}}
td small{{color:var(--muted);font-size:12px}}tr.primary td.name{{font-weight:600}}tr.primary small{{font-weight:400}}
.state{{white-space:nowrap}}
ul{{margin:0;padding:0 0 0 17px;font-size:13px}}li{{padding:2px 0;overflow-wrap:anywhere}}ul+p{{margin-top:8px}}
footer{{color:var(--muted);font-size:12px;padding:18px 4px 0}}
@media screen and (max-width:760px){{.grid{{grid-template-columns:1fr}}main{{padding:20px 12px}}
.row{{grid-template:"who lift" "plot plot"/1fr 1fr}}}}
@media print{{:root{{{_LIGHT};--page:#fff}}body{{font-size:11px}}main{{max-width:none;padding:0}}
section{{border-color:#c9ced6;break-inside:avoid}}section.long{{break-inside:auto}}tr{{break-inside:avoid}}
h2{{break-after:avoid}}.key,.dot,svg{{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
.scroll{{overflow:visible}}table,.shares,ul,.who,.lift{{font-size:11px}}
td small,td.name small{{font-size:10px}}th,td{{padding-right:10px}}}}
"""
"""The whole style sheet; the content policy allows it by its digest."""


def content_policy() -> str:
    """Return the policy of a report's page: this style sheet, and nothing else from anywhere."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
