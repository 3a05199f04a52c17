"""What the demo prints and leaves."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import anndata as ad
import matplotlib.pyplot as plt
import pytest

import gsr_sc
from gsr_sc.cli import main

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = ["clusters.png", "history.png", "latent_grid.png", "map.png", "map_clusters.png", "neuron_graph.png"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A training that is over at once, and the folder to work in."""
    monkeypatch.setattr(gsr_sc.tl, "fit", partial(gsr_sc.tl.fit, max_epochs=2, smoothness=0.1))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_demo_prints_how_good_the_map_is_and_leaves_data_and_pictures(
    quick: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = quick / "gsr-demo"
    folder.mkdir()
    (folder / "mine.txt").write_text("kept")
    (folder / "map.png").write_text("replaced")
    assert main(["demo", "--seed", "4"]) == 0
    out, err = capfd.readouterr()

    assert sorted(path.name for path in folder.iterdir()) == sorted([*PICTURES, "mine.txt", "pbmc68k.h5ad"])
    assert sorted(path.name for path in quick.iterdir()) == ["gsr-demo"]
    assert (folder / "mine.txt").read_text() == "kept"
    for name in PICTURES:
        height, width = plt.imread(folder / name).shape[:2]
        assert min(height, width) > 200, name

    adata = ad.read_h5ad(folder / "pbmc68k.h5ad")
    assert adata.uns["gsr"]["params"]["rng"] == 4
    quality = gsr_sc.get.quality(adata)
    auroc = gsr_sc.metrics.indicator_auroc_per_label(adata.obsm["X_gsr"], adata.obs["bulk_labels"])
    numbers = dict(re.findall(r"^(\S.*?)  +(?:\d+ +[A-Z]\d+ +)?(-?\d\.\d+)$", out, flags=re.MULTILINE))
    expected = {
        "explained variance, held out": quality["explained_variance"],
        "explained variance without the penalty": quality["explained_variance_unregularised"],
        "Moran's I of the activations": quality["moran_i"],
        "mean": auroc["auroc"].mean(),
        **dict(zip(auroc["label"], auroc["auroc"], strict=True)),
    }
    assert {name: float(numbers[name]) for name in expected} == {name: round(v, 3) for name, v in expected.items()}
    assert re.search(r"\d+ s of training, \d+ s in all", out)
    assert all(f"gsr-demo/{name}" in out for name in PICTURES)

    # Nothing but the bar, and a single one.
    assert {line.split(":")[0] for line in re.split(r"[\r\n]+", err) if line.strip()} == {"gsr_sc"}
    assert "loss" in err
    assert err.count("\n") == 1


def test_demo_writes_where_it_is_told(quick: Path) -> None:
    assert main(["demo", "--out", "a/b", "--n-jobs", "1"]) == 0
    assert (quick / "a" / "b" / "latent_grid.png").exists()
    assert sorted(path.name for path in quick.iterdir()) == ["a"]
