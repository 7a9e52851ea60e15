"""The modules beside the tests need PyTorch: pytest shall not import them where it is missing."""

collect_ignore = ["samples.py", "schedules.py", "status.py"]
