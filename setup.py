from setuptools import setup

setup()  # noqa: E702
