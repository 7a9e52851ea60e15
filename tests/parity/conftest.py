"""The modules beside the tests need PyTorch: pytest shall not import them where it is missing."""

collect_ignore = ["conformance.py", "twins.py"]
