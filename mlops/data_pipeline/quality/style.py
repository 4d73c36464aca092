"""What the style sheet of quality reports adds to that of all pages."""

from __future__ import annotations

from mlops.html_pages import style_sheet

__all__ = ["STYLE"]

_OWN = """h3{font-size:14px;font-weight:600;margin:0;overflow-wrap:anywhere}
.map svg{display:block;width:100%}.map path{fill:currentColor}.plain{color:var(--accent)}.map .plain{opacity:.4}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;margin-top:10px;font-size:12px}
h3 .dot{margin-right:7px;vertical-align:1px}
a{color:inherit;text-decoration:underline;text-decoration-color:var(--line);text-underline-offset:3px}
a:hover{text-decoration-color:currentColor}
article:target{border-color:var(--accent)}
.line span{overflow-wrap:anywhere}
.grid{grid-template-columns:3fr 2fr}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:14px;margin-top:14px}
article{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:16px 18px;min-width:0}
.score{display:grid;grid-template-columns:132px 1fr;gap:24px;align-items:center}
.gauge{position:relative}.gauge svg{display:block;width:132px;height:132px}
.gauge circle{fill:none;stroke-width:9}.gauge .track{stroke:var(--track)}
.gauge .arc{stroke:currentColor;stroke-linecap:round}
.gauge text{fill:var(--text);font:600 27px system-ui,-apple-system,"Segoe UI",sans-serif;text-anchor:middle}
.gauge text.of{fill:var(--muted);font-size:10px;font-weight:400}
.high{color:var(--good)}.middle{color:var(--gap)}.low{color:var(--bad)}
.part{display:grid;grid-template-columns:104px 1fr 46px;gap:0 12px;align-items:center;font-size:13px;padding:3px 0}
.part .why{grid-column:2/-1;color:var(--muted);font-size:12px;line-height:1.35}
.bar svg,.chart svg{display:block;width:100%}.bar svg{height:8px}.chart svg{height:84px}
.track{fill:var(--track)}.fill{fill:var(--accent)}.gap{fill:var(--gap)}.wrong{fill:var(--bad)}.tick{fill:var(--text)}
.tall{max-height:640px;overflow-y:auto}
.tall thead th{position:sticky;top:0;background:var(--panel)}
td.name{overflow-wrap:anywhere;width:17%;max-width:220px}
td.said{overflow-wrap:anywhere;min-width:240px}
td.seen{color:var(--muted);overflow-wrap:anywhere;min-width:170px;max-width:280px;font-size:12px}
td.seen code{color:var(--text)}
td.rule{width:45%}td.middle-bar{vertical-align:middle;width:35%}
code{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap}
.error,.warning,.info{white-space:nowrap}.error{color:var(--bad)}.warning{color:var(--warn)}.info{color:var(--muted)}
p.note{color:var(--muted);font-size:12px;margin:10px 4px 0}section p.note{margin:10px 0 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0;font-size:13px}
dt{color:var(--muted)}dd{margin:0;text-align:right;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
article{display:flex;flex-direction:column;gap:10px}
article p{font-size:12px}article .kind{color:var(--muted);font-size:12px}
article dl{grid-template-columns:max-content 1fr max-content 1fr;gap:2px 12px;font-size:12px}
.ends{display:flex;justify-content:space-between;gap:10px;color:var(--muted);font-size:11px;margin-top:3px;
font-variant-numeric:tabular-nums}
.nulls{display:grid;grid-template-columns:1fr max-content;gap:10px;
align-items:center;font-size:12px;color:var(--muted)}
.category{display:grid;grid-template-columns:minmax(0,5fr) 4fr 52px;gap:10px;
align-items:center;font-size:12px;line-height:1.7}
.category .label{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
ul{list-style:none;margin:0;padding:8px 0 0;border-top:1px solid var(--line);font-size:12px}
li{padding:1px 0;overflow-wrap:anywhere}
@media (max-width:760px){.grid,.score{grid-template-columns:1fr}
.gauge{margin:0 auto}
.tall{max-height:none}.issues thead{display:none}
.issues tr{display:block;padding:9px 0;border-bottom:1px solid var(--line)}
.issues tr:first-child{padding-top:0}.issues tr:last-child{border-bottom:0;padding-bottom:0}
.issues td{display:inline-block;border:0;padding:0 12px 0 0}
.issues td.said,.issues td.seen{display:block;max-width:none}}
@media print{
.tall{max-height:none}article{border-color:#c9ced6}article,tr,.part{break-inside:avoid}
.cards{grid-template-columns:1fr 1fr}svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
STYLE = style_sheet(_OWN, light="--gap:#d7a33a", dark="--gap:#b98a2e")
