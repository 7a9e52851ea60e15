"""Kernels in CUDA C++ (`*.cu`), and `loading.py`, which compiles and launches them."""
