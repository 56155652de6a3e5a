"""What earlier releases were configured and started with: files kept as they were, for `tests.process.test_upgrade`."""
