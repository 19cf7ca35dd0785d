"""Build, measure and judge modifications of YOLOv5."""
