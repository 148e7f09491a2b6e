"""Notebooks of docs/ run by a kernel of this interpreter."""

import sys
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

DOCS = Path(__file__).parents[1] / "docs"


class ThisInterpreter(KernelSpecManager):
    """The kernel is the interpreter of the tests, whatever is installed for Jupyter on the machine."""

    def get_kernel_spec(self, kernel_name):
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], name=kernel_name
        )


def execute(name, environment, monkeypatch):
    """Run `docs/<name>`; gives the notebook with its outputs."""
    for key, value in {"PYTHONPATH": str(DOCS.parent), "PYTHONWARNINGS": "default", **environment}.items():
        monkeypatch.setenv(key, str(value))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # Jupyter's own shows figures in the page
    notebook = nbformat.read(DOCS / name, as_version=4)
    manager = AsyncKernelManager(kernel_spec_manager=ThisInterpreter(), transport="ipc")
    NotebookClient(notebook, km=manager, timeout=300).execute()
    return notebook


def outputs(notebook, kind):
    """Everything of one MIME type that the cells gave."""
    found = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]
    return [data[kind] for data in found if kind in data]
