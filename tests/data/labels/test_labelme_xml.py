"""LabelMe 3: outlines of the web's LabelMe, as CVAT exports them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.labels.written import SHARED, boxes, find_objects, picture, text

SHAPES = """<annotation><filename>1.jpg</filename><folder></folder>
<imagesize><nrows>60</nrows><ncols>80</ncols></imagesize>
<object><name>a</name><deleted>0</deleted><polygon><pt><x>1</x><y>2</y></pt><pt><x>9</x><y>2</y></pt><pt><x>9</x><y>8</y>
</pt></polygon></object>
<object><name>a</name><deleted>1</deleted><polygon><pt><x>1</x><y>2</y></pt><pt><x>9</x><y>2</y></pt><pt><x>9</x><y>9</y>
</pt></polygon></object>
<object><name>b</name><type>bounding_box</type><polygon><pt><x>1</x><y>2</y></pt><pt><x>9</x><y>2</y></pt><pt><x>9</x><y>8</y>
</pt><pt><x>1</x><y>8</y></pt></polygon></object>
<object><name>b</name><segm><mask>m.png</mask><box><xmin>3</xmin><ymin>4</ymin><xmax>5</xmax><ymax>6</ymax></box></segm></object>
<object><name>b</name><polygon><pt><x>1</x><y>2</y></pt><pt><x>9</x><y>2</y></pt></polygon></object>
</annotation>"""


def test_shapes(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    text(tmp_path / "1.xml", SHAPES)
    found = find_objects(tmp_path)
    assert found.form == "LabelMe XML" and boxes(found) == {"1.jpg": [[1, 2, 9, 8], [1, 2, 9, 8], [3, 4, 5, 6]]}
    assert [len(rings) for rings in found.pictures[0].outlines] == [1, 0, 0]
    assert [found.classes[at] for at in found.pictures[0].classes] == ["a", "b", "b"]
    assert "kept as a box: 1 mask file" in found.notes
    assert "left out: 1 line, which is neither box nor outline" in found.notes


def test_the_same_drawing_as_cvats_own_file() -> None:
    folder = SHARED / "annotation-tools"
    if not folder.is_dir():
        pytest.skip("needs the shared pictures")
    ours = find_objects(folder / "labelme3-xml", pictures=folder / "via")
    cvat = find_objects(folder / "cvat-images-1.1", pictures=folder / "via")
    names = {"line", "crack", "circle"}
    assert {name: number for name, number in ours.counts().items() if number and name not in names} == {
        name: number for name, number in cvat.counts().items() if number and name not in names
    }
