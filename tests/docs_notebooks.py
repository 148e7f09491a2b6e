"""Notebooks of docs/ run by a kernel of this interpreter: `python docs_notebooks.py NOTEBOOK OUTPUT`."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat

DOCS = Path(__file__).parents[1] / "docs"


def execute(name, folder, **environment):
    """Run `docs/<name>` in a process of its own; gives the notebook with its outputs.

    It stays in `folder`, and so do the sockets of a kernel that was killed.
    """
    kept = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}  # Jupyter's own shows figures
    added = {"PYTHONPATH": str(DOCS.parent), **{key: str(value) for key, value in environment.items()}}
    out = folder / name
    result = subprocess.run(
        [sys.executable, __file__, str(DOCS / name), str(out)],
        env={**kept, **added}, cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    return nbformat.read(out, as_version=4)


def outputs(notebook, kind):
    """Everything of one MIME type that the cells gave."""
    found = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    return [data[kind] for data in found if kind in data]


def run_here(source, out):
    """Execute a notebook with this interpreter as kernel, whatever is installed for Jupyter on the machine."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    class ThisInterpreter(KernelSpecManager):
        def get_kernel_spec(self, kernel_name):
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=argv, name=kernel_name)

    notebook = nbformat.read(source, as_version=4)
    manager = AsyncKernelManager(kernel_spec_manager=ThisInterpreter(), transport="ipc")
    NotebookClient(notebook, km=manager, timeout=300).execute()
    nbformat.write(notebook, out)


if __name__ == "__main__":
    run_here(*sys.argv[1:])
