"""What the style sheet of reports of tests adds to that of all pages."""

from __future__ import annotations

from mlops.html_pages import style_sheet

__all__ = ["STYLE"]

_SERIES = "".join(f".s{number}{{--own:var(--s{number})}}" for number in range(9))
_LIGHT = (
    "--band:#f0f2f5;--s0:#8a93a0;--s1:#3b5bdb;--s2:#d9780a;--s3:#0b8f6b;--s4:#c2361a;"
    "--s5:#a8448a;--s6:#1487bd;--s7:#8a7600;--s8:#6b5bd0"
)
_DARK = (
    "--band:#171a1f;--s0:#737c88;--s1:#6d8dff;--s2:#f0a23b;--s3:#3fc29b;--s4:#ff7a59;"
    "--s5:#dc8fc4;--s6:#5ec8f2;--s7:#e2d25c;--s8:#a99cff"
)
_OWN = """h3{font-size:13px;font-weight:600;margin:14px 0 4px}
.line span{overflow-wrap:anywhere}
.said{font-size:22px;line-height:1.3;font-weight:600;margin:0 0 6px;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px 20px;margin:16px 0 0;
padding:14px 0 0;border-top:1px solid var(--line)}
.tile span,.tile small{display:block;color:var(--muted);font-size:12px}
.tile b{display:block;font-size:19px;line-height:1.35;font-weight:600;font-variant-numeric:tabular-nums}
.cautions p{display:grid;grid-template-columns:16px 1fr}.cautions .dot{margin-top:6px}
.row{display:grid;grid-template:"who plot lift"/180px 1fr 150px;column-gap:18px;align-items:center}
.who{grid-area:who}.plotted{grid-area:plot}.lift{grid-area:lift}
.who,.lift{font-size:13px;line-height:1.35;min-width:0;overflow-wrap:anywhere}
.who b,.lift b{font-weight:600;display:block}.who span,.lift span{color:var(--muted);font-size:12px;display:block}
.lift{text-align:right;font-variant-numeric:tabular-nums}
.ends{display:flex;justify-content:space-between;color:var(--muted);font-size:12px}
.chart{display:grid;grid-template-columns:max-content minmax(0,1fr);padding:6px 6px 0 0}
svg.plot,svg.bar{display:block;overflow:visible}svg.plot svg{overflow:hidden}
svg text{fill:var(--muted);font-size:11px;font-variant-numeric:tabular-nums}
line.grid{stroke:var(--line)}line.zero{stroke:var(--muted);stroke-width:1.2}rect.band{fill:var(--band)}
.whisker{stroke:var(--own);stroke-width:2}.once{fill:var(--own);opacity:.35}
.point{fill:var(--own);stroke:var(--panel);stroke-width:1.5}
.ribbon{fill:var(--own);opacity:.16}
.curve{fill:none;stroke:var(--own);stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.track{fill:var(--track)}.fill{fill:var(--own)}.expected{stroke:var(--text);stroke-width:2}
.key{display:inline-block;width:9px;height:9px;border-radius:2px;background:var(--own);margin-right:7px}
.shares{display:grid;grid-template-columns:minmax(90px,max-content) 1fr max-content;gap:7px 14px;align-items:center;
font-size:13px;margin-bottom:10px}
.shares span{overflow-wrap:anywhere}
.note{color:var(--muted);font-size:12px;margin-top:10px}
td.name{overflow-wrap:anywhere;min-width:136px}td.name small{display:block;color:var(--muted);font-size:12px}
td.words{min-width:220px;overflow-wrap:anywhere}td.mini{min-width:150px;width:25%}
td small{color:var(--muted);font-size:12px}tr.primary td.name{font-weight:600}tr.primary small{font-weight:400}
.state{white-space:nowrap}
ul{margin:0;padding:0 0 0 17px;font-size:13px}li{padding:2px 0;overflow-wrap:anywhere}ul+p{margin-top:8px}
@media screen and (max-width:760px){.row{grid-template:"who lift" "plot plot"/1fr 1fr}}
@media print{
section,tr{break-inside:avoid}section.long{break-inside:auto}
.key,.dot,svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.scroll{overflow:visible}table,.shares,ul,.who,.lift{font-size:11px}
td small,td.name small{font-size:10px}th,td{padding-right:10px}}
"""
STYLE = style_sheet(_SERIES + "\n" + _OWN, light=_LIGHT, dark=_DARK)
