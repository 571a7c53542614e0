"""Middlebury .flo files hold what the format says."""

import numpy as np
import pytest

from gvd_jax.errors import InputError
from gvd_jax.video.flow_files import read_flow, write_flow


def test_a_file_holds_the_tag_the_size_and_the_values_by_row(tmp_path):
    flow = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    write_flow(tmp_path / "a.flo", flow)
    data = (tmp_path / "a.flo").read_bytes()
    assert np.frombuffer(data, "<f4", 1)[0] == np.float32(202021.25)
    assert np.frombuffer(data, "<i4", 2, offset=4).tolist() == [3, 2]
    np.testing.assert_array_equal(np.frombuffer(data, "<f4", offset=12), np.arange(12))
    np.testing.assert_array_equal(read_flow(tmp_path / "a.flo"), flow)


@pytest.mark.parametrize(
    "data, words",
    [
        (None, "cannot read"),
        (b"", "not a Middlebury .flo file"),
        (b"\x89PNG" + bytes(40), "not a Middlebury .flo file"),
        (b"PIEH" + np.array([3, 2], "<i4").tobytes() + bytes(40), "3x2 pixels take 60 bytes"),
        (b"PIEH" + np.array([-3, -2], "<i4").tobytes() + bytes(48), "not a Middlebury .flo file"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, data, words):
    if data is not None:
        (tmp_path / "a.flo").write_bytes(data)
    with pytest.raises(InputError, match=words) as refusal:
        read_flow(tmp_path / "a.flo")
    assert "\n" not in str(refusal.value)
