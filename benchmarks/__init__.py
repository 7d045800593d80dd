"""Claims of speed and accuracy, each a command: ``python -m benchmarks NAME``. Peers run in turns in the same run."""
