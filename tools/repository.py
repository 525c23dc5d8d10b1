"""Where the course is published, derived from one setting: ``repository-code`` in ``CITATION.cff``.

The environment variable ``COURSE_REPOSITORY_URL`` goes before it. Without both the book names no place on the network,
and none of its buttons leads to one. A site that is not at the address of the repository's GitHub Pages has another,
``COURSE_SITE_URL``.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import yaml
from sphinx.errors import ConfigError

from tools.notebooks import ROOT

CITATION = ROOT / "CITATION.cff"
VARIABLE, SITE_VARIABLE = "COURSE_REPOSITORY_URL", "COURSE_SITE_URL"
BRANCH = "main"
COLAB_BRANCH = "colab"  # Colab opens notebooks of a repository, not of a website: the edition is pushed there


class Repository(NamedTuple):
    """A repository on GitHub.

    Raises:
        ConfigError: The environment variable is no address of a GitHub repository.

    Example:
        >>> course = Repository("ada", "learning-rates")
        >>> course.on_colab("01_learning_rate.ipynb")
        'https://colab.research.google.com/github/ada/learning-rates/blob/colab/01_learning_rate.ipynb'
        >>> course.pages
        'https://ada.github.io/learning-rates/'
    """

    owner: str
    name: str

    @classmethod
    def from_environment(cls) -> Repository | None:
        """The repository that the environment names or, if it says nothing, CITATION.cff; None if there is none."""
        url = os.environ.get(VARIABLE, cited()).strip()
        if not url:
            return None
        match = re.fullmatch(r"https://github\.com/([\w-]+)/([\w.-]+?)(?:\.git)?/?", url)
        if not match:
            raise ConfigError(f"{VARIABLE} must read https://github.com/<owner>/<repository>, got {url!r}")
        return cls(*match.groups())

    @property
    def url(self) -> str:
        return f"https://github.com/{self.owner}/{self.name}"

    @property
    def pages(self) -> str:
        """The address of its GitHub Pages, with a slash at its end."""
        host = f"{self.owner.lower()}.github.io"
        return f"https://{host}/" if self.name.lower() == host else f"https://{host}/{self.name}/"

    def source(self, path: str) -> str:
        """The page that shows a file of the repository."""
        return f"{self.url}/blob/{BRANCH}/{path}"

    def on_colab(self, file: str) -> str:
        """The address under which Colab opens a notebook of the Colab edition."""
        return f"https://colab.research.google.com/github/{self.owner}/{self.name}/blob/{COLAB_BRANCH}/{file}"


def cited() -> str:
    """The address of the repository in ``CITATION.cff``; empty if it names none."""
    return yaml.safe_load(CITATION.read_text(encoding="utf-8")).get("repository-code", "")


def site_url() -> str | None:
    """Where the environment says that the site is published, with a slash at its end; None if it does not."""
    url, repository = os.environ.get(SITE_VARIABLE, "").strip(), Repository.from_environment()
    if url:
        return url.rstrip("/") + "/"
    return repository.pages if repository else None


class Published(NamedTuple):
    """Where pages of the book and files of the repository are on the network; None for what is not published."""

    repository: Repository | None
    site: str | None

    @classmethod
    def from_environment(cls) -> Published:
        return cls(Repository.from_environment(), site_url())

    def page(self, address: str) -> str | None:
        return self.site and self.site + address

    def source(self, path: str) -> str | None:
        return self.repository and self.repository.source(path)
