from suite.train.curve import CurvePoint, Score
from suite.train.journal import Journal
from suite.train.loop import Progress


class FakeBoard:
    """Remembers what TensorBoard would draw."""

    def __init__(self):
        self.scalars = {}
        self.closed = False

    def add_scalar(self, tag, scalar_value, global_step):
        self.scalars[tag, global_step] = scalar_value

    def close(self):
        self.closed = True


def test_points_and_scores_go_to_the_file_the_board_and_the_listener(tmp_path):
    board = FakeBoard()
    heard: list[Progress] = []
    journal = Journal(tmp_path / "curve.csv", 8, None, listen=heard.append, board=board)
    progress = Progress(10, 20, 1.5, CurvePoint(10, 0.5, 0.25, 0.125, 0.01))

    journal.score(Score(10, 0.3, 0.6, 0.33))
    journal.step(progress)
    journal.close()

    assert heard == [progress]
    assert board.closed
    assert board.scalars == {
        ("val/ap", 10): 0.3,
        ("val/ap50", 10): 0.6,
        ("loss/box", 10): 0.5,
        ("loss/obj", 10): 0.25,
        ("loss/cls", 10): 0.125,
        ("lr", 10): 0.01,
    }
    assert (tmp_path / "curve.csv").read_text().splitlines()[1:] == [
        "10,80,,,,,0.3,0.6",
        "10,80,0.01,0.5,0.25,0.125,,",
    ]
