"""What the page of `gsr-sc report` says."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pytest
from _maps import make_map
from _source import ROOT

import gsr_sc
from gsr_sc.cli import main
from gsr_sc.cli._report import page

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


class Reader(HTMLParser):
    """Rows of all tables, texts, and pictures of a page; fails on tags that are not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.pictures: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag in ("meta", "img"):
            self.pictures += [known["src"] or ""] if tag == "img" else []
            return
        self._open.append(tag)
        self.links += [known["href"] or ""] if "href" in known else []
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if self._open and self._open[-1] in ("td", "th"):
            self.rows[-1][-1] += data

    def row(self, first: str) -> list[str]:
        return next(row for row in self.rows if row and row[0] == first)


def stored_map(**options: object) -> AnnData:
    adata = make_map(**options)  # type: ignore[arg-type]
    adata.uns[options.get("key") or "gsr"]["params"] |= {
        "n_obs": 240,
        "n_vars": 7,
        "n_neurons": 30,
        "transform": "zscore",
    }
    return adata


@pytest.fixture(scope="module")
def labelled() -> Reader:
    adata = stored_map()
    adata.uns["gsr_stability"] = {"verdict": "Stable: 9 of 10 <neurons> come back."}
    return Reader(page(adata, name="cells & more.h5ad", label="cell_type"))


def test_pictures_are_on_the_page_and_nothing_is_fetched(labelled: Reader) -> None:
    assert len(labelled.pictures) == 6
    for source in labelled.pictures:
        kind, data = source.split(",")
        assert kind == "data:image/png;base64"
        assert min(plt.imread(io.BytesIO(base64.b64decode(data))).shape[:2]) > 200
    assert all(link.startswith("#") for link in labelled.links)


def test_tables_say_what_is_stored(labelled: Reader) -> None:
    adata = stored_map()
    assert labelled.row("explained variance, held out")[1] == "0.250"
    assert labelled.row("dead neurons, which no cell uses")[1] == "2"
    auroc = gsr_sc.metrics.indicator_auroc_per_label(adata.obsm["X_gsr"], adata.obs["cell_type"]).set_index("label")
    names, counts = gsr_sc.get.neurons(adata).index, adata.obs["cell_type"].value_counts()
    for label, (neuron, value) in auroc.iterrows():
        expected = [label, str(counts[label]), names[int(neuron)], f"{value:.3f}"]
        assert expected in labelled.rows
    assert labelled.row("mean")[3] == f"{auroc['auroc'].mean():.3f}"
    best = gsr_sc.get.programs(adata, groups=True)["0"].idxmax()
    (genes,) = [row for row in labelled.rows if len(row) == 3 and row[0] == "0" and "gene" in row[1]]
    assert genes[1].split(", ")[0] == best
    assert labelled.row("smoothness")[1] == "0.03"
    assert labelled.row("gsr_sc")[1] == "0"
    assert "type 0" in labelled.row("0")[3]


def test_verdicts_dead_neurons_and_names_are_told_as_they_are(labelled: Reader) -> None:
    assert "Stability: Stable: 9 of 10 <neurons> come back." in labelled.text
    assert "Map of cells & more.h5ad" in labelled.text
    dead = gsr_sc.get.neurons(stored_map()).query("is_dead").index
    assert f"Dead neurons: {', '.join(dead)}." in labelled.text
    assert "interrupted" not in labelled.text


def test_without_labels_there_are_no_indicators() -> None:
    adata = stored_map()
    adata.uns["gsr"]["params"]["interrupted"] = True
    found = Reader(page(adata, name="x"))
    assert "AUROC" not in found.text
    assert len(found.pictures) == 4
    assert "The fit was interrupted" in found.text


@pytest.mark.parametrize("kind", ["ring", "tree"])
def test_other_graphs_other_keys_missing_labels_and_no_genes(kind: str) -> None:
    adata = stored_map(graph=kind, key="k")
    adata.obs["cell_type"] = adata.obs["cell_type"].cat.add_categories(["never"])
    adata.obs.loc[adata.obs_names[:9], "cell_type"] = np.nan
    del adata.varm["k_programs"]
    found = Reader(page(adata, name="x", label="cell_type", key="k"))
    assert found.row("mean")[1] == str(adata.n_obs - 9)
    assert "there are no gene programs" in found.text
    assert "never" not in found.text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["in.h5ad", "out.pdf"], "end its name in .html"),
        (["in.h5ad", "absent/out.html"], "make it first"),
        (["in.h5ad", "out.html", "--label", "typ"], "is no column of .obs, which holds"),
        (["in.h5ad", "out.html", "--label", "score"], "choose a column of groups"),
        (["in.h5ad", "out.html", "--key", "other"], "No map is stored under 'other'"),
        (["none.h5ad", "out.html"], "there is no data set"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_what_cannot_be_reported_is_told_in_one_line(
    words: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stored_map().write_h5ad("in.h5ad")
    assert main(["report", *words]) == 1
    (text,) = capsys.readouterr().err.splitlines()
    assert expected in text
    assert [path.name for path in tmp_path.iterdir()] == ["in.h5ad"]


def test_the_command_needs_no_torch(tmp_path: Path) -> None:
    stored_map().write_h5ad(tmp_path / "in.h5ad")
    statement = (
        "import sys; from gsr_sc.cli import main; "
        "code = main(['report', 'in.h5ad', 'out.html', '--label', 'cell_type']); sys.exit(code + 2 * ('torch' in sys.modules))"
    )
    environment = {"PYTHONPATH": str(ROOT.parent), "OMP_NUM_THREADS": "1", "MPLCONFIGDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", statement], cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "wrote out.html\n"), done.stderr
    assert re.match(r"<!doctype html>", (tmp_path / "out.html").read_text())
