"""What is measured: one file per question with the functions that answer; `definitions` has every metric."""
