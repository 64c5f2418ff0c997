"""The company folder: files in, a checked and compiled Configuration out."""

from outrider.configuration.build import Configuration, build
from outrider.configuration.files import digest_of, read_folder

__all__ = ["Configuration", "build", "digest_of", "read_folder"]
