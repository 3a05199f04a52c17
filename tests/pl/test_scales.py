"""Colour scales and palettes."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import scanpy as sc
from _maps import make_map
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.colors import LogNorm, TwoSlopeNorm, to_hex, to_rgba

from gsr_sc.pl._colors import SEQUENTIAL, colormap, default_colors, label_colors, paler
from gsr_sc.pl._norm import bound, pick, scale
from gsr_sc.pl._sheet import columns_for
from gsr_sc.pl._text import text_width, wrap

ARRAYS = hnp.arrays(np.float64, st.integers(0, 30), elements=st.floats(-1e6, 1e6) | st.just(np.nan))


@given(ARRAYS)
def test_every_value_lies_on_the_default_scale(values: np.ndarray) -> None:
    norm = scale(values)
    assert norm.vmin < norm.vmax
    finite = values[np.isfinite(values)]
    assert ((finite >= norm.vmin) & (finite <= norm.vmax)).all()
    if len(finite) and finite.min() >= 0:
        assert norm.vmin == 0
    elif len(finite) and finite.max() > 0:
        assert norm.vmin == -norm.vmax


@given(ARRAYS.filter(lambda values: np.isfinite(values).any()), st.floats(0, 100))
def test_percentiles(values: np.ndarray, share: float) -> None:
    finite = values[np.isfinite(values)]
    assert bound(f"p{share:f}", finite, "vmax") == pytest.approx(np.percentile(finite, float(f"{share:f}")))


def test_limits_as_numbers_percentiles_and_functions() -> None:
    values = np.linspace(0, 10, 101)
    norm = scale(values, vmin=lambda v: np.median(v) / 5, vmax="p90")
    assert (norm.vmin, norm.vmax) == pytest.approx((1, 9))
    norm = scale(values, vmin=0, vmax=10, vcenter=2)
    assert isinstance(norm, TwoSlopeNorm)
    assert norm(2) == pytest.approx(0.5)
    norm = scale(values, vcenter=4)
    assert (norm.vmin, norm.vmax) == (-2, 10)
    assert scale(values + 5, from_zero=False).vmin == 5


def test_norm_of_the_caller_is_not_changed() -> None:
    mine = LogNorm(vmin=1)
    norm = scale(np.array([1.0, 100.0]), norm=mine)
    assert norm.vmax == 100
    assert mine.vmax is None


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"vmax": "99"}, ValueError, "'p99'"),
        ({"vmax": "p101"}, ValueError, "'p0' to 'p100'"),
        ({"vmin": [1]}, TypeError, "`vmin` is \\[1\\]"),
        ({"vmin": 3, "vmax": 1}, ValueError, "vmin <= vmax"),
        ({"vmin": 0, "vmax": 1, "vcenter": 2}, ValueError, "vcenter between"),
        ({"norm": LogNorm(), "vmax": 1}, ValueError, "leave out"),
    ],
)
def test_wrong_limits(options: dict[str, object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        scale(np.array([0.0, 1.0]), **options)


def test_one_option_for_all_or_one_for_each() -> None:
    assert [pick("p99", i, 2, "vmax") for i in range(2)] == ["p99", "p99"]
    assert [pick([1, None], i, 2, "vmax") for i in range(2)] == [1, None]
    with pytest.raises(ValueError, match="`vmax` has 3 entries for 2 keys"):
        pick([1, 2, 3], 0, 2, "vmax")


def test_sequential_map_falls_evenly_in_lightness() -> None:
    rgb = SEQUENTIAL(np.linspace(0, 1, 33))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    lightness = np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)
    steps = -np.diff(lightness)
    assert lightness[0] > 97
    assert lightness[-1] < 12
    assert (steps > 0).all()
    assert steps.max() < 2 * steps.mean()


def test_color_maps_by_name() -> None:
    assert colormap("viridis")(0.3) == mpl.colormaps["viridis"](0.3)
    assert colormap(None, diverging=True).name == "RdBu_r"
    with pytest.raises(ValueError, match="Did you mean 'viridis'"):
        colormap("virids")


def test_stored_colors_in_category_order() -> None:
    adata = make_map()
    names = ["type 0", "type 1", "type 2", "type 3"]
    adata.uns["cell_type_colors"] = np.array(["#ff0000", "#00ff00", "#0000ff", "#123456", "#ffffff"])
    colors = label_colors(adata, "cell_type", names)
    assert [to_hex(colors[name]) for name in names] == ["#ff0000", "#00ff00", "#0000ff", "#123456"]


@pytest.mark.parametrize("stale", [["red"], ["no colour"] * 4, {"type 0": "red"}, "red", 3, None])
def test_stale_colors_never_stop_a_picture(stale: object) -> None:
    adata = make_map()
    adata.uns["cell_type_colors"] = stale
    names = ["type 0", "type 1", "type 2", "type 3"]
    assert list(label_colors(adata, "cell_type", names).values()) == [to_rgba(color) for color in default_colors(4)]


@pytest.mark.parametrize("n", [3, 10, 11, 20, 25, 90])
def test_default_colors_are_those_of_scanpy(n: int) -> None:
    adata = sc.AnnData(np.zeros((n, 1), dtype=np.float32), obsm={"X_umap": np.zeros((n, 2))})
    adata.obs["label"] = [f"{i:03}" for i in range(n)]
    adata.obs["label"] = adata.obs["label"].astype("category")
    sc.pl.umap(adata, color="label", return_fig=True)
    mpl.pyplot.close("all")
    assert [to_hex(color) for color in adata.uns["label_colors"]] == [to_hex(color) for color in default_colors(n)]


def test_palettes() -> None:
    adata, names = make_map(), ["type 0", "type 1", "type 2", "type 3"]
    default = label_colors(adata, "cell_type", names)
    some = label_colors(adata, "cell_type", names, {"type 2": "black", "unused": "red"})
    assert some == {**default, "type 2": to_rgba("black")}
    listed = label_colors(adata, "cell_type", names, ["r", "g", "b", "k", "w"])
    assert listed["type 3"] == to_rgba("k")
    assert label_colors(adata, "cell_type", names, "Set1")["type 1"] == mpl.colormaps["Set1"](1)
    assert label_colors(adata, "cell_type", names, "viridis")["type 3"] == mpl.colormaps["viridis"](1.0)
    with pytest.raises(ValueError, match="2 colours for the 4 labels"):
        label_colors(adata, "cell_type", names, ["r", "g"])
    with pytest.raises(ValueError, match="'rot', which is no colour"):
        label_colors(adata, "cell_type", names, {"type 0": "rot"})


@given(st.floats(0, 1), st.floats(0, 1))
def test_paler_is_lighter(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert (paler(to_rgba("navy"), low) >= paler(to_rgba("navy"), high) - 1e-12).all()
    np.testing.assert_allclose(paler(to_rgba("navy"), 1.0), to_rgba("navy"))


@given(st.text("abcXYZ /_-+$", min_size=1, max_size=60).filter(str.strip))
def test_wrapped_names_keep_every_letter_and_fit(name: str) -> None:
    lines = wrap(name, 0.8).split("\n")
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")
    assert all(text_width(line) <= 0.8 for line in lines if len(line) > 1)


def test_columns_leave_few_places_empty() -> None:
    assert [columns_for(n) for n in (1, 4, 5, 6, 7, 8, 9, 10, 12, 30, 40)] == [1, 4, 5, 6, 4, 4, 5, 5, 6, 6, 8]
