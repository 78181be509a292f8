"""Preparing measured kernels in the panel's table, as its users do."""

import numpy as np
import pytest
import slicer

import SpatialDeconvLib as sd
from SpatialDeconvLib.panel.kernelpictures import beforeAndAfter


def measured(sigma=1.2):
    """Counts of a spot off the middle, on a camera's offset."""
    grids = np.indices((13, 15, 15))
    distance = sum(np.square(g - c) for g, c in zip(grids, (6, 5, 9), strict=True))
    return np.round(100 + 5000 * np.exp(-distance / (2 * sigma**2)))


@pytest.fixture
def spots(user, tmp_path):
    """The panel with a volume and two measured kernels from files."""
    user.choose("inputVolumeSelector", user.add_volume(spacing=(0.5, 0.5, 2.0)))
    for level, sigma in ((10, 1.0), (20, 1.5)):
        np.save(tmp_path / f"spot_{level}.npy", measured(sigma))
    user.panel.table.addFiles([str(tmp_path / f"spot_{level}.npy") for level in (10, 20)])
    user.window.processEvents()
    return user


def prepare(user, *rows):
    user.select_rows(*rows)
    (action,) = user.ui.kernelTable.actions()
    action.trigger()
    user.window.processEvents()


def test_the_notes_of_a_kernel_on_an_offset_say_what_mends_it(spots):
    spots.select_rows(0)
    notes = spots.ui.kernelNotesLabel.text
    assert "of the weight is a constant" in notes
    assert "choose Prepare" in notes
    assert "sd." not in notes


def test_prepared_rows_hold_the_kernel_that_the_library_makes(spots):
    from SpatialDeconvLib.panel.parameters import rowsOf  # on the stand-ins

    prepare(spots, 0, 1)
    for row, sigma in zip(rowsOf(spots.parameters), (1.0, 1.5), strict=True):
        made = sd.prepare_kernel(sd.Kernel(measured(sigma), (2.0, 0.5, 0.5)))
        found = row.kernel()
        np.testing.assert_allclose(found.values, made.values)
        assert found.centre == pytest.approx(made.centre)
        assert found.spacing == pytest.approx(made.spacing)
    assert [row[0] for row in spots.table()] == ["10", "20"]
    spots.select_rows(0)
    assert "subtracted, the border's median" in spots.ui.kernelNotesLabel.text
    assert "choose Prepare" not in spots.ui.kernelNotesLabel.text


def test_preparing_is_taken_back(spots):
    before = spots.table()
    prepare(spots, 0)
    assert spots.table() != before
    spots.click("undoKernelsButton")
    assert spots.table() == before


def test_kernels_by_their_parameters_need_no_preparation(user):
    user.choose("inputVolumeSelector", user.add_volume())
    user.click("addKernelButton")
    prepare(user, 0)
    assert "nothing to prepare" in user.window.shown[-1]


def test_what_cannot_be_prepared_is_told_and_leaves_no_volume(spots, tmp_path):
    spots.select_rows(1)
    (tmp_path / "spot_20.npy").unlink()
    count = len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"))
    before = spots.table()
    prepare(spots, 0, 1)
    assert "spot_20.npy" in spots.window.shown[-1]
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == count
    assert [row[:2] for row in spots.table()] == [row[:2] for row in before]


def test_the_picture_shows_both_about_their_centres():
    before = sd.Kernel(measured())
    after = sd.prepare_kernel(before)
    pixels = beforeAndAfter(before, after, 96).pixels.astype(int).sum(axis=-1)
    assert (pixels[:, 48] == 765).all()
    assert pixels[48, 10] > pixels[48, -10] + 100  # the offset is seen, and nothing where it was
    assert pixels[48, 50] > 500
