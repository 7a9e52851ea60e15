# What JupyterLab's button Validate uses; `classroom lab` and binder/postBuild put it in place.
c = get_config()  # noqa: F821

c.Execute.timeout = 120  # seconds a cell may take; nbgrader's own 30 are too short on a busy machine
c.Execute.extra_arguments = ["--IPKernelApp.log_level=40"]  # no warnings of kernels in the terminal
