"""The style of every page, and the policy that lets a browser load nothing else."""

from __future__ import annotations

import base64
import hashlib

STYLE = """
@page { size: A4; margin: 16mm 14mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 52rem; padding: 1rem; color: #111; background: #fff; line-height: 1.4;
  font-family: system-ui, "Noto Sans", "DejaVu Sans", sans-serif; }
header { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid #555; }
header p { margin: .3rem 0; }
.number { font-weight: bold; font-size: 1.2rem; white-space: nowrap; }
h1 { font-size: 1.4rem; margin: .8rem 0; }
h2 { font-size: 1.1rem; margin: 1.4rem 0 .4rem; border-bottom: 1px solid #999; break-after: avoid; }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; break-after: avoid; }
.verdict { border: 3px solid #333; border-left-width: 12px; padding: .6rem .8rem; font-size: 1.15rem;
  font-weight: bold; break-inside: avoid; }
.good { border-color: #14532d; color: #14532d; border-style: solid; }
.bad { border-color: #991b1b; color: #991b1b; border-style: double; }
.open { border-color: #1e3a8a; color: #1e3a8a; border-style: dashed; }
.mark { display: inline-block; border-width: 1px; padding: 0 .35rem; }
/* Fixed: else one digest, or one long word, leaves the other columns a letter's width. */
table { border-collapse: collapse; width: 100%; table-layout: fixed; font-size: .92rem; }
th, td { border: 1px solid #999; padding: .25rem .4rem; text-align: start; vertical-align: top;
  overflow-wrap: anywhere; }
tbody th { width: 30%; }
thead th:first-child { width: 22%; }
thead th:nth-child(2):nth-last-child(2) { width: 18%; }
thead th:nth-child(4):last-child { width: 22%; }
tr { break-inside: avoid; }
thead { display: table-header-group; }
.value { white-space: pre-wrap; }
.cut { font-style: italic; }
code, .digest { font-family: ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.code { border: 1px solid #991b1b; color: #991b1b; font-weight: normal; font-family: monospace; }
.blank { display: inline-block; min-width: 18rem; border-bottom: 1px solid #333; }
footer { margin-top: 1.5rem; border-top: 1px solid #555; font-size: .85rem; }
@media print { body { max-width: none; padding: 0; } }
"""

_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")
POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"
