"""Installed by jupyter_tos_guard: IPython reads this file in every kernel of this environment.

It wraps how the kernel application makes its kernel instead of setting
``c.IPKernelApp.kernel_class``. That would stop every kernel from starting should
the package be gone while this file is still here, and it would turn other
kernels that are built on ``IPKernelApp`` (bash_kernel and its like) into
IPython kernels.
"""

try:
    from jupyter_tos_guard.kernel.hook import guard_kernels

    guard_kernels()
except Exception as error:
    import sys

    print(
        f"jupyter_tos_guard is not active in this kernel ({type(error).__name__}: {error}). "
        f"Reinstall it with pip install --force-reinstall jupyter_tos_guard, or delete {__file__}",
        file=sys.__stderr__,
    )
