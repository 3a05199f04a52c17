"""A few pictures compared with what they looked like when somebody last looked at them.

Texts are hidden and panels have a fixed place, so that neither fonts nor their widths matter. `PYTHONPATH=.:tests
python tests/pl/test_images.py` draws the baselines anew: look at them before they are committed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pytest
from _maps import make_map
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from matplotlib.text import Text

from gsr_sc import pl

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData
    from matplotlib.axes import Axes

BASELINE = Path(__file__).parent / "baseline"
# Root mean square of differences, 0 to 255. matplotlib 3.10 and 3.11 draw the same pixels; this is for others that smooth
# edges in another way. Of the mistakes tried below, the least comes to 18.
TOLERANCE = 5.0


def panel(figure: Figure, left: int, bottom: int, width: int, height: int) -> Axes:
    """Axes in whole pixels: tiles that end within a pixel are rounded this way or that by versions of matplotlib."""
    wide, high = figure.get_size_inches() * figure.dpi
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high))


def latent_grid(adata: AnnData, figure: Figure) -> None:
    for number, name in enumerate(adata.obs["cell_type"].cat.categories):
        ax = panel(figure, 10 + 115 * (number % 2), 90 - 85 * (number // 2), 96, 80)
        pl.latent_grid(adata, groupby="cell_type", groups=name, colorbar_loc=None, ax=ax, show=False)


def neuron_graph(adata: AnnData, figure: Figure) -> None:
    left, right = (panel(figure, place, 5, 105, 170) for place in (0, 110))
    pl.neuron_graph(adata, pie="cell_type", size=1.5, legend_loc="none", ax=left, show=False)
    pl.neuron_graph(adata, color="gene1", size=1.5, edge_width="coactivation", ax=right, show=False)


def indicators(adata: AnnData, figure: Figure) -> None:
    pl.indicators(adata, groupby="cell_type", sort=False, ax=panel(figure, 20, 10, 180, 96), show=False)


def programs(adata: AnnData, figure: Figure) -> None:
    pl.programs(adata, ax=panel(figure, 20, 20, 180, 140), show=False)


PICTURES: dict[str, Callable[[AnnData, Figure], None]] = {
    "latent_grid": latent_grid,
    "neuron_graph": neuron_graph,
    "indicators": indicators,
    "programs": programs,
}
KIND = {"neuron_graph": "tree"}


def adata_for(name: str) -> AnnData:
    adata = make_map(KIND.get(name, "grid"))  # type: ignore[arg-type]
    adata.uns["cell_type_colors"] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"]
    return adata


def draw(name: str, adata: AnnData, to: Path) -> None:
    with mpl.rc_context():
        mpl.rcdefaults()
        figure = Figure(figsize=(4, 3), dpi=60)
        PICTURES[name](adata, figure)
        for text in figure.findobj(Text):
            text.set_visible(False)
        figure.savefig(to, metadata={"Software": None})


@pytest.mark.parametrize("name", PICTURES)
def test_same_as_it_was(name: str, tmp_path: Path) -> None:
    draw(name, adata_for(name), tmp_path / "now.png")
    assert compare_images(str(BASELINE / f"{name}.png"), str(tmp_path / "now.png"), tol=TOLERANCE) is None


def move_neurons(adata: AnnData) -> None:
    """Each neuron shows what its neighbour should."""
    adata.obsm["X_gsr"] = np.roll(adata.obsm["X_gsr"], 1, axis=1)
    adata.varm["gsr_programs"] = np.roll(adata.varm["gsr_programs"], 1, axis=1)


def exchange_two(adata: AnnData) -> None:
    """Cells of two types have each other's label; genes are the other way round in half of the neurons."""
    labels = adata.obs["cell_type"]
    codes = labels.cat.codes.to_numpy()
    adata.obs["cell_type"] = labels.array.from_codes(np.array([1, 0, 2, 3])[codes].tolist(), dtype=labels.dtype)
    programs = adata.varm["gsr_programs"]
    programs[:-1, ::2] = programs[-2::-1, ::2]


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("spoil", [move_neurons, exchange_two])
def test_a_wrong_picture_is_found_at_this_tolerance(
    name: str, spoil: Callable[[AnnData], None], tmp_path: Path
) -> None:
    adata = adata_for(name)
    spoil(adata)
    draw(name, adata, tmp_path / "wrong.png")
    found = compare_images(str(BASELINE / f"{name}.png"), str(tmp_path / "wrong.png"), tol=TOLERANCE, in_decorator=True)
    assert found is not None, "the wrong picture looks right"
    # With room to spare, so that it holds on every version.
    assert found["rms"] > 2 * TOLERANCE


def test_baselines_are_small() -> None:
    sizes = {path.stem: path.stat().st_size for path in BASELINE.glob("*.png")}
    assert set(sizes) == set(PICTURES)
    assert max(sizes.values()) < 40_000


if __name__ == "__main__":
    BASELINE.mkdir(exist_ok=True)
    for picture in PICTURES:
        draw(picture, adata_for(picture), BASELINE / f"{picture}.png")
