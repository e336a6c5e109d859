"""How modelway's clients find what botocore knows of a service: by its name, and each file once."""

from __future__ import annotations

from pathlib import Path

from botocore.loaders import JSONFileLoader
from botocore.loaders import Loader as Botocores

from modelway.adapters import service_models
from modelway.core.json import Json


class Files(JSONFileLoader):
    """Reads what may have been read before, and into plain dictionaries, which keep their order as well."""

    def load_file(self, file_path: str) -> Json:
        """As botocore's."""
        return service_models.read(file_path)


class Loader(Botocores):
    """Does not look through four hundred services for the few that are asked."""

    def __init__(self) -> None:
        super().__init__(file_loader=Files())

    def list_available_services(self, type_name: str) -> list[str]:
        """Names that may be services; botocore's own looks into each, which takes a sixtieth of a second."""
        del type_name
        folders = [Path(path) for path in self.search_paths]
        names = {each.name for folder in folders if folder.is_dir() for each in folder.iterdir()}
        return sorted(name for name in names if "." not in name)
