"""A page of HTML that needs nothing beside itself: texts, tables and pictures."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.figure import Figure

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2430; max-width: 60rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid #d9dce3; padding-bottom: .2rem; }
p.lead { color: #5b6270; margin-top: 0; }
p.note { background: #f4f6fa; border-left: 4px solid #0072b2; padding: .6rem .9rem; }
p.warning { background: #fdf4e7; border-left: 4px solid #d55e00; padding: .6rem .9rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0 1rem; }
th { text-align: left; font-weight: 600; color: #5b6270; border-bottom: 2px solid #d9dce3; }
th, td { padding: .22rem .9rem .22rem 0; vertical-align: top; }
tbody tr:nth-child(even) { background: #f8f9fb; }
td.number { text-align: right; }
figure { margin: .8rem 0 1.6rem; }
figure img { max-width: 100%; height: auto; }
figcaption { color: #5b6270; font-size: .92rem; }
details > summary { cursor: pointer; color: #0072b2; }
nav a { margin-right: 1rem; color: #0072b2; text-decoration: none; }
@media print { details { display: block; } nav { display: none; } }
"""


class Page:
    """Sections, one after another."""

    def __init__(self, title: str, lead: str) -> None:
        self.title = title
        self._lead = lead
        self._body: list[str] = []
        self._sections: list[str] = []

    def section(self, title: str) -> None:
        """Begin a section."""
        self._sections.append(title)
        self._body.append(f'<h2 id="s{len(self._sections)}">{escape(title)}</h2>')

    def text(self, text: str, kind: str = "") -> None:
        """Add a paragraph, of kind `"note"` or `"warning"` if it is to stand out."""
        self._body.append(f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>")

    def table(self, header: Sequence[str], rows: Iterable[Sequence[Any]], *, folded: str = "") -> None:
        """Add a table; `folded` away behind these words if there are any."""
        head = "".join(f"<th>{escape(name)}</th>" for name in header)
        body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"
        self._body.append(f"<details><summary>{escape(folded)}</summary>{table}</details>" if folded else table)

    def picture(self, figure: Figure, caption: str) -> None:
        """Add a picture, embedded."""
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=130, bbox_inches="tight", pad_inches=0.1)
        data = base64.b64encode(stream.getvalue()).decode()
        self._body.append(
            f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )

    def html(self) -> str:
        """Return the whole page."""
        links = "".join(f'<a href="#s{i}">{escape(name)}</a>' for i, name in enumerate(self._sections, start=1))
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>{_STYLE}</style></head>\n<body>"
            f'<h1>{escape(self.title)}</h1><p class="lead">{escape(self._lead)}</p><nav>{links}</nav>\n'
            + "\n".join(self._body)
            + "\n</body></html>\n"
        )


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td>{escape(str(value))}</td>"
    return f'<td class="number">{value:,}</td>' if isinstance(value, int) else f'<td class="number">{value:.3f}</td>'
